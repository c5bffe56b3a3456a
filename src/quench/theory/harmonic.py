"""Weights in a harmonic well ``L = (k/2) w^2`` under Langevin noise (Kerr Winter & Janssen 2024, KWJ, App. F, G, H).

``Well`` is the Ornstein-Uhlenbeck process of the papers, ``dw = -mu k w dt + sqrt(2 mu T / P_D) dW``, with time in
updates; ``DiscreteWell`` is what a training run really does, ``w <- (1 - mu k) w + xi`` with ``<xi^2> = 2 mu T / P_D``.
Both are Gaussian, fixed by a decay factor and a variance, so they share every formula below.

KWJ App. F leaves out ``P_D`` (set ``n_samples=1`` to follow it to the letter); App. G puts it back by T -> T/P_D.
Erratum: KWJ Eq. 25-26 call ``T / (k P_D)`` the long-time mean square displacement. It is the variance of one
equilibrium configuration; the displacement between two independent ones is ``2 T / (k P_D)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, erfc, exprel

from quench.errors import QuenchError
from quench.theory import brownian

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


@dataclass(frozen=True)
class Well:
    """The continuous-time process.

    ``stiffness`` k >= 0, ``step_size`` mu > 0, ``temperature`` T >= 0, ``n_samples`` P_D > 0, all dimensionless.
    Times are in updates and need not be whole. ``k = 0`` is free Brownian motion.
    """

    stiffness: float
    step_size: float
    temperature: float
    n_samples: float = 1.0

    def __post_init__(self) -> None:
        if not (self.stiffness >= 0 and self.step_size > 0 and self.temperature >= 0 and self.n_samples > 0):
            raise QuenchError(
                f"harmonic well: need stiffness >= 0, step_size > 0, temperature >= 0 and n_samples > 0, got {self}"
            )

    @property
    def diffusion(self) -> float:
        """``D = mu T / P_D`` in squared weight units per update."""
        return brownian.diffusion_constant(self.step_size, self.temperature, self.n_samples)

    @property
    def relaxation_rate(self) -> float:
        """``mu k`` per update: the mean decays as ``exp(-mu k t)`` (KWJ Eq. 15)."""
        return self.step_size * self.stiffness

    @property
    def stationary_variance(self) -> float:
        """``T / (k P_D)``, the variance of the equilibrium density (KWJ Eq. 24, 26); needs ``stiffness > 0``."""
        self._require_confined()
        return self.temperature / (self.stiffness * self.n_samples)

    def decay(self, lag: ArrayLike) -> NDArray[np.float64]:
        """``<w(t)> / w(0) = exp(-mu k t)``, also the equilibrium correlation; shape of ``lag``."""
        return np.exp(-self.relaxation_rate * np.asarray(lag, float))

    def relaxed(self, lag: ArrayLike) -> NDArray[np.float64]:
        """``1 - decay``, without cancellation at short times."""
        return -np.expm1(-self.relaxation_rate * np.asarray(lag, float))

    def variance(self, lag: ArrayLike) -> NDArray[np.float64]:
        """Variance of w(t) given w(0): ``(T / k P_D) (1 - exp(-2 mu k t))``; ``2 D t`` without a well (KWJ Eq. 17)."""
        lag = np.asarray(lag, float)
        return brownian.msd(lag, self.diffusion) * exprel(-2 * self.relaxation_rate * lag)

    def transition_density(self, weight: ArrayLike, lag: ArrayLike, start: ArrayLike) -> NDArray[np.float64]:
        """Density of w(t) = ``weight`` given w(0) = ``start`` (KWJ Eq. 17-18), in 1/weight; arguments broadcast.

        Needs a positive variance: ``lag > 0`` and ``temperature > 0``.
        """
        variance = self.variance(lag)
        mean = self.decay(lag) * start
        return np.exp(-np.square(weight - mean) / (2 * variance)) / np.sqrt(2 * np.pi * variance)

    def overlap(self, lag: ArrayLike, start: ArrayLike, epsilon: float) -> NDArray[np.float64]:
        """Q(t): the probability of ``|w(t) - w(0)| <= epsilon``, averaged over the ``start`` weights (KWJ Eq. 20).

        ``lag`` any shape, ``start`` a scalar or any array of weights w(t_w); the result has the shape of ``lag``.
        Exact limits at ``lag = 0`` and ``temperature = 0``, and full relative accuracy in the tails.
        """
        lag = np.asarray(lag, float)
        start = np.abs(np.asarray(start, float))
        # One lag at a time: lags times weights would not fit in memory for large networks.
        pairs = zip(self.relaxed(lag).ravel(), self.variance(lag).ravel(), strict=True)
        means = [_within(epsilon, relaxed * start, variance).mean() for relaxed, variance in pairs]
        return np.reshape(means, lag.shape)

    def overlap_plateau(self, start: ArrayLike, epsilon: float) -> float:
        """``Q_inf``, the limit of ``overlap`` at long times, averaged over the ``start`` weights (KWJ Eq. 22)."""
        return float(_within(epsilon, np.abs(np.asarray(start, float)), self.stationary_variance).mean())

    def msd(self, lag: ArrayLike, start: ArrayLike) -> NDArray[np.float64]:
        """``<(w(t) - w(0))^2> = <w(0)^2> (1 - decay)^2 + variance``, averaged over ``start``; shape of ``lag``."""
        return np.mean(np.square(start, dtype=float)) * np.square(self.relaxed(lag)) + self.variance(lag)

    def equilibrium_msd(self, lag: ArrayLike) -> NDArray[np.float64]:
        """Mean square displacement from an equilibrium start: ``(2 T / k P_D) (1 - exp(-mu k t))``; shape of ``lag``.

        Tends to ``independent_msd``, twice the variance that KWJ Eq. 26 gives.
        """
        lag = np.asarray(lag, float)
        return brownian.msd(lag, self.diffusion) * exprel(-self.relaxation_rate * lag)

    def equilibrium_overlap(self, lag: ArrayLike, epsilon: float) -> NDArray[np.float64]:
        """Q(t) from an equilibrium start: ``erf(epsilon / sqrt(2 equilibrium_msd))``; shape of ``lag``."""
        spread = np.sqrt(2 * self.equilibrium_msd(lag))
        return erf(np.divide(epsilon, spread, out=np.full_like(spread, np.inf), where=spread > 0))

    @property
    def independent_msd(self) -> float:
        """``2 T / (k P_D)``: mean square displacement between two independent equilibrium configurations."""
        return 2 * self.stationary_variance

    def _require_confined(self) -> None:
        if not self.stiffness > 0:
            raise QuenchError("harmonic well: a stationary state needs stiffness > 0")


@dataclass(frozen=True)
class DiscreteWell(Well):
    """The updates ``w <- (1 - mu k) w + xi``, ``<xi^2> = 2 mu T / P_D``, exactly: a first-order autoregression.

    Lags are whole numbers of updates. A stationary state needs ``mu k < 2``; ``mu k -> 0`` at fixed ``mu k t`` gives
    ``Well``.
    """

    @property
    def stationary_variance(self) -> float:
        """``T / (k P_D (1 - mu k / 2))``: the step size heats the well."""
        self._require_confined()
        return self.temperature / (self.stiffness * self.n_samples * (1 - self.relaxation_rate / 2))

    def decay(self, lag: ArrayLike) -> NDArray[np.float64]:
        """``(1 - mu k)^n`` after ``n = lag`` updates, also the equilibrium correlation."""
        return np.power(1 - self.relaxation_rate, _updates(lag))

    def relaxed(self, lag: ArrayLike) -> NDArray[np.float64]:
        """``1 - (1 - mu k)^n``, without cancellation at short times."""
        if self.relaxation_rate >= 1:
            return 1 - self.decay(lag)
        return -np.expm1(_updates(lag) * np.log1p(-self.relaxation_rate))

    def variance(self, lag: ArrayLike) -> NDArray[np.float64]:
        """Variance of w_n given w_0: ``2 D (1 - r^n) / (1 - r)`` with ``r = (1 - mu k)^2``, ``n = lag``."""
        lag = _updates(lag)
        lost = self.relaxation_rate * (2 - self.relaxation_rate)
        if lost == 1:
            return 2 * self.diffusion * np.minimum(lag, 1)
        rate = np.log1p(-lost)
        return 2 * self.diffusion * lag * exprel(lag * rate) / exprel(rate)

    def equilibrium_msd(self, lag: ArrayLike) -> NDArray[np.float64]:
        """``2 (stationary variance) (1 - (1 - mu k)^n)``, or ``2 D n`` without a well."""
        if self.stiffness == 0:
            return brownian.msd(lag, self.diffusion)
        return 2 * self.stationary_variance * self.relaxed(lag)

    def _require_confined(self) -> None:
        if not 0 < self.relaxation_rate < 2:
            raise QuenchError(
                "discrete harmonic well: a stationary state needs 0 < step_size * stiffness < 2, "
                f"got {self.relaxation_rate}"
            )


def response(stiffness: ArrayLike, step_size: float, lag: ArrayLike) -> NDArray[np.float64]:
    """Response of ``DiscreteWell`` to a field over that of a free weight: ``G = (1 - (1 - mu k)^n) / (mu k n)``, n updates.

    ``stiffness`` k (...), ``lag`` from 1 on (lag), result (..., lag). Directions of negative curvature count as free, k = 0,
    and those beyond the edge of stability as at it, k = 2/mu: what lies beyond is not harmonic, and G would have no bound.
    """
    rate = np.clip(step_size * np.asarray(stiffness, float), 0, 2)[..., None]
    lag = _updates(lag)
    # No cancellation at small rates.
    slow = -np.expm1(lag * np.log1p(-np.minimum(rate, 0.5)))
    relaxed = np.where(rate < 0.5, slow, 1 - (1 - rate) ** lag)
    return np.divide(relaxed, rate * lag, out=np.ones_like(relaxed), where=rate > 0)


def _updates(lag: ArrayLike) -> NDArray[np.float64]:
    lag = np.asarray(lag, float)
    if np.any(lag != np.round(lag)):
        raise QuenchError("discrete harmonic well: lags count updates and must be whole numbers")
    return lag


def _within(epsilon: float, mean: NDArray[np.float64], variance: float) -> NDArray[np.float64]:
    """Probability that a Gaussian of the given ``mean >= 0`` and ``variance`` lies in [-epsilon, epsilon]."""
    if variance == 0:
        return (mean <= epsilon).astype(float)
    scale = np.sqrt(2 * variance)
    half = epsilon / scale
    centre = mean / scale
    if half < 0.1:
        # The two error functions would cancel; a narrow window is a polynomial times exp(-centre^2).
        return half / np.sqrt(np.pi) * np.exp(-np.square(centre[..., None] + half * _NODES)) @ _WEIGHTS
    return 0.5 * (erfc(centre - half) - erfc(centre + half))
