"""The stages of the pipeline: one record for each, from which all paths, patterns, jobs and pictures are derived."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quench.config.sections import Scenario
from quench.dynamics.choices import optimiser_of
from quench.pipeline import parameters
from quench.pipeline.parameters import Parameters
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

    ``rule``: name of the rule, and of the method of ``quench.cost.model.Costs`` for one of its jobs.
    ``path``: the file of a job below ``results/<scenario>``; its first wildcard names an entry of a table in ``TABLES``.
    ``label``, ``place``: words, column and row of the box of its folder in the picture of the pipeline.
    ``kinds``: contracts (``quench.store.contracts``) that the file may follow.
    ``step``: name in ``quench.provenance.steps``, or a module, whose code makes the file; a function of the job's
    parameters where they decide.
    ``declares``: parameters of a job (``quench.pipeline.parameters``).
    ``reads``: rules whose files a job reads, in the order of its command.
    ``drawn``: key of a figure's section that names files of this stage.
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
    def option(self) -> str:
        """Option of ``quench figure`` that takes files of this stage; empty where none does."""
        return self.wildcards[0] if self.drawn and self.drawn == self.table else self.drawn or ""

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


def _run_step(found: Mapping[str, Any]) -> str:
    optimiser = optimiser_of(
        found["dynamics"], momentum=found.get("momentum") or 0.0, annealed=bool(found.get("anneal"))
    )
    return steps.run_step(optimiser, found.get("snapshots", "full"))


# In the order of the work, as far as there is one.
_BEFORE_FIGURES = (
    Stage(
        "dataset", "data/{dataset}.nc", label="dataset", place=(1, 0), kinds=("dataset",),
        step="prepare", declares=parameters.dataset,
    ),
    Stage(
        "images", "images/{source}.nc", label="images", place=(3, 0), kinds=("images",),
        step="images", declares=parameters.images,
    ),
    Stage(
        "pretrain", "pretrained/{ensemble}/{seeds}.nc", label="networks in a basin", place=(1, 1), kinds=("pretrained",),
        step="pretrain", declares=parameters.pretrain, reads=("dataset",), drawn="ensembles",
    ),
    Stage(
        "scan", "scans/{scan}/{part}.nc", label="phase diagram", place=(0, 1), kinds=("scan",),
        step="scan", declares=parameters.scan, reads=("dataset",), drawn="scans",
    ),
    Stage(
        "run", "snapshots/{run}/{point}/{seeds}.nc", label="measured dynamics", place=(1, 2),
        kinds=("snapshots", "streamed"), step=_run_step, declares=parameters.run, reads=("pretrain", "dataset"),
    ),
    Stage(
        "observe", "observables/{run}/{point}/chi{chi}.nc", label="observables", place=(1, 3), kinds=("observables",),
        step="observe", declares=parameters.observe, reads=("run",), drawn="runs",
    ),
    Stage(
        "response", "response/{run}/{point}.nc", label="response", place=(0, 2), kinds=("observables",),
        step="observe", declares=parameters.response, reads=("run",), drawn="response",
    ),
    Stage(
        "mobility", "mobility/{run}/{point}/{seeds}.nc", label="single weights", place=(0, 3), kinds=("mobility",),
        step="mobility", declares=parameters.mobility, reads=("run", "dataset"), drawn="mobility",
    ),
    Stage(
        "curvature", "curvature/{run}/{point}/{seeds}.nc", label="curvature", place=(2, 2), kinds=("curvature",),
        step="curvature", declares=parameters.curvature, reads=("run", "dataset"), drawn="curvature",
    ),
    Stage(
        "train", "classifiers/{classifier}/{seeds}.nc", label="trained classifiers", place=(3, 1), kinds=("training",),
        step="train", declares=parameters.train, reads=("images",), drawn="classifiers",
    ),
    Stage(
        "flatness", "flatness/{classifier}.nc", label="Hessian spectra", place=(3, 3), kinds=("flatness",),
        step="flatness", declares=parameters.flatness, reads=("images", "train"), drawn="flatness",
    ),
    Stage(
        "drift", "drift/{classifier}.nc", label="gradient descent", place=(3, 2), kinds=("drift",),
        step="drift", declares=parameters.drift, reads=("images", "train"), drawn="drift",
    ),
    Stage(
        "external", "external/{external}.nc", label="your recorded runs", place=(2, 1), kinds=("observables",),
        step="observe", declares=parameters.external, drawn="external",
    ),
    Stage(
        "simulation", "glass/{simulation}.nc", label="p-spin glass", place=(2, 3), kinds=("glass",),
        step="pspin-simulate", declares=parameters.simulation, drawn="glass",
    ),
    Stage(
        "pspin", "glass/{quench}.nc", label="p-spin glass", place=(2, 3), kinds=("glass",),
        step="pspin", declares=parameters.pspin, drawn="glass",
    ),
)  # fmt: skip
_FIGURE = Stage(
    "figure", "figures/{figure}.nc", label="figures", place=(1.5, 4), kinds=("figure",),
    step="figure", declares=parameters.figure,
    reads=tuple(stage.rule for stage in _BEFORE_FIGURES if stage.drawn),
)  # fmt: skip
_CLAIMS = Stage("claims", "claims.csv", label="claims", place=(1, 5), reads=("figure",))
_REPORT = Stage("report", "report/index.html", label="report", place=(2, 5), reads=("claims", "figure"))
STAGES = {stage.rule: stage for stage in (*_BEFORE_FIGURES, _FIGURE, _CLAIMS, _REPORT)}
