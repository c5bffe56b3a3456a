"""Choices that declare a training: its loss, its dynamics and their parameters, and the backend that computes it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

from quench.errors import QuenchError

LOSSES = ("quadratic_hinge", "logistic", "mse")
SAMPLINGS = ("epoch", "iid")
# The fused engine supports these; the reference backend supports every loss and every optimiser.
FUSED_LOSSES = ("quadratic_hinge",)
FUSED_OPTIMISERS = ("sgd", "langevin", "annealed")


@dataclass(frozen=True)
class Compute:
    """The ``backend`` (fused, reference or auto), ``device`` and ``precision`` of the gradient arithmetic, and the number
    of networks trained at the same time, which changes no bit."""

    backend: str = "auto"
    device: str = "cpu"
    precision: str = "float32"
    threads: int = 1


AUTO = Compute()


@dataclass(frozen=True)
class Ensemble:
    """Networks trained side by side: one of the ``seeds`` for each, one ``stream`` of random numbers, one ``weight_decay``.

    ``stream`` is a number from ``quench.numerics.random.stream_id``; ``weight_decay`` is lambda of the regularised loss
    L = L_data + (lambda/2) |W|^2 (KWJ Eq. 2). Raises ``ValueError`` for seeds, a stream or a lambda out of range.
    """

    seeds: Sequence[int]
    stream: int
    weight_decay: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "seeds", tuple(int(seed) for seed in self.seeds))
        if not all(0 <= seed < 2**64 for seed in self.seeds):
            raise ValueError("there must be one seed between 0 and 2^64 - 1 for every network")
        if not 0 <= self.stream < 2**32:
            raise ValueError(f"stream must lie between 0 and 2^32 - 1, not {self.stream}")
        _check_finite(weight_decay=self.weight_decay)


class Temperatures(Protocol):
    """A temperature that falls to ``end`` during a run.

    ``quench.dynamics.annealing`` is not imported here: an edit of it leaves the results of a constant temperature valid.
    """

    @property
    def end(self) -> float: ...
    def stretches(self, first_step: int, n_steps: int) -> Iterable[tuple[int, int, float]]: ...


@dataclass(frozen=True)
class _Declared:
    dynamics: ClassVar[str]

    def parameters(self) -> dict[str, Any]:
        """The parameters as a file of the run declares them."""
        known = {name: value for name, value in asdict(self).items() if name not in ("sampling", "epsilon")}
        return {"dynamics": self.dynamics, **known}


@dataclass(frozen=True)
class Langevin(_Declared):
    """Overdamped Langevin dynamics (KWJ Eq. 3): w <- w - mu (dL_data/dw + lambda w) + sqrt(2 mu T / P_D) xi.

    ``step_size`` is mu, ``temperature`` T (k_B = 1), P_D the number of samples and xi the standard normals of (seed, stream,
    step). At T = 0 this is full-batch gradient descent. ``anneal``: T falls to ``temperature`` instead of starting there.
    Raises ``ValueError`` for parameters out of range.
    """

    step_size: float
    temperature: float
    anneal: Temperatures | None = None
    dynamics: ClassVar[str] = "langevin"
    slots: ClassVar[int] = 0

    def __post_init__(self) -> None:
        _check_finite(step_size=self.step_size, temperature=self.temperature)
        if self.temperature < 0:
            raise ValueError(f"temperature must not be negative, not {self.temperature}")
        if self.anneal is not None and self.anneal.end != self.temperature:
            raise ValueError(f"annealing ends at T = {self.anneal.end}, not at the temperature {self.temperature}")

    @property
    def optimiser(self) -> str:
        return optimiser_of("langevin", annealed=self.anneal is not None)

    def stretches(self, first_step: int, n_steps: int) -> Iterable[tuple[int, int, float]]:
        """(first step, number of steps, T) of the stretches of constant temperature that make up ``n_steps`` updates."""
        if self.anneal is None:
            return [(first_step, n_steps, self.temperature)]
        return self.anneal.stretches(first_step, n_steps)


@dataclass(frozen=True)
class SGD(_Declared):
    """Stochastic gradient descent: v <- beta v + dL_batch/dw + lambda w, w <- w - mu v, with v = 0 at the start.

    ``step_size`` is mu, the learning rate; ``momentum`` beta (0: plain SGD). ``sampling`` "epoch": each epoch visits a keyed
    permutation of the samples in order; where the batch size does not divide P_D, its last batch is smaller and averaged
    over its own size, or with ``drop_last`` left out. "iid": independent draws at every step. Raises ``ValueError`` for
    parameters out of range.
    """

    step_size: float
    batch_size: int
    momentum: float = 0.0
    sampling: str = "epoch"
    drop_last: bool = False
    dynamics: ClassVar[str] = "sgd"

    def __post_init__(self) -> None:
        _check_batches(self.step_size, self.batch_size, self.sampling)
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must lie from 0 to below 1, not {self.momentum}")

    @property
    def optimiser(self) -> str:
        return optimiser_of("sgd", momentum=self.momentum)

    @property
    def slots(self) -> int:
        """Vectors of the size of the weights that an update remembers."""
        return int(self.momentum > 0)


@dataclass(frozen=True)
class Adam(_Declared):
    """Adam (Kingma & Ba 2015, Algorithm 1): w <- w - mu m' / (sqrt(s') + epsilon), over the batches of ``SGD``.

    The moments follow m <- beta1 m + (1 - beta1) g and s <- beta2 s + (1 - beta2) g^2 with g = dL_batch/dw + lambda w;
    m' = m / (1 - beta1^k) and s' = s / (1 - beta2^k) at update k. Raises ``ValueError`` for parameters out of range.
    """

    step_size: float
    batch_size: int
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    sampling: str = "epoch"
    dynamics: ClassVar[str] = "adam"
    optimiser: ClassVar[str] = "adam"
    slots: ClassVar[int] = 2

    def __post_init__(self) -> None:
        _check_batches(self.step_size, self.batch_size, self.sampling)
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas must be two numbers from 0 to below 1, not {self.betas}")


Dynamics = Langevin | SGD | Adam


@dataclass(frozen=True)
class Preparation:
    """From random weights into a minimum (KWJ Sec. III.1): ``epochs`` of SGD, then full-batch descent.

    ``polish`` holds the (number of updates, learning rate) of every leg of descent. A network that ends with more than the
    share ``high_loss`` of the data loss at W = 0 is in the state of high loss (``quench.networks.state``).
    """

    learning_rate: float
    epochs: int
    batch_size: int = 100
    polish: tuple[tuple[int, float], ...] = ()
    high_loss: float = 0.4


def backend_for(backend: str, device: str = "cpu", loss: str = LOSSES[0], optimiser: str = "sgd") -> str:
    """The backend that computes: for ``auto`` the fused engine where it supports the work, else the reference backend.

    Raises ``QuenchError`` where ``backend`` does not support the loss or the optimiser.
    """
    missing = beyond_fused(loss, optimiser)
    if backend == "fused" and missing:
        raise QuenchError(f"the fused engine has no {missing}; backend reference or auto has")
    if backend != "auto":
        return backend
    return "fused" if device == "cpu" and not missing else "reference"


def classifier_backend(backend: str, device: str, kind: str, weight_decay: float = 0.0) -> str:
    """The backend of a classifier of this ``kind`` (``networks.models``): for ``auto`` the fused engine where it can.

    Raises ``QuenchError`` where ``backend`` does not support the kind, the device or the ``weight_decay``.
    """
    lacks = f"{kind} networks" if kind != "dense" else f"device {device}" if device != "cpu" else ""
    lacks = lacks or ("weight decay" if weight_decay else "")
    if backend == "fused" and lacks:
        raise QuenchError(f"the fused engine has no {lacks}; backend reference or auto has")
    return ("reference" if lacks else "fused") if backend == "auto" else backend


def beyond_fused(loss: str, optimiser: str) -> str:
    """The loss or the optimiser that the fused engine does not support, in words; empty where it supports both."""
    if loss not in FUSED_LOSSES:
        return f"loss {loss}"
    return "" if optimiser in FUSED_OPTIMISERS else optimiser


def optimiser_of(dynamics: str, *, momentum: float = 0.0, annealed: bool = False) -> str:
    """The step that moves the weights of a run: langevin, annealed, sgd, momentum or adam."""
    if dynamics == "sgd" and momentum > 0:
        return "momentum"
    return "annealed" if annealed else dynamics


def _check_finite(**values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, not {value}")


def _check_batches(step_size: float, batch_size: int, sampling: str) -> None:
    _check_finite(step_size=step_size)
    if batch_size < 1:
        raise ValueError(f"batch size must be at least 1, not {batch_size}")
    if sampling not in SAMPLINGS:
        raise ValueError(f"sampling must be one of {', '.join(SAMPLINGS)}, not {sampling!r}")
