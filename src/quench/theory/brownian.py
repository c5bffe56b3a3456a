"""Free Brownian weights: the noise-dominated regime, in closed form and without a free parameter.

A weight that feels no gradient takes independent Gaussian steps of variance ``2 mu T / P_D`` per update (Kerr Winter &
Janssen 2024, KWJ, Eq. 3), so every formula here holds exactly at each whole number of updates, not only in the
continuum. Symbols: step size ``mu``, temperature ``T``, number of training samples ``P_D``, diffusion constant ``D``.

Erratum: KWJ Eq. 6 prints ``(2/sqrt(pi)) erf(...)``, which holds for an unnormalised error function only; with the
standard ``erf``, whose limit is 1, the prefactor is 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, erfc, erfinv

from quench.errors import QuenchError

# Mean overshoot of a Gaussian walk over a far wall, in standard deviations of a step: -zeta(1/2)/sqrt(2 pi).
_OVERSHOOT = 0.582597157939010
# Updates between two looks at which weights have left, in runs with replicas.
STRIDE = 5


def diffusion_constant(step_size: float, temperature: float, n_samples: float) -> float:
    """``D = mu T / P_D`` in squared weight units per update (KWJ App. A).

    All arguments dimensionless. Raises ``QuenchError`` unless ``step_size >= 0``, ``temperature >= 0`` and
    ``n_samples > 0``.
    """
    if not (step_size >= 0 and temperature >= 0 and n_samples > 0):
        raise QuenchError(
            "diffusion constant: need step_size >= 0, temperature >= 0 and n_samples > 0, "
            f"got {step_size}, {temperature}, {n_samples}"
        )
    return step_size * temperature / n_samples


def displacement_density(displacement: ArrayLike, lag: ArrayLike, diffusion: float) -> NDArray[np.float64]:
    """``P(dw, t) = exp(-dw^2 / 4 D t) / sqrt(4 pi D t)`` for ``lag > 0`` and ``diffusion > 0`` (KWJ Eq. 5).

    ``displacement`` and ``lag`` broadcast; the result has their common shape and units 1/weight.
    """
    spread = 4 * diffusion * np.asarray(lag, float)
    return np.exp(-np.square(displacement) / spread) / np.sqrt(np.pi * spread)


def overlap(lag: ArrayLike, epsilon: ArrayLike, diffusion: float) -> NDArray[np.float64]:
    """``Q(t) = erf(epsilon / sqrt(4 D t))`` (KWJ Eq. 6, with the standard error function).

    ``lag`` in updates, ``>= 0``, and ``epsilon`` in weight units broadcast to the shape of Q, which is 1 where nothing
    moves (``lag = 0`` or ``diffusion = 0``).
    """
    return erf(_reduced_length(lag, epsilon, diffusion))


def overlap_slope(lag: ArrayLike, epsilon: float, diffusion: float) -> NDArray[np.float64]:
    """Local exponent of Q: ``d ln Q / d ln t = -x exp(-x^2) / (sqrt(pi) erf x)`` with ``x = epsilon / sqrt(4 D t)``.

    It falls from 0 at short times to -1/2 at long ones: the exponent near -0.48 that KWJ Fig. 4(a) sets beside
    mode-coupling theory's -1/2 is within reach of this function alone. Shapes as in ``overlap``.
    """
    # Clipped where the result has long reached its limits, so that neither infinity nor zero makes 0/0.
    x = np.clip(_reduced_length(lag, epsilon, diffusion), 1e-300, 40)
    return -x * np.exp(-(x**2)) / (np.sqrt(np.pi) * erf(x))


def msd(lag: ArrayLike, diffusion: float) -> NDArray[np.float64]:
    """``<dw^2> = 2 D t`` in squared weight units; shape of ``lag`` (in updates)."""
    return 2 * diffusion * np.asarray(lag, float)


def tau(level: float, epsilon: float, diffusion: float) -> float:
    """Updates until ``Q = level``: ``epsilon^2 / (4 D erfinv(level)^2)``; infinite where nothing diffuses.

    With ``D = mu T / P_D`` this is the line ``tau = epsilon^2 P_D / (4 mu T erfinv(level)^2)`` of slope -1 in T.
    Raises ``QuenchError`` unless ``0 < level < 1``.
    """
    if not 0 < level < 1:
        raise QuenchError(f"relaxation time: level must lie between 0 and 1, got {level}")
    return epsilon**2 / (4 * diffusion * erfinv(level) ** 2) if diffusion > 0 else np.inf


def tau90(epsilon: float, diffusion: float) -> float:
    """Updates until ``Q = 0.9``: ``epsilon^2 / (4 D erfinv(0.9)^2)``, the relaxation time of KWJ Fig. 3(d-f)."""
    return tau(0.9, epsilon, diffusion)


def persistence(lag: ArrayLike, epsilon: ArrayLike, diffusion: float, stride: int) -> NDArray[np.float64]:
    """Share of weights that were never beyond ``epsilon`` when looked at every ``stride`` updates up to ``lag``.

    ``P(t) = (4/pi) sum_k (-1)^k/(2k+1) exp(-(2k+1)^2 pi^2 D t / (4 e^2))``, and the sum over images where it converges
    faster, ``1 - 2 sum_k (-1)^k erfc((2k+1) e / sqrt(4 D t))``: the survival of a diffusion between two absorbing walls.
    A walk leaves between two looks without being seen, so that the walls are further away, ``e = epsilon + 0.5826
    sqrt(2 D stride)`` (Siegmund 1979), with an error of relative order ``2 D stride / epsilon^2``. ``lag`` (in updates) and
    ``epsilon`` broadcast.
    """
    wall = np.asarray(epsilon, float) + _OVERSHOOT * np.sqrt(2 * diffusion * stride)
    reduced = np.minimum(_reduced_length(lag, wall, diffusion), 1e3)[..., None]
    odd = 2 * np.arange(20) + 1
    sign = 2 - odd % 4
    images = 1 - 2 * (sign * erfc(odd * reduced)).sum(axis=-1)
    modes = 4 / np.pi * (sign / odd * np.exp(-((odd * np.pi / (4 * np.maximum(reduced, 1e-150))) ** 2))).sum(axis=-1)
    return np.where(reduced[..., 0] > 0.5, images, modes)


def _reduced_length(lag: ArrayLike, epsilon: ArrayLike, diffusion: float) -> NDArray[np.float64]:
    """``epsilon / sqrt(4 D t)``, infinite where nothing moves."""
    length, spread = np.broadcast_arrays(epsilon, np.sqrt(4 * diffusion * np.asarray(lag, float)))
    return np.divide(length, spread, out=np.full(spread.shape, np.inf), where=spread > 0)
