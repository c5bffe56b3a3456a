"""The table of stages covers every rule, contract, cost, figure key and file of the pipeline."""

import re

import planted
import pytest
from places import CONFIG, ROOT

from quench.config.base import references, tables
from quench.config.scenario import load_files
from quench.config.sections import Figure, Scenario
from quench.cost.chunks import declare
from quench.cost.model import Costs
from quench.pipeline import expected
from quench.pipeline.paths import Paths
from quench.pipeline.rules import Rules
from quench.pipeline.stages import STAGES, TABLES, WILDCARDS, find, log_of
from quench.report import graph
from quench.store.contracts import CONTRACTS

RULES = {path.name: path.read_text() for path in (ROOT / "rules").glob("*.smk")}
OVERLAYS = [[], ["smoke.yaml"], ["thorough.yaml"], ["laptop.yaml"], ["paper.yaml"]]


def scenario(overlays):
    return declare(load_files([CONFIG / name for name in ["config.yaml", *overlays]]))


def test_every_rule_is_a_stage_and_takes_everything_from_its_record():
    blocks = [block for text in RULES.values() for block in re.split(r"^(?=rule \w+:)", text, flags=re.M)[1:]]
    named = {re.match(r"rule (\w+):", block)[1]: block for block in blocks}
    assert set(named) == set(STAGES)
    for rule, block in named.items():
        asked = set(re.findall(r'RULES\.\w+\("(\w+)"\)', block))
        # Claims read the numbers of figures.
        assert rule in asked and asked <= {rule, *STAGES[rule].reads}
        for part in ("log", "resources"):
            assert f'RULES.{part}("{rule}")' in block
        assert "results/" not in block


def test_every_contract_is_that_of_a_stage():
    assert {kind for stage in STAGES.values() for kind in stage.kinds} == set(CONTRACTS)


def test_every_cost_is_that_of_a_stage():
    methods = {name for name in vars(Costs) if not name.startswith("_")} - {"work", "chunk", "network_seconds"}
    assert methods <= set(STAGES)


def test_every_key_of_a_figure_that_names_results_is_drawn_from_a_stage():
    drawn = {stage.drawn for stage in STAGES.values() if stage.drawn}
    assert drawn == set(references(Figure))
    for stage in STAGES.values():
        if stage.drawn:
            assert stage.table in references(Figure)[stage.drawn]


def test_every_table_of_the_scenario_names_files_of_a_stage():
    assert set(TABLES.values()) == set(tables(Scenario))
    assert {name for stage in STAGES.values() for name in stage.wildcards} == set(WILDCARDS)
    assert {stage.table for stage in STAGES.values()} - {None} == set(TABLES.values())


def test_stages_read_only_earlier_stages():
    rules = list(STAGES)
    for rule, stage in STAGES.items():
        assert all(rules.index(read) < rules.index(rule) for read in stage.reads)


@pytest.mark.parametrize("overlays", OVERLAYS, ids=lambda names: names[-1] if names else "config.yaml")
def test_files_are_found_by_their_names_and_need_files_of_the_stages_that_they_read(overlays):
    found = scenario(overlays)
    paths, rules = Paths(found), Rules(found)
    for rule, stage in STAGES.items():
        for path in paths.files(rule):
            name = path.removeprefix(f"{paths.folder}/")
            assert find(name, found)[0] is stage
            assert paths.job(path) == (rule, find(name, found)[1])
            job = paths.job(path)[1]
            if stage.declares(found, job) is None:
                continue
            assert {paths.job(needed)[0] for needed in paths.needs(rule, job)} <= set(stage.reads)
            assert isinstance(rules.options(rule)(job), str)
            assert re.fullmatch(r"[0-9a-f]{16}|", rules.code(rule)(job))
            assert rules.threads(rule)(job) >= 1
            assert all(resource(job, 1, attempt=1) > 0 for resource in rules.resources(rule).values())


def test_wildcards_that_are_known_through_others_choose_files():
    paths = Paths(scenario(["smoke.yaml"]))
    assert paths.files("dataset", {"run": "regularised_sgd"}) == ["results/smoke/data/mnist.nc"]
    assert paths.files("run", {"run": "regularised_sgd", "point": "B20"}) == [
        "results/smoke/snapshots/regularised_sgd/B20/0-1.nc"
    ]
    assert paths.needs("flatness", {"classifier": "tiny"}) == [
        "results/smoke/images/mnist5k.nc",
        "results/smoke/classifiers/tiny/0-0.nc",
    ]
    assert paths.needs("claims", {}) == [path for path in paths.figures() if path.endswith(".nc")]


def test_stages_that_share_a_folder_are_told_apart_by_the_scenario():
    smoke = scenario(["smoke.yaml"])
    assert find("glass/ck.nc", smoke)[0].rule == "pspin" and find("glass/spins_50.nc", smoke)[0].rule == "simulation"
    assert find("glass/none.nc", smoke) is None and find("glass/none.nc") is not None
    assert find("notes/ck.nc") is None and find("data/mnist.nc.bak") is None


@pytest.mark.parametrize(
    "name, log",
    [
        ("snapshots/a/T1e-05/0-3.nc", "logs/snapshots/a/T1e-05/0-3.log"),
        ("observables/a/T0.1/chi30.5.nc", "logs/observables/a/T0.1/chi30.5.log"),
        ("figures/kwj_fig3.svg", "logs/figures/kwj_fig3.log"),
        ("claims.csv", "logs/claims.log"),
        ("report/index.html", "logs/report.log"),
    ],
)
def test_logs_are_named_as_their_files(name, log):
    assert log_of(name) == log


def test_the_picture_has_a_box_for_every_folder():
    assert set(graph.BOXES) == {stage.folder for stage in STAGES.values()}
    assert graph.BOXES["glass"].reads == () and graph.BOXES["drift"].reads == ("images", "classifiers")
    assert set(graph.BOXES["figures"].reads) == {stage.folder for stage in STAGES.values() if stage.drawn}


def test_every_planted_file_is_expected():
    smoke = scenario(["smoke.yaml"])
    names = planted.names(smoke)
    assert len(names) == len(set(names)) > 50
    assert all(expected.contents(smoke, name).kinds for name in names)
