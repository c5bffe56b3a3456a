"""The metadata of an archive: what RO-Crate 1.1 and Provenance Run Crate 0.5 require, and times from the logs."""

import hashlib
import json
import os
import tarfile

import planted
import pytest
from places import CONFIG, ROOT

from quench.cli import main
from quench.config.scenario import load_files
from quench.pipeline.paths import Paths
from quench.pipeline.stages import log_of
from quench.report import crate
from quench.store import archive

ENDED = 1_700_000_000


@pytest.fixture(scope="module")
def scenario():
    return load_files([CONFIG / "config.yaml", CONFIG / "smoke.yaml"])


@pytest.fixture(scope="module")
def held(tmp_path_factory, scenario):
    """Contents of an archive by name; beside its results a Snakefile, and the log of one job."""
    place = tmp_path_factory.mktemp("place")
    root = place / "results" / scenario.scenario
    planted.results(root, scenario)
    (place / "Snakefile").write_bytes((ROOT / "Snakefile").read_bytes())
    log = root / log_of("glass/spins_50.nc")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("quench: took 90.4 s, 170.5 s of processor time, 200 MB at most, on Sample CPU, 2 cores\n")
    os.utime(log, (ENDED, ENDED))
    assert main(["pack", str(root), "-o", str(place / "smoke.tar")]) == 0
    assert main(["unpack", str(place / "smoke.tar"), "-d", str(place / "there")]) == 0
    with tarfile.open(place / "smoke.tar") as tar:
        return {entry.name.removeprefix("smoke/"): tar.extractfile(entry).read() for entry in tar}


@pytest.fixture(scope="module")
def graph(held):
    entities = json.loads(held[crate.NAME])["@graph"]
    assert len({entity["@id"] for entity in entities}) == len(entities)
    return {entity["@id"]: entity for entity in entities}


def kinds(entity):
    found = entity["@type"]
    return {found} if isinstance(found, str) else set(found)


def listed(entity, key):
    found = entity.get(key, [])
    return [one["@id"] for one in ([found] if isinstance(found, dict) else found)]


def of_kind(graph, kind):
    return [entity for entity in graph.values() if kind in kinds(entity)]


def test_descriptor_and_root_are_those_of_the_profiles(graph):
    descriptor, root = graph["ro-crate-metadata.json"], graph["./"]
    assert descriptor["@type"] == "CreativeWork" and descriptor["about"] == {"@id": "./"}
    workflow_crate = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
    assert listed(descriptor, "conformsTo") == ["https://w3id.org/ro/crate/1.1", workflow_crate]
    runs = [f"https://w3id.org/ro/wfrun/{name}/0.5" for name in ("process", "workflow", "provenance")]
    assert listed(root, "conformsTo") == [*runs, workflow_crate]
    assert all(
        kinds(graph[profile]) == {"CreativeWork"} and graph[profile]["version"] for profile in (*runs, workflow_crate)
    )
    assert (
        root["@type"] == "Dataset"
        and root["name"]
        and root["description"]
        and root["datePublished"].startswith("2023-11-14T")
    )
    assert graph[root["license"]["@id"]]["name"] == "MIT License"
    assert [graph[paper]["@type"] for paper in listed(root, "citation")] == ["ScholarlyArticle"] * 2
    assert {paper.rsplit("/", 1)[1] for paper in listed(root, "citation")} == {"2405.13098", "1803.06969"}


def test_every_file_is_in_the_archive_with_its_sum(graph, held):
    files = {entity["@id"]: entity for entity in of_kind(graph, "File")}
    assert files.keys() == set(listed(graph["./"], "hasPart")) == held.keys() - {crate.NAME, archive.SUMS}
    for name, entity in files.items():
        assert entity["sha256"] == hashlib.sha256(held[name]).hexdigest()
    sums = held[archive.SUMS].decode()
    assert f"{hashlib.sha256(held[crate.NAME]).hexdigest()}  smoke/{crate.NAME}\n" in sums


