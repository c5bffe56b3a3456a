"""The stages of the pipeline: one record for each, from which all paths, patterns, jobs and pictures are derived."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quench.config.sections import Scenario
from quench.pipeline import parameters
from quench.pipeline.parameters import Parameters
from quench.dynamics.choices import optimiser_of
from quench.provenance import steps

# Tables of the scenario by the wildcard that stands for the name of an entry.
TABLES = {
    "dataset": "data",
    "ensemble": "ensembles",
    "scan": "scans",
    "run": "runs",
    "classifier": "classifiers",
    "quench": "quenches",
    "simulation": "simulations",
    "external": "external",
    "figure": "figures",
}
# Regular expressions of all wildcards.
WILDCARDS = dict.fromkeys(TABLES, "[a-z][a-z0-9_]*") | {
    "source": "[a-z0-9]+",
    "point": r"[TB][0-9.e+-]+",
    "chi": r"[0-9.e+-]+",
    "seeds": "[0-9]+-[0-9]+",
    "part": "[0-9]+-[0-9]+",
}


@dataclass(frozen=True)
class Stage:
    """One stage: a rule, and the files that its jobs make.

    ``rule``: name of the rule, and of the method of ``quench.cost.model.Costs`` for one of its jobs. ``path``: the file
    that a job makes, below ``results/<scenario>``, with wildcards; the first wildcard names an entry of a table in
    ``TABLES``. ``kinds``: contracts (``quench.store.contracts``) that the file may follow. ``step``: name in
    ``quench.provenance.steps``, or a module, whose code makes the file; a function of the job's parameters where they
    decide. ``declares``: parameters of a job (``quench.pipeline.parameters``). ``reads``: rules whose files a job reads, in the order of
    its command. ``drawn``: key of a figure's section that names files of this stage. ``label``, ``place``: words, column
    and row of the box of its folder in the picture of the pipeline.
    """

    rule: str
    path: str
    label: str
    place: tuple[float, int]
    kinds: tuple[str, ...] = ()
    step: str | Callable[[Mapping[str, Any]], str] = ""
    declares: Callable[[Scenario, Mapping[str, str]], Parameters | None] = parameters.nothing
    reads: tuple[str, ...] = ()
    drawn: str | None = None

    @property
    def folder(self) -> str:
        """Folder below ``results/<scenario>``, or the name of a file there without its suffix."""
        return self.path.split("/")[0].split(".")[0]

    @property
    def wildcards(self) -> tuple[str, ...]:
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @property
    def table(self) -> str | None:
        """The table of the scenario whose entries name the files."""
        return TABLES.get(self.wildcards[0]) if self.wildcards else None

    @property
    def option(self) -> str | None:
        """Option of ``quench figure`` that takes files of this stage."""
        return self.wildcards[0] if self.drawn and self.drawn == self.table else self.drawn

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """Regular expression of the path, with a group for each wildcard."""
        pieces = re.split(r"\{(\w+)\}", self.path)
        groups = [f"(?P<{one}>{WILDCARDS[one]})" if i % 2 else re.escape(one) for i, one in enumerate(pieces)]
        return re.compile("".join(groups))

    def declared(self, scenario: Scenario, job: Mapping[str, str]) -> bool:
        """Whether the scenario has the entry that names the file."""
        return self.table is None or job[self.wildcards[0]] in getattr(scenario, self.table)

    def code(self, found: Mapping[str, Any]) -> str:
        """Fingerprint of the code that makes a file with the parameters ``found``; empty for a rule that has its own."""
        step = self.step(found) if callable(self.step) else self.step
        return step and steps.code(step, found.get("backend", ""), found.get("figure", ""))


def log_of(name: str) -> str:
    """Log of the job that makes the file ``name``, both below ``results/<scenario>``; an index stands for its folder."""
    return f"logs/{re.sub(r'(/index)?[.][^./]+$', '', name)}.log"


def find(name: str, scenario: Scenario | None = None) -> tuple[Stage, dict[str, str]] | None:
    """The stage of the file ``name``, relative to ``results/<scenario>``, and its wildcards; None for an unknown name.

    Stages may share a folder; with a ``scenario``, its stage is the one that the scenario declares.
    """
    for stage in STAGES.values():
        match = stage.pattern.fullmatch(name)
        if match and (scenario is None or stage.declared(scenario, match.groupdict())):
            return stage, match.groupdict()
    return None


def _optimiser(found: Mapping[str, Any]) -> str:
    optimiser = optimiser_of(
        found["dynamics"], momentum=found.get("momentum") or 0.0, annealed=bool(found.get("anneal"))
    )
    return steps.run_step(optimiser, found.get("snapshots", "full"))


# In the order in which the stages are worked on, as far as there is one.
_BEFORE_FIGURES = (
    Stage("dataset", "data/{dataset}.nc", "dataset", (1, 0), ("dataset",), "prepare", parameters.dataset),
    Stage("images", "images/{source}.nc", "images", (3, 0), ("images",), "images", parameters.images),
    Stage(
        "pretrain", "pretrained/{ensemble}/{seeds}.nc", "networks in a basin", (1, 1), ("pretrained",), "pretrain",
        parameters.pretrain, reads=("dataset",), drawn="ensembles",
    ),
    Stage(
        "scan", "scans/{scan}/{part}.nc", "phase diagram", (0, 1), ("scan",), "scan",
        parameters.scan, reads=("dataset",), drawn="scans",
    ),
    Stage(
        "run", "snapshots/{run}/{point}/{seeds}.nc", "measured dynamics", (1, 2), ("snapshots", "streamed"), _optimiser,
        parameters.run, reads=("pretrain", "dataset"),
    ),
    Stage(
        "observe", "observables/{run}/{point}/chi{chi}.nc", "observables", (1, 3), ("observables",), "observe",
        parameters.observe, reads=("run",), drawn="runs",
    ),
    Stage(
        "mobility", "mobility/{run}/{point}/{seeds}.nc", "single weights", (0, 3), ("mobility",), "mobility",
        parameters.mobility, reads=("run", "dataset"), drawn="mobility",
    ),
    Stage(
        "train", "classifiers/{classifier}/{seeds}.nc", "trained classifiers", (3, 1), ("training",), "train",
        parameters.train, reads=("images",), drawn="classifiers",
    ),
    Stage(
        "flatness", "flatness/{classifier}.nc", "Hessian spectra", (3, 3), ("flatness",), "flatness",
        parameters.flatness, reads=("images", "train"), drawn="flatness",
    ),
    Stage(
        "drift", "drift/{classifier}.nc", "gradient descent", (3, 2), ("drift",), "drift",
        parameters.drift, reads=("images", "train"), drawn="drift",
    ),
    Stage(
        "external", "external/{external}.nc", "your recorded runs", (2, 2), ("observables",), "observe",
        parameters.external, drawn="external",
    ),
    Stage("simulation", "glass/{simulation}.nc", "p-spin glass", (2, 3), ("glass",), "pspin-simulate",
          parameters.simulation, drawn="glass"),
    Stage("pspin", "glass/{quench}.nc", "p-spin glass", (2, 3), ("glass",), "pspin", parameters.pspin, drawn="glass"),
)  # fmt: skip
_FIGURES = Stage(
    "figure", "figures/{figure}.nc", "figures", (1.5, 4), ("figure",), "figure",
    parameters.figure, reads=tuple(stage.rule for stage in _BEFORE_FIGURES if stage.drawn),
)  # fmt: skip
STAGES = {
    stage.rule: stage
    for stage in (
        *_BEFORE_FIGURES,
        _FIGURES,
        Stage("claims", "claims.csv", "claims", (1, 5), reads=("figure",)),
        Stage("report", "report/index.html", "report", (2, 5), reads=("claims", "figure")),
    )
}
