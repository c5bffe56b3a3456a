"""The modules that make the result of each step: its fingerprint covers them, in the rules and in the files alike."""

from __future__ import annotations

import hashlib

from quench.provenance.fingerprint import fingerprint
from quench.provenance.submission import check_code

# Modules of a backend and of annealing are chosen by name at run time, so that each step names those that it uses.
_LANGEVIN = ("quench.dynamics.run", "quench.dynamics.{backend}.langevin")
_MEMORY = ("quench.dynamics.run", "quench.dynamics.reference.optimisers")
_STREAMED = "-streamed"

_STEPS = {
    "prepare": ("quench.data.prepare",),
    "pretrain": ("quench.dynamics.preparation", "quench.dynamics.{backend}.sgd"),
    "scan": ("quench.dynamics.scan", "quench.dynamics.{backend}.sgd"),
    "langevin": _LANGEVIN,
    "annealed": (*_LANGEVIN, "quench.dynamics.annealing"),
    "sgd": ("quench.dynamics.run", "quench.dynamics.{backend}.sgd"),
    "momentum": _MEMORY,
    "adam": _MEMORY,
    "observe": ("quench.observables.measure", "quench.observables.average", "quench.observables.lengths"),
    "mobility": ("quench.observables.mobility", "quench.dynamics.{backend}.problem"),
    "curvature": ("quench.observables.curvature", "quench.dynamics.{backend}.problem"),
    "images": ("quench.data.images",),
    "train": ("quench.observables.classifier_training", "quench.dynamics.{backend}.minibatch"),
    "flatness": ("quench.observables.flatness",),
    "drift": ("quench.dynamics.drift", "quench.dynamics.{backend}.minibatch"),
    "pspin": ("quench.theory.pspin.dataset",),
    "pspin-simulate": ("quench.theory.finite_size",),
    "figure": ("{figure}", "quench.figures.build"),
}


def run_step(optimiser: str, snapshots: str) -> str:
    """The step whose code makes the file of a run by ``optimiser``, with ``snapshots`` full or streamed."""
    return optimiser if snapshots == "full" else optimiser + _STREAMED


def modules(step: str, backend: str = "", figure: str = "") -> tuple[str, ...]:
    """Dotted names of the modules that compute the result of ``step``, with all that they import.

    A step that one module computes may be named by it. ``figure``: a module under ``quench.figures``, or a user's own file.
    """
    figure = figure if figure.endswith(".py") else f"quench.figures.{figure}"
    name = step.removesuffix(_STREAMED)
    own = _STEPS.get(name, (name,))
    streamed = ("quench.observables.streaming",) if step.endswith(_STREAMED) else ()
    return tuple(module.format(backend=backend, figure=figure) for module in (*own, *streamed))


def code(step: str, backend: str = "", figure: str = "") -> str:
    """Fingerprint of everything that shapes the result of ``step``.

    Raises ``QuenchError`` in a job that was submitted with another version of it.
    """
    own = modules(step, backend, figure)
    check_code(*own)
    prints = [fingerprint(module) for module in own]
    return hashlib.sha256(" ".join(prints).encode()).hexdigest()[:16] if len(prints) > 1 else prints[0]