def test_every_reference_within_the_crate_is_described(graph):
    for entity in graph.values():
        for key in entity:
            names = listed(entity, key) if isinstance(entity[key], (dict, list)) and key != "@type" else []
            assert all(name in graph or name.startswith("https://") for name in names), (entity["@id"], key)
    assert not [name for name in graph if name.startswith(("/", "file:"))]


def test_workflow_has_steps_tools_and_runs(graph):
    workflow = graph[graph["./"]["mainEntity"]["@id"]]
    assert kinds(workflow) == {"File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"}
    assert kinds(graph[workflow["programmingLanguage"]["@id"]]) == {"ComputerLanguage"}
    parameters = [graph[name] for name in listed(workflow, "input") + listed(workflow, "output")]
    assert all(one["@type"] == "FormalParameter" and one["additionalType"] == "File" for one in parameters)
    tools = set(listed(workflow, "hasPart"))
    steps = listed(workflow, "step")
    assert {graph[step]["workExample"]["@id"] for step in steps} == tools
    actions = {entity["@id"]: entity for entity in of_kind(graph, "CreateAction")}
    assert set(listed(graph["./"], "mentions")) == actions.keys()
    run = actions.pop("#run")
    assert run["instrument"]["@id"] == workflow["@id"]
    assert all(action["instrument"]["@id"] in tools for action in actions.values())
    controls = of_kind(graph, "ControlAction")
    assert {control["object"]["@id"] for control in controls} == actions.keys()
    for control in controls:
        step = graph[control["instrument"]["@id"]]
        assert step["workExample"] == graph[control["object"]["@id"]]["instrument"]
    engine = of_kind(graph, "OrganizeAction")[0]
    assert engine["result"] == {"@id": "#run"} and set(listed(engine, "object")) == {one["@id"] for one in controls}


def test_jobs_have_the_inputs_and_outputs_of_the_pipeline(graph, scenario):
    paths = Paths(scenario)
    made = {}
    for action in of_kind(graph, "CreateAction"):
        if action["@id"] != "#run":
            [output] = listed(action, "result")
            made[output.removeprefix("#")] = action
    assert set(listed(graph["./"], "hasPart")) - {"config.yaml", "Snakefile"} <= made.keys()
    for name, action in made.items():
        needs = [need.removeprefix(f"{paths.folder}/") for need in paths.needs(*paths.job(f"{paths.folder}/{name}"))]
        inputs = [one for one in listed(action, "object") if graph[one]["@type"] != "PropertyValue"]
        assert [one.removeprefix("#") for one in inputs] == needs
        codes = [graph[one]["value"] for one in listed(action, "object") if one.startswith("#code_fingerprint/")]
        assert len(codes) == 1


def test_every_action_has_an_agent_and_a_description(graph):
    actions = [entity for entity in graph.values() if any(kind.endswith("Action") for kind in kinds(entity))]
    assert len(actions) > 20
    for action in actions:
        assert action["description"] and graph[action["agent"]["@id"]]["@type"] == "Person"


def test_times_are_those_of_the_logs(graph):
    timed = [action for action in of_kind(graph, "CreateAction") if "endTime" in action]
    assert {action["@id"] for action in timed} == {"#run", "#job/glass/spins_50.nc"}
    for action in timed:
        assert (action["startTime"], action["endTime"]) == ("2023-11-14T22:11:50+00:00", "2023-11-14T22:13:20+00:00")
    assert (
        "170.5 s of processor time, 200 MB at most, on Sample CPU, 2 cores"
        in graph["#job/glass/spins_50.nc"]["description"]
    )


def test_results_without_a_snakefile_are_packed_without_a_crate(scenario, tmp_path, capsys):
    root = tmp_path / "results" / scenario.scenario
    planted.results(root, scenario)
    assert main(["pack", str(root), "-o", str(tmp_path / "smoke.tar")]) == 0
    assert f"the archive has no {crate.NAME}" in capsys.readouterr().out
    assert main(["unpack", str(tmp_path / "smoke.tar"), "-d", str(tmp_path / "there")]) == 0
    assert not (tmp_path / "there/smoke" / crate.NAME).exists()
