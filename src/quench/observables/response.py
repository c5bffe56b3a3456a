"""Response of weights to a field, from their displacement and the noise that drove them (no field is applied).

A field h conjugate to a weight w in the energy P_D L shifts an update by (mu/P_D) h, as a shift of its standard normal xi
by mu h/(P_D a) does, with a = sqrt(2 mu T/P_D). For Gaussian noise <F xi> = <dF/dxi> (Novikov 1965), so that the
integrated response to a field that is switched on at t_w is, at any step size and out of equilibrium,

    chi(t_w + t, t_w) = (mu/P_D) (1/N) sum_i <dw_i sum_k xi_ik/a_k>,

the sum running over the updates k between the two times. A free weight has chi = mu t/P_D. Observed is G, the response
over that of a free weight; 2 T chi = a^2 t G, and X = 2 T chi/MSD is the fluctuation-dissipation ratio.
"""

from __future__ import annotations

import numpy as np


def response(
    displacement: np.ndarray, noise: np.ndarray, field: np.ndarray | None = None, control: np.ndarray | None = None
) -> np.ndarray:
    """G = sum_i dw_i C_i / sum_i B_i C_i, float64 (...), of ``displacement`` dw (..., weight): 1 for free weights.

    ``noise`` B = sum_k a_k xi_k, the displacement that the noise alone would have made, and ``field`` C = sum_k xi_k/a_k, or
    anything proportional to it (default: B, for a constant temperature), both (..., weight). The ratio is 1 without error
    for a free weight. ``control``: the displacement of the same weights without this noise, which is subtracted: its
    product with C has mean zero. NaN where no noise acted and where a weight is not finite.
    """
    return _ratio(*_terms(displacement, noise, field, control))


def _terms(
    displacement: np.ndarray, noise: np.ndarray, field: np.ndarray | None, control: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """dw_i C_i and B_i C_i of every weight."""
    field = noise if field is None else field
    return (displacement if control is None else displacement - control) * field, noise * field


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    # Rows side by side in memory: sums round differently for another layout.
    over, under = (np.sum(np.ascontiguousarray(values), axis=-1) for values in (top, bottom))
    return _divided(over, under)


def _divided(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    ratio: np.ndarray = np.divide(over, under, out=np.full(over.shape, np.nan), where=under != 0)
    return ratio


def layer_sums(values: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """Sum of ``values`` (network, weight) over the weights of every layer, float64 (network, layer).

    ``layer`` (weight): number of the layer of each weight, 0, 1, ...
    """
    return np.stack([np.bincount(layer, weights=row) for row in values])


def layer_means(values: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """Mean of ``values`` (network, weight) over the weights of every layer, float64 (network, layer)."""
    return layer_sums(values, layer) / np.bincount(layer)


def layer_response(
    displacement: np.ndarray,
    noise: np.ndarray,
    layer: np.ndarray,
    field: np.ndarray | None = None,
    control: np.ndarray | None = None,
) -> np.ndarray:
    """``response`` of every layer, float64 (network, layer)."""
    over, under = (layer_sums(values, layer) for values in _terms(displacement, noise, field, control))
    return _divided(over, under)


def cosine(displacement: np.ndarray, control: np.ndarray) -> np.ndarray:
    """Cosine dw . dw_0/(|dw| |dw_0|) of two displacements (..., weight), float64 (...); NaN where one vanishes."""
    squares = [np.sum(np.square(one), axis=-1) for one in (displacement, control)]
    return _ratio(displacement * control, np.sqrt(squares[0] * squares[1])[..., None])


def projection(displacement: np.ndarray, control: np.ndarray) -> np.ndarray:
    """p = dw . dw_0/|dw_0|^2, the share of the displacement ``control`` in ``displacement`` (..., weight), float64 (...)."""
    return _ratio(displacement * control, np.square(control))
