"""Which modules make each step's result: what its fingerprint covers, in the rules and in the files alike."""

from __future__ import annotations

import hashlib

from quench.errors import QuenchError
from quench.provenance.fingerprint import fingerprint
from quench.provenance.submission import check_code

_PREPARATION = ("quench.dynamics.preparation", "quench.dynamics.recorders", "quench.dynamics.{backend}.sgd")
_LANGEVIN = ("quench.dynamics.schedule", "quench.dynamics.recorders", "quench.dynamics.{backend}.langevin")
_SGD = ("quench.dynamics.schedule", "quench.dynamics.recorders", "quench.dynamics.{backend}.sgd")
_REMEMBERING = ("quench.dynamics.schedule", "quench.dynamics.recorders", "quench.dynamics.reference.optimisers")
_STREAMED = "-streamed"
_CLASSIFIER = ("quench.data.inputs", "quench.networks.zoo")

_STEPS = {
    "prepare": ("quench.data.prepare",),
    "pretrain": _PREPARATION,
    "scan": _PREPARATION,
    "langevin": _LANGEVIN,
    "annealed": (*_LANGEVIN, "quench.dynamics.annealing"),
    "sgd": _SGD,
    "momentum": _REMEMBERING,
    "adam": _REMEMBERING,
    "observe": ("quench.observables.measure", "quench.observables.average"),
    "mobility": ("quench.observables.mobility", "quench.dynamics.{backend}.problem"),
    "images": ("quench.data.sources", "quench.data.inputs"),
    "train": (*_CLASSIFIER, "quench.dynamics.minibatch", "quench.observables.probe"),
    "flatness": (*_CLASSIFIER, "quench.observables.hessian"),
    "drift": (*_CLASSIFIER, "quench.dynamics.drift"),
    "pspin": ("quench.theory.pspin.dataset",),
    "pspin-simulate": ("quench.theory.finite_size",),
    "figure": ("quench.figures.{figure}", "quench.figures.vocabulary", "quench.figures.save"),
}


LOSSES = ("quadratic_hinge", "logistic", "mse")
# What the fused engine can do; the reference backend can do everything.
FUSED_LOSSES = ("quadratic_hinge",)
FUSED_OPTIMISERS = ("sgd", "langevin", "annealed")


def backend_for(backend: str, device: str = "cpu", loss: str = "quadratic_hinge", optimiser: str = "sgd") -> str:
    """``auto`` is the fused engine where it can do the work, and the reference backend elsewhere.

    Raises ``QuenchError`` where ``backend`` cannot do what is asked for.
    """
    able = loss in FUSED_LOSSES and optimiser in FUSED_OPTIMISERS
    if backend == "fused" and not able:
        what = f"loss {loss}" if loss not in FUSED_LOSSES else optimiser
        raise QuenchError(f"the fused engine has no {what}; backend reference or auto has")
    if backend != "auto":
        return backend
    return "fused" if device == "cpu" and able else "reference"


def optimiser_of(dynamics: str, *, momentum: float = 0.0, annealed: bool = False) -> str:
    """The step that moves the weights of a run: langevin, annealed, sgd, momentum or adam."""
    if dynamics == "sgd" and momentum > 0:
        return "momentum"
    return "annealed" if annealed else dynamics


def run_step(optimiser: str, snapshots: str) -> str:
    """The step whose code makes a run's file, full ``snapshots`` or streamed."""
    return optimiser if snapshots == "full" else optimiser + _STREAMED


def modules(step: str, backend: str = "", figure: str = "") -> tuple[str, ...]:
    """Dotted names of the modules that compute the result of ``step``, with all that they import."""
    own = _STEPS[step.removesuffix(_STREAMED)]
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
