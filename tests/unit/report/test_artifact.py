"""The artifact appendix follows the declarations, and the files of metadata agree with each other."""

import json
import tomllib

import yaml
from places import CONFIG, DOCS, ROOT

from quench.config.claims import load
from quench.report import artifact
from quench.report.papers import PAPERS

PAGE = (DOCS / "artifact.md").read_text(encoding="utf-8")


def test_appendix_has_not_drifted():
    assert artifact.page(CONFIG) == PAGE


def test_every_claim_and_every_figure_of_the_default_scenario_has_its_command():
    for claim in load(CONFIG / "claims.yaml").claims:
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{claim.id}` |"))
        assert f"snakemake --cores all {' '.join(claim.reads)}" in row
    for name in yaml.safe_load((CONFIG / "config.yaml").read_text())["figures"]:
        assert f"| `snakemake --cores all {name}` |" in PAGE


def test_metadata_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    meta = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    assert citation["version"] == meta["version"] == project["version"]
    assert citation["keywords"] == meta["keywords"]
    assert set(project["keywords"]) <= set(citation["keywords"])
    assert (
        meta["license"] == f"https://spdx.org/licenses/{citation['license']}"
        and citation["license"] == project["license"]
    )
    assert meta["description"] == project["description"]
    assert [paper["sameAs"] for paper in meta["referencePublication"]] == [p.address for p in PAPERS if p.address]
    for paper, reference in zip(meta["referencePublication"], citation["references"], strict=True):
        assert paper["name"] == reference["title"]
        number = paper["sameAs"].removeprefix("https://arxiv.org/abs/")
        stated = {identifier["value"] for identifier in reference["identifiers"]}
        assert stated == {f"arXiv:{number}", f"10.48550/arXiv.{number}"}
