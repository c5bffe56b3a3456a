"""The report page: it is complete and self-contained, and agrees with the results."""

import base64
import csv
import importlib
import io
import json
import re
import shlex
import urllib.parse
import zipfile
from html.parser import HTMLParser
from xml.etree import ElementTree

import example_results
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from places import ROOT

from quench.cli import main
from quench.config.scenario import load_files
from quench.errors import QuenchError
from quench.figures import declared
from quench.report import downloads, graph, provenance, svg
from quench.report.compare import compare
from quench.report.contents import gather
from quench.report.lineage import lineage
from quench.report.page import number, typeset
from quench.report.papers import PAPERS, ordered, place
from quench.report.reduced import differences, undrawn
from quench.report.signatures import SIGNATURES, SYSTEMS
from quench.report.summary import findings
from quench.runtime import usage


class Parsed(HTMLParser):
    """Elements of a page with their attributes, and its text outside of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside not in {"script", "style"}:
            self.words.append(data)

    def of(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return example_results.make(tmp_path_factory.mktemp("example") / "example")


@pytest.fixture(scope="module")
def text(results):
    output = results / "report" / "index.html"
    assert main(["report", str(results), "--workflow", "snakemake --configfile a.yaml", "-o", str(output)]) == 0
    return output.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text):
    return Parsed(text)


def test_every_figure_has_its_title_command_and_data(results, page):
    pictures = {attrs["id"]: attrs for attrs in page.of("img") if attrs.get("id", "").startswith("image-")}
    assert set(pictures) == {f"image-{name}" for name in example_results.FIGURES}
    for name in example_results.FIGURES:
        drawn = pictures[f"image-{name}"]
        shown = urllib.parse.unquote(drawn["src"].removeprefix("data:image/svg+xml,"))
        tree = ElementTree.fromstring(shown)
        assert tree.tag.endswith("svg") and len(list(tree.iter())) > 100
        assert (int(drawn["width"]), int(drawn["height"])) == (490, 194)
        assert 'Overlap "Q" at 100 % & below <1>' in drawn["alt"]
        link = next(attrs for attrs in page.of("a") if attrs.get("download") == f"{name}.nc")
        kept = (results / "figures" / f"{name}.nc").read_bytes()
        assert base64.b64decode(link["href"].partition(",")[2]) == kept
        assert f"snakemake {name} --configfile a.yaml" in page.words


def test_nothing_is_fetched_and_every_id_is_unique(page):
    for tag, attrs in page.elements:
        for key in ("src", "href", "action", "poster", "data", "srcset"):
            if value := attrs.get(key):
                # A link to a paper is fetched when a reader follows it.
                paper = (tag, key) == ("a", "href") and value in {one.address for one in PAPERS}
                assert paper or value.startswith(("data:", "#")), value[:80]
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = {attrs["href"][1:] for attrs in page.of("a") if attrs.get("href", "").startswith("#")}
    # A claim has no link to a figure that this scenario does not draw.
    assert links <= set(ids)


def test_every_claim_is_a_row_with_its_verdict(results, page):
    rows = {row["id"]: row for row in json.loads((results / "claims.json").read_text())}
    shown = {a["id"].removeprefix("claim-"): a for a in page.of("tr") if a.get("id", "").startswith("claim-")}
    assert set(shown) == set(rows)
    marks = {"reproduced": "yes", "not reproduced": "no", "inconclusive": "open"}
    for name, attrs in shown.items():
        assert attrs["data-verdict"] == marks[rows[name]["verdict"]]


def test_only_reproduced_claims_are_evidence_for_or_against_a_glass(results):
    contents = gather(results)
    marks = {row["id"]: row["mark"] for row in contents.claims}
    likes = {one.claim: one.like for row in SIGNATURES for cell in row.evidence.values() for one in cell}
    seen = set()
    for row in contents.signatures():
        for cell in row["cells"].values():
            for one in cell:
                mark = marks[one["claim"]]
                wanted = {True: "like", False: "unlike"}[likes[one["claim"]]] if mark == "yes" else mark
                assert one["reading"] == wanted
                seen.add(wanted)
    assert seen == {"like", "unlike", "no", "open"}


def test_signatures_name_declared_claims():
    known = {claim["id"] for claim in yaml.safe_load((ROOT / "config/claims.yaml").read_text())["claims"]}
    for row in SIGNATURES:
        assert set(row.evidence) <= set(SYSTEMS)
        assert {one.claim for cell in row.evidence.values() for one in cell} <= known


def test_every_figure_of_the_default_declares_its_place():
    for name in yaml.safe_load((ROOT / "config/config.yaml").read_text())["figures"]:
        where = place(name)
        assert where.paper.key.lower() == name.partition("_")[0]
        assert where.section != "Further figures", f"{name}: declare its SECTION of {where.paper.name}"
        assert where.label != name.partition("_")[2], f"{name}: declare its LABEL"


def test_order_of_figures_is_that_of_the_papers():
    names = ["kwj_fig1", "kwj_fig3", "kwj_figa9", "kwj_figa10", "kwj_again", "bj_fig2", "bj_width", "ours_x", "mine"]
    assert ordered(names[::-1]) == names


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("kwj_fig3", ("KWJ", "III.2 Relaxation with overdamped Langevin dynamics", "Fig. 3")),
        ("kwj_fig3_again", ("KWJ", "Further figures", "fig3 again")),
        ("ours_more", ("ours", "", "more")),
        ("my_pair", ("own", "", "pair")),
        ("own_ageing", ("own", "", "ageing")),
    ],
)
def test_any_figure_has_a_place(name, found):
    where = place(name)
    assert (where.paper.key, where.section, where.label) == found


@pytest.mark.parametrize("name", ["kwj.fig3", "kwj.figa10"])
def test_declarations_are_those_of_the_module(name):
    module, found = importlib.import_module(f"quench.figures.{name}"), declared.read(name)
    assert (found.title, found.caption) == (module.TITLE, module.CAPTION)
    assert (found.label, found.section) == (module.LABEL, module.SECTION)


def test_parameters_are_those_of_all_inputs_of_a_figure():
    found = lineage(example_results.CONFIG, "kwj_fig4")
    assert list(found) == ["figures.kwj_fig4", "runs.regularised", "ensembles.regularised", "data.mnist"]
    # Keys without a value are left out.
    assert found["runs.regularised"] == {"ensemble": "regularised", "temperatures": [0.1, 0.0], "chi": 30.0}


def test_pictures_shrink_without_a_visible_change(results):
    before = (results / "figures" / "kwj_fig3.svg").read_text(encoding="utf-8")
    after = svg.smaller(before)
    assert len(after) < 0.95 * len(before)

    def numbers(tree):
        paths = [path.get("d") for path in tree.iter() if path.get("d")]
        return [float(word) for path in paths for word in re.findall(r"-?\d+\.?\d*", path)]

    old, new = numbers(ElementTree.fromstring(before)), numbers(ElementTree.fromstring(after))
    # Coordinates are cut after two decimals, which moves them by less than a hundredth of a point.
    assert len(old) == len(new) and max(abs(a - b) for a, b in zip(old, new, strict=True)) < 0.01


def test_address_preserves_any_text():
    text = """<svg a="x's #1"> 100 % & "quoted"\nnext</svg>"""
    wanted = """<svg a='x&apos;s #1'> 100 % & 'quoted' next</svg>"""
    assert urllib.parse.unquote(svg.address(text).partition(",")[2]) == wanted


def test_file_that_is_no_figure_is_reported(tmp_path):
    (tmp_path / "a.svg").write_text("<html></html>")
    with pytest.raises(QuenchError, match=r"a\.svg: not an SVG file"):
        svg.picture(tmp_path / "a.svg")


@pytest.mark.parametrize(
    "given, shown",
    [
        (None, "–"),
        ("inf", "∞"),
        ("-inf", "−∞"),
        (0.0, "0"),
        (-0.48, "−0.48"),
        (1.5e-7, "1.5×10<sup>−7</sup>"),
        (1e-12, "10<sup>−12</sup>"),
        (1.41e5, "1.41×10<sup>5</sup>"),
    ],
)
def test_numbers_are_printed(given, shown):
    assert str(number(given)) == shown


def test_text_is_typeset_and_escaped():
    assert str(typeset("tau90 <b> at lambda = 0")) == "τ<sub>90</sub> &lt;b&gt; at λ = 0"
    assert str(typeset("t^-1/2, alpha^2/B")) == "t<sup>−1/2</sup>, α<sup>2</sup>/B"
    wanted = "t<sup>−0.48</sup>, t<sub>w</sub> &gt; t<sub>2</sub>, alphabet"
    assert str(typeset("t^-0.48, t_w > t2, alphabet")) == wanted


def test_time_and_machine_of_the_jobs_are_summed(results, page):
    stages = provenance.spent(results, example_results.CONFIG)
    assert set(stages) == {"claims", "data", "figures", "pretrained", "snapshots"}
    assert (stages["figures"].jobs, stages["figures"].seconds) == (5, 12.5)
    # What another configuration made in the same folder is no part of this one.
    (results / "logs/figures/earlier.log").write_text(example_results.LOG.format(100.0))
    assert provenance.spent(results, example_results.CONFIG) == stages
    whole = provenance.total(stages.values())
    assert (whole.jobs, whole.timed, whole.cpu, whole.machines) == (9, 9, 36.0, {"AMD EPYC, 2 cores"})
    assert f"{36 / 3600:.2f} core-hours" in page.words


def test_seeds_of_everything_random(results):
    assert provenance.seeds(gather(results).config) == {"ensembles.regularised": "2-5", "classifiers.small_net": "0"}


def test_usage_is_logged_and_read_back(tmp_path):
    log = tmp_path / "a.log"
    with log.open("w") as stream:
        print("run a: 3 steps", file=stream)
        usage.log(0.0, stream)
    used = usage.read(log)
    # The clock started at 0, long ago; this process has used some memory and processor time.
    assert used.seconds > 0 and used.cpu > 0 and used.megabytes > 10 and used.machine == usage.machine()
    log.write_text("Traceback")
    assert usage.read(log) is None and usage.read(tmp_path / "none.log") is None


def test_picture_of_the_pipeline_has_a_box_a_stage_and_an_arrow_a_dependency(results):
    stages = provenance.spent(results, example_results.CONFIG)
    tree = ElementTree.fromstring(graph.drawing(stages))
    assert len(tree.findall(".//rect")) == len(stages)
    assert graph.edges(stages) == [
        ("data", "pretrained"),
        ("pretrained", "snapshots"),
        ("data", "snapshots"),
        ("pretrained", "figures"),
        ("figures", "claims"),
    ]
    assert len(tree.findall("path")) == 5


def test_comparison_finds_all_differences(results, tmp_path):
    figures = {name: example_results.FIGURES[name] for name in ("kwj_fig3", "bj_fig3")}
    other = example_results.make(tmp_path / "other", shift=1, scenario="other", figures=figures)
    comparison = compare(gather(results), gather(other))
    assert comparison.changed == len(comparison.claims) > 100
    keys = {key: (one, two) for key, one, two in comparison.settings}
    assert keys["scenario"] == ("example", "other") and keys["figures.theory_mct.runs"] == (["regularised"], None)
    assert "runs.regularised.chi" not in keys
    pairs = {(one or two).name: (one is not None, two is not None) for one, two in comparison.figures}
    assert pairs["kwj_fig3"] == (True, True) and pairs["theory_mct"] == (True, False)
    output = tmp_path / "comparison.html"
    assert main(["report", str(results), "--compare", str(other), "-o", str(output)]) == 0
    page = Parsed(output.read_text(encoding="utf-8"))
    assert len([a for a in page.of("img") if a.get("id", "").startswith("image-")]) == 7


def test_missing_figure_is_named_and_the_others_shown(tmp_path, capsys):
    folder = example_results.make(tmp_path / "part", figures={"kwj_fig3": {}})
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["figures"]["kwj_fig7"] = {}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    assert main(["report", str(folder), "-o", str(tmp_path / "a.html")]) == 0
    assert "kwj_fig7 is not drawn yet" in capsys.readouterr().err
    assert "Not drawn yet: kwj_fig7." in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda folder: (folder / "config.yaml").unlink(), "no results of a scenario"),
        (lambda folder: (folder / "claims.json").write_text("[{]"), "claims.json: not a list of claims"),
        (lambda folder: (folder / "figures/kwj_fig3.nc").write_text("x"), "kwj_fig3.nc: not a readable NetCDF-4 file"),
    ],
)
def test_damaged_results_are_reported_in_one_line(tmp_path, capsys, damage, message):
    folder = example_results.make(tmp_path / "bad", figures={"kwj_fig3": {}})
    damage(folder)
    assert main(["report", str(folder), "-o", str(tmp_path / "a.html")]) == 2
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1
    assert not (tmp_path / "a.html").exists()


def test_plotted_numbers_in_the_page_open_as_a_dataset(page, tmp_path):
    link = next(attrs for attrs in page.of("a") if attrs.get("download") == "kwj_fig3.nc")
    (tmp_path / "a.nc").write_bytes(base64.b64decode(link["href"].partition(",")[2]))
    with xr.open_dataset(tmp_path / "a.nc") as numbers:
        assert numbers.attrs["kind"] == "figure" and numbers["overlap"].size == 50


def test_summary_follows_the_evidence():
    def cells(*readings):
        return [{"claim": "a", "words": "b", "reading": reading} for reading in readings]

    empty = dict.fromkeys(SYSTEMS, ())
    row = {
        "pspin": cells("like", "no"),
        "under": cells("unlike"),
        "over": cells("like", "unlike"),
        "sgd_over": cells("open", "no"),
    }
    rows = [{"name": "Ageing", "cells": empty | row}, {"name": "Caging", "cells": empty}]
    (name, groups), *others = findings(rows)
    assert name == "Ageing" and not others
    assert dict(groups) == {
        "As in a glass": [SYSTEMS["pspin"]],
        "Unlike a glass": [SYSTEMS["under"]],
        "Partly": [SYSTEMS["over"]],
        "Open": [SYSTEMS["sgd_over"]],
    }


def test_counts_of_the_summary_are_those_of_the_claims(results, text):
    counts = gather(results).counts()
    assert f"Of {sum(counts.values())} statements, {counts['yes']} are reproduced, {counts['no']} are not" in text


def test_claims_stand_beside_their_figure_with_numbers_and_reasons(results, text):
    for figure in gather(results).figures:
        card = text.partition(f'<figure class="card" id="figure-{figure.name}"')[2].partition("</figure>")[0]
        assert card.count('<a href="#claim-') == len(figure.claims)
        for row in figure.claims:
            assert str(typeset(row["reason"])) in card
    assert any(figure.claims for figure in gather(results).figures)


def test_tables_hold_all_plotted_numbers():
    numbers = xr.Dataset(
        {"q": (("panel", "lag"), [[1.0, 0.5], [np.nan, 0.25]]), "chi": 3.0, "n": ("panel", [4, 5])},
        {"panel": ["a", "b"], "lag": [1, 10]},
    )
    with zipfile.ZipFile(io.BytesIO(downloads.tables(numbers))) as archive:
        found = {name: pd.read_csv(archive.open(name)) for name in archive.namelist()}
    assert set(found) == {"panel_lag.csv", "panel.csv", "numbers.csv"}
    assert found["panel_lag.csv"].values.tolist() == [["a", 1, 1.0], ["a", 10, 0.5], ["b", 10, 0.25]]
    assert found["numbers.csv"].values.tolist() == [["chi", 3.0]]
    assert downloads.tables(numbers) == downloads.tables(numbers)
    many = xr.Dataset({"q": ("lag", np.zeros(100_000))}, {"lag": np.arange(100_000)})
    assert len(downloads.tables(many)) < 0.4 * len(many.to_dataframe().to_csv())


def test_all_claims_are_in_the_csv_table(results, page):
    link = next(attrs for attrs in page.of("a") if attrs.get("download") == "claims.csv")
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(link["href"].partition(",")[2]).decode())))
    kept = json.loads((results / "claims.json").read_text())
    assert {row["id"]: row["verdict"] for row in rows} == {row["id"]: row["verdict"] for row in kept}


def test_statements_stand_alone_when_sorted():
    for claim in yaml.safe_load((ROOT / "config/claims.yaml").read_text())["claims"]:
        statement = claim["statement"]
        assert not statement.startswith(("There tau", "This ", "It ", "That ", "They ", "...")), claim["id"]
        assert not statement.endswith("..."), claim["id"]


def test_differences_are_those_of_the_entries_behind_a_figure():
    paper = {
        "figures": {"kwj_fig4": {"runs": ["regularised"]}},
        "runs": {"regularised": {"ensemble": "regularised", "chi": 300.0}, "other": {"chi": 1.0}},
        "ensembles": {"regularised": {"width": 30, "chunk": 8, "sgd": {"epochs": 7, "rate": 1}}},
    }
    here = {
        "figures": {"kwj_fig4": {"runs": ["regularised"]}},
        "runs": {"regularised": {"ensemble": "regularised", "chi": 300.0}, "other": {"chi": 2.0}},
        "ensembles": {"regularised": {"width": 4, "sgd": {"epochs": 3, "rate": 1}}},
    }
    found = [(row.entry, row.key, row.paper, row.here) for row in differences(paper, here, ["kwj_fig4", "mine"])]
    assert found == [("ensembles.regularised", "width", 30, 4), ("ensembles.regularised", "sgd.epochs", 7, 3)]


def test_paper_figures_without_a_picture_say_how_to_make_them():
    default = load_files([ROOT / "config/config.yaml"]).model_dump(mode="json")
    paper = load_files([ROOT / "config/config.yaml", ROOT / "config/paper.yaml"]).model_dump(mode="json")
    cards = {card.name: card for card in undrawn(paper, default, ["kwj_fig4"], "snakemake --cores all")}
    # All that the default lacks are the figures for which it has no images.
    assert set(cards) == {"kwj_fig4", "kwj_figa3", "kwj_figa8"}
    assert cards["kwj_fig4"].images == "" and cards["kwj_fig4"].command == "snakemake kwj_fig4 --cores all"
    for name in ("kwj_figa3", "kwj_figa8"):
        _, target, *_, overlay = shlex.split(cards[name].command)
        assert cards[name].images == "cifar10" and target == name
        assert name in yaml.safe_load((ROOT / overlay).read_text())["figures"]


def test_papers_are_cited_as_in_the_citation_file(text):
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    for one in (cited, *cited["references"]):
        assert one["title"] in text
    assert f"version = {{{cited['version']}}}" in text and cited["references"][0]["doi"] in text


def test_page_lists_what_differs_from_the_papers(results, tmp_path):
    output = tmp_path / "a.html"
    files = [str(ROOT / "config" / name) for name in ("config.yaml", "paper.yaml")]
    assert main(["report", str(results), "--paper", *files, "-o", str(output)]) == 0
    page = Parsed(output.read_text(encoding="utf-8"))
    assert {"id": "reductions", "aria-labelledby": "reductions-title"} in page.of("section")
    assert "figure-kwj_figa3" in {attrs.get("id") for attrs in page.of("div")}
    assert "quench images --source cifar10 --from FOLDER" in page.words


def test_papers_scale_that_no_longer_fits_the_default_is_left_out_with_a_note(results, tmp_path, capsys):
    """Someone removed entries from config.yaml on which paper.yaml builds; a file that is not there is a mistake."""
    edited, output = tmp_path / "config.yaml", tmp_path / "page.html"
    edited.write_text("scenario: default\n")
    assert (
        main(["report", str(results), "--paper", str(edited), str(ROOT / "config/paper.yaml"), "-o", str(output)]) == 0
    )
    assert "does not compare with the papers' scale" in capsys.readouterr().err and output.exists()
    assert main(["report", str(results), "--paper", str(tmp_path / "nothing.yaml"), "-o", str(output)]) == 2
