"""Which modules make each step's result: what its fingerprint covers, in the rules and in the files alike."""

from __future__ import annotations

import hashlib

from quench.fingerprint import fingerprint

_PREPARATION = ("quench.dynamics.preparation", "quench.dynamics.recorders", "quench.dynamics.{backend}.sgd")
_LANGEVIN = ("quench.dynamics.schedule", "quench.dynamics.recorders", "quench.dynamics.{backend}.langevin")
_SGD = ("quench.dynamics.schedule", "quench.dynamics.recorders", "quench.dynamics.{backend}.sgd")
_CLASSIFIER = ("quench.data.inputs", "quench.networks.zoo")

_STEPS = {
    "prepare": ("quench.data.prepare",),
    "pretrain": _PREPARATION,
    "scan": _PREPARATION,
    "langevin": _LANGEVIN,
    "langevin-streamed": (*_LANGEVIN, "quench.observables.streaming"),
    "sgd": _SGD,
    "sgd-streamed": (*_SGD, "quench.observables.streaming"),
    "observe": ("quench.observables.measure", "quench.observables.average"),
    "mobility": ("quench.observables.mobility", "quench.dynamics.{backend}.problem"),
    "images": ("quench.data.sources", "quench.data.inputs"),
    "train": (*_CLASSIFIER, "quench.dynamics.minibatch", "quench.observables.probe"),
    "flatness": (*_CLASSIFIER, "quench.observables.hessian"),
    "drift": (*_CLASSIFIER, "quench.dynamics.drift"),
    "pspin": ("quench.theory.pspin.dataset",),
    "pspin-simulate": ("quench.theory.finite_size",),
}


def backend_for(backend: str, device: str = "cpu") -> str:
    """``auto`` is the fused engine on a CPU and the reference backend on any other device."""
    if backend != "auto":
        return backend
    return "fused" if device == "cpu" else "reference"


def code(step: str, backend: str = "") -> str:
    """Fingerprint of everything that shapes the result of ``step``."""
    prints = [fingerprint(module.format(backend=backend)) for module in _STEPS[step]]
    return hashlib.sha256(" ".join(prints).encode()).hexdigest()[:16] if len(prints) > 1 else prints[0]
