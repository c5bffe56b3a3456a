"""The Provenance Run Crate of an archive: workflow, jobs with inputs, outputs and times, licence, authors and papers.

``ro-crate-metadata.json`` follows RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) and Provenance Run Crate 0.5
(https://w3id.org/ro/wfrun/provenance/0.5). Its identifiers are relative to its folder; a file that is not in the archive is
a contextual entity, with ``#`` before its name. Times come from the logs, each of which covers the last start of its job; a
job without a log has none. No result states who started a run, so the agent of all actions is a person without a name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import xarray as xr

from quench import __version__
from quench.config.sections import Scenario
from quench.pipeline.jobs import Job, jobs
from quench.pipeline.paths import Paths
from quench.pipeline.results import CONFIG
from quench.pipeline.stages import log_of
from quench.report.papers import PAPERS
from quench.runtime import usage

NAME, WORKFLOW = "ro-crate-metadata.json", "Snakefile"
Entity = dict[str, Any]

_CRATE = "https://w3id.org/ro/crate/1.1"
_WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_PROFILES = [
    *(f"https://w3id.org/ro/wfrun/{name}/0.5" for name in ("process", "workflow", "provenance")),
    _WORKFLOW_CRATE,
]
# The second one has the term sha256.
_CONTEXT = [f"{_CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]
_LICENCE, _AUTHORS, _AGENT = "https://spdx.org/licenses/MIT", "#authors", "#agent"
_LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
_BIOSCHEMAS = "https://bioschemas.org/profiles/{}/1.0-RELEASE"
_SNAKEMAKE = {"name": "Snakemake", "url": {"@id": "https://snakemake.readthedocs.io"}}


def crate(root: Path, scenario: Scenario, sums: Mapping[str, str]) -> str:
    """The metadata of an archive with the files ``sums``: their names in the results folder ``root``, and SHA-256."""
    paths = Paths(scenario)
    found = [job for job in jobs(paths, list(scenario.figures)).values() if job.rule != "figure"]
    rules = list(dict.fromkeys(job.rule for job in found))
    results = [name for name in sums if name.endswith(".nc")]
    entities = {name: _file(name, digest) for name, digest in sums.items()}
    entities[WORKFLOW] |= _workflow(rules)
    actions = []
    for job in found:
        action, mentioned = _action(root, job, paths.folder, sums)
        actions.append(action)
        entities = {entity["@id"]: entity for entity in mentioned} | entities
    graph = [*_head(root, scenario, sums, actions), *entities.values(), *_plan(rules), *_runs(actions, results)]
    return json.dumps({"@context": _CONTEXT, "@graph": graph}, indent=1, ensure_ascii=False) + "\n"


def _entity(name: str, kind: str, /, **properties: Any) -> Entity:
    return {"@id": name, "@type": kind, **properties}


def _refs(names: Iterable[str]) -> Entity | list[Entity]:
    """References; a single one is no list, as RO-Crate recommends."""
    found = [{"@id": name} for name in names]
    return found[0] if len(found) == 1 else found


def _file(name: str, digest: str) -> Entity:
    form = {".nc": "application/netcdf", ".yaml": "application/yaml"}.get(Path(name).suffix, "text/plain")
    of = {CONFIG: _refs(["#scenario"]), WORKFLOW: []}.get(name, _refs(["#results"]))
    return _entity(name, "File", name=name, sha256=digest, encodingFormat=form, **({"exampleOfWork": of} if of else {}))


def _action(root: Path, job: Job, folder: str, sums: Mapping[str, str]) -> tuple[Entity, list[Entity]]:
    """The run of ``job``, with times and resources from its log; and the entities that it mentions beside the files."""
    made, *needs = (path.removeprefix(f"{folder}/") for path in (job.path, *job.needs))
    identifiers = [name if name in sums else f"#{name}" for name in (made, *needs)]
    mentioned = [
        _entity(one, "CreativeWork", name=one[1:], description="an intermediate result, not in the crate")
        for one in identifiers
        if one.startswith("#")
    ]
    # Fingerprint and commit of the code are inputs, like the files.
    code = [
        _entity(f"#{name}/{value}", "PropertyValue", name=name, value=value)
        for name, value in _attributes(root / made).items()
        if name in ("code_fingerprint", "git_commit") and value
    ]
    inputs = [*identifiers[1:], *(one["@id"] for one in code)]
    action = _entity(f"#job/{made}", "CreateAction", name=f"{job.rule}: {made}", instrument={"@id": f"#tool/{job.rule}"},
                     description="resources are not known: the job left no log", agent={"@id": _AGENT},
                     object=_refs(inputs), result=_refs(identifiers[:1]))  # fmt: skip
    log = root / log_of(made)
    if used := usage.read(log):
        end = _modified(log)
        action |= {"startTime": (end - timedelta(seconds=round(used.seconds))).isoformat(), "endTime": end.isoformat()}
        action["description"] = f"{used.cpu:g} s of processor time, {used.megabytes} MB at most, on {used.machine}"
    return action, [*mentioned, *code]


def _attributes(path: Path) -> Mapping[str, Any]:
    """Attributes of the NetCDF file at ``path``; none where it is missing or unreadable."""
    try:
        with xr.open_dataset(path, engine="netcdf4", decode_times=False) as dataset:
            return dict(dataset.attrs)
    except (OSError, RuntimeError):
        return {}


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)


def _head(root: Path, scenario: Scenario, sums: Iterable[str], actions: list[Entity]) -> list[Entity]:
    """The descriptor, the root, and what the root refers to."""
    papers = [paper for paper in PAPERS if paper.address]
    ends = [action["endTime"] for action in actions if "endTime" in action]
    about = "All files from which the figures of the scenario are drawn, and the jobs that made them."
    return [
        _entity(NAME, "CreativeWork", about={"@id": "./"}, conformsTo=_refs([_CRATE, _WORKFLOW_CRATE])),
        _entity("./", "Dataset", name=f"Results of quench, scenario {scenario.scenario}", description=about,
                datePublished=max(ends, default=_modified(root / CONFIG).isoformat()), license={"@id": _LICENCE},
                author={"@id": _AUTHORS}, publisher={"@id": _AUTHORS},
                citation=_refs(paper.address for paper in papers), conformsTo=_refs(_PROFILES),
                hasPart=_refs(sums), mainEntity={"@id": WORKFLOW},
                mentions=_refs(["#run", *(action["@id"] for action in actions)])),
        _entity(_LICENCE, "CreativeWork", name="MIT License", identifier="MIT"),
        _entity(_AUTHORS, "Organization", name="The quench developers"),
        _entity(_AGENT, "Person", name="whoever ran the workflow; the results state no name"),
        *(_entity(one, "CreativeWork", name=one.split("/", 3)[3], version=one.rsplit("/", 1)[1]) for one in _PROFILES),
        *(_entity(one.address, "ScholarlyArticle", name=f"{one.title} ({one.name})") for one in papers),
    ]  # fmt: skip


def _workflow(rules: list[str]) -> Entity:
    """Properties of the Snakefile beyond those of a file."""
    kinds = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
    return {"@type": kinds, "programmingLanguage": {"@id": _LANGUAGE}, "license": {"@id": _LICENCE}, "version": __version__,
            "conformsTo": {"@id": _BIOSCHEMAS.format("ComputationalWorkflow")},
            "input": _refs(["#scenario"]), "output": _refs(["#results"]),
            "hasPart": _refs(f"#tool/{rule}" for rule in rules),
            "step": _refs(f"#step/{rule}" for rule in rules)}  # fmt: skip


def _plan(rules: list[str]) -> list[Entity]:
    """Language, engine, parameters, and a step and a tool for each rule of the workflow."""
    steps = [
        _entity(f"#step/{rule}", "HowToStep", name=rule, position=str(place), workExample={"@id": f"#tool/{rule}"})
        for place, rule in enumerate(rules)
    ]
    tools = [
        _entity(f"#tool/{rule}", "SoftwareApplication", name=f"quench, rule {rule}", softwareVersion=__version__)
        for rule in rules
    ]
    parameters = [
        _entity(
            f"#{name}",
            "FormalParameter",
            name=name,
            additionalType="File",
            conformsTo={"@id": _BIOSCHEMAS.format("FormalParameter")},
        )
        for name in ("scenario", "results")
    ]
    language = _entity(_LANGUAGE, "ComputerLanguage", identifier=_SNAKEMAKE["url"], **_SNAKEMAKE)
    return [language, _entity("#engine", "SoftwareApplication", **_SNAKEMAKE), *parameters, *steps, *tools]


def _runs(actions: list[Entity], results: list[str]) -> list[Entity]:
    """The runs of the workflow, of its engine and of each job, and the start of each job by the engine."""
    starts, ends = ([action[key] for action in actions if key in action] for key in ("startTime", "endTime"))
    times = {"startTime": min(starts), "endTime": max(ends)} if ends else {}
    controls = [
        _entity(action["@id"].replace("job", "start", 1), "ControlAction", name=f"start of {action['name']}",
                description="Snakemake starts the job", agent={"@id": _AGENT}, object={"@id": action["@id"]},
                instrument={"@id": action["instrument"]["@id"].replace("tool", "step", 1)})
        for action in actions
    ]  # fmt: skip
    workflow = _entity("#run", "CreateAction", name="run of the workflow",
                       description="All jobs before the figures.", agent={"@id": _AGENT}, instrument={"@id": WORKFLOW},
                       object=_refs([CONFIG]), result=_refs(results), **times)  # fmt: skip
    engine = _entity("#engine-run", "OrganizeAction", name="run of Snakemake", agent={"@id": _AGENT},
                     description="Snakemake starts all jobs.", instrument={"@id": "#engine"},
                     object=_refs(one["@id"] for one in controls), result={"@id": "#run"}, **times)  # fmt: skip
    return [workflow, engine, *controls, *actions]
