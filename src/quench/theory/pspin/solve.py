"""Two solutions of one quench, of different resolution: the finer one and an estimate of its error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from quench.errors import QuenchError, nearest
from quench.theory.pspin.equations import Model
from quench.theory.pspin.grid import RESOLUTIONS
from quench.theory.pspin.solution import Solution
from quench.theory.pspin.time_stepping import TOLERANCE, march

# The second solution lives on the same grid with all lengths this much longer: no element stays the same by rounding.
STRETCH = 1.15
# Two solutions 1.15 apart differ by 1.6 to 4 times the error of the finer one, for orders 7 (time) to 12 (row).
# The rest is a margin for times where they cross: with it the estimate covers 98 % of the errors or more
# (docs/pspin.md).
MARGIN = 1.5
# Errors oscillate in time, so the estimate is the largest difference at these multiples of the requested times.
NEIGHBOURS = 2.0 ** np.linspace(-0.5, 0.5, 5)
# No difference of two solutions can see what Newton's method leaves in both.
FLOOR = 5 * TOLERANCE


class Estimated(NamedTuple):
    """A result and its estimated absolute error, arrays of one shape."""

    value: np.ndarray
    error: np.ndarray


@dataclass(frozen=True)
class Quench:
    """A solved quench from infinite temperature, for 0 <= t <= ``t_max``.

    Values are those of ``fine``, errors come from its distance to ``coarse``. Every method raises ``ValueError`` for
    times outside [0, t_max] and ``QuenchError`` where an estimated error exceeds ``accuracy``.
    """

    fine: Solution
    coarse: Solution
    t_max: float
    accuracy: float

    @property
    def model(self) -> Model:
        return self.fine.model

    def energy(self, time: np.ndarray) -> Estimated:
        """E(t) = -(p/2) int_0^t C(t,s)^(p-1) R(t,s) ds = (T - mu)/p, energy per spin in units of the coupling."""
        mu = self.mu(time)
        return self._checked("E", (self.model.temperature - mu.value) / self.model.p, mu.error / self.model.p)

    def mu(self, time: np.ndarray) -> Estimated:
        """The Lagrange multiplier mu(t) that keeps the spins on the sphere, a rate."""
        time = self._in_range(np.asarray(time, float))
        around = np.minimum(time[..., None] * NEIGHBOURS, self.t_max)
        difference = np.abs(self.fine.mu(around) - self.coarse.mu(around)).max(axis=-1)
        return Estimated(self.fine.mu(time), MARGIN * difference + self.model.p * FLOOR)

    def two_time(self, waiting_time: np.ndarray, lag: np.ndarray) -> tuple[Estimated, Estimated, Estimated]:
        """Correlation C, response R and integrated response chi at t = t_w + lag, of the broadcast shape of the arguments.

        C(t, t_w) is dimensionless, R(t, t_w) a rate over a coupling, chi(t, t_w) = int_{t_w}^t R(t, s) ds.
        """
        waiting_time, lag = np.broadcast_arrays(np.asarray(waiting_time, float), np.asarray(lag, float))
        self._in_range(np.stack([waiting_time, lag, waiting_time + lag]))
        waiting_around = np.minimum(waiting_time[..., None, None] * NEIGHBOURS, self.t_max)
        lag_around = np.minimum(lag[..., None, None] * NEIGHBOURS[:, None], self.t_max - waiting_around)
        fine, coarse = (solution.two_time(waiting_around, lag_around) for solution in (self.fine, self.coarse))
        errors = MARGIN * np.abs(fine - coarse).max(axis=(-2, -1)) + FLOOR
        values = self.fine.two_time(waiting_time, lag)
        correlation, response, susceptibility = map(self._checked, ("C", "R", "chi"), values, errors)
        return correlation, response, susceptibility

    def _in_range(self, time: np.ndarray) -> np.ndarray:
        if not np.all((time >= 0) & (time <= self.t_max * (1 + 1e-12))):
            raise ValueError(f"times must lie in [0, {self.t_max:g}], where the quench is solved")
        return np.minimum(time, self.t_max)

    def _checked(self, name: str, value: np.ndarray, error: np.ndarray) -> Estimated:
        if np.any(error > self.accuracy):
            raise QuenchError(
                f"p-spin, p = {self.model.p}, T = {self.model.temperature:g}: estimated error of {name} reaches "
                f"{error.max():.1e}, above the accuracy of {self.accuracy:g}; use a finer resolution"
            )
        return Estimated(value, error)


def solve(p: int, temperature: float, t_max: float, *, resolution: str = "standard", accuracy: float = 1e-5) -> Quench:
    """Quench the spherical ``p``-spin from infinite temperature to ``temperature`` at t = 0; follow it to ``t_max``.

    Time is in units of the inverse friction, temperature and energy in units of the coupling (f(C) = C^p / 2; k_B = 1).
    ``p`` >= 2 is an integer, ``temperature`` > 0, ``t_max`` > 0; ``resolution`` one of ``RESOLUTIONS``; ``accuracy``
    the largest acceptable estimated error of C, R, chi and E. Raises ``QuenchError`` for anything else, and where Newton's
    method fails. The second solution is nine twentieths of the cost.
    """
    if not isinstance(p, int) or p < 2:
        raise QuenchError(f"p-spin: p = {p!r} must be an integer of at least 2")
    for name, value in (("temperature", temperature), ("t_max", t_max), ("accuracy", accuracy)):
        if not (math.isfinite(value) and value > 0):
            raise QuenchError(f"p-spin: {name} = {value!r} must be positive and finite")
    if resolution not in RESOLUTIONS:
        raise QuenchError(
            f"p-spin: no resolution {resolution!r}{nearest(resolution, RESOLUTIONS)}; known: {', '.join(RESOLUTIONS)}"
        )
    model = Model(p, float(temperature))
    fine, coarse = (march(model, RESOLUTIONS[resolution], t_max, stretch) for stretch in (1.0, STRETCH))
    return Quench(fine, coarse, float(t_max), float(accuracy))
