"""Quantities of the response on planted numbers: a drift of one temperature on top of free diffusion."""

import numpy as np
import pytest
import xarray as xr

from quench.claims import response
from quench.claims.measured import Missing

TEMPERATURES = np.array([1e-2, 1e-3, 1e-4])
AGES = np.array([100.0, 1000.0, 10000.0])
LAGS = np.array([100, 1000])
# Networks differ in their drift by up to a factor of two, by logs that add up to zero.
STRENGTHS = np.array([1.0, 0.5, 2.0])
LAYER_RATIOS = np.array([0.1, 0.3, 0.5, 0.7, 0.9, 0.5])


def numbers(at_start=1e-3, exponent=-0.5, kink=2e-3):
    """X = T / (T + T_0), with T_0 = ``at_start`` (t_w / 100)^``exponent`` times the strength of a network."""
    drift = at_start * (AGES[:, None] / AGES[0]) ** exponent * STRENGTHS
    ratio = TEMPERATURES[:, None, None] / (TEMPERATURES[:, None, None] + drift)
    ratio = np.repeat(ratio[:, :, None], len(LAGS), axis=2)
    order = ("temperature", "waiting_time", "lag", "network")
    layers = ratio[..., None] * LAYER_RATIOS
    one = xr.Dataset(
        {
            "ratio_single": (order, ratio),
            "ratio_mean": (order[:3], ratio.mean(-1)),
            "layer_ratio_single": ((*order, "layer"), layers),
            "drift_single": (("temperature", "network"), np.tile(drift[-1], (len(TEMPERATURES), 1))),
            "kink_single": ("network", kink * STRENGTHS),
            "control_cosine_single": (("temperature", "network"), np.outer([0.5, 0.8, 0.9], np.ones(3))),
            "control_projection_single": (("temperature", "network"), np.outer([1.1, 1.0, 0.9], np.ones(3))),
        },
        coords={"temperature": TEMPERATURES, "waiting_time": AGES, "lag": LAGS, "layer": np.arange(len(LAYER_RATIOS))},
    )
    return one.expand_dims(panel=["here"])


def test_ratio_is_the_mean_over_temperatures_at_the_oldest_age():
    found = response.ratio(numbers(), "here", 1000, (1e-3, 1e-2))
    drift = 1e-4 * STRENGTHS
    expected = np.mean([(T / (T + drift)).mean() for T in TEMPERATURES[:2]])
    assert found.value == pytest.approx(expected, rel=1e-12) and found.n_networks == 3


def test_one_drift_temperature_has_slope_zero_and_one_ratio_has_slope_one():
    found = response.drift_slope(numbers(), "here", 1000, (1e-4, 1e-2))
    assert found.value == pytest.approx(0, abs=1e-10)
    glass = numbers()
    glass["ratio_single"] = xr.full_like(glass["ratio_single"], 0.5)
    assert response.drift_slope(glass, "here", 1000, (1e-4, 1e-2)).value == pytest.approx(1)


def test_drift_over_kink_is_a_geometric_mean_over_networks():
    found = response.drift_over_kink(numbers(), "here", (1e-4, 1e-2))
    assert found.value == pytest.approx(1e-4 / 2e-3)
    # Each network is compared with its own kink: strengths cancel, and nothing is left to scatter.
    assert found.high - found.low < 1e-12
    without = numbers().assign(drift_single=xr.full_like(numbers()["drift_single"], -1.0))
    assert np.isnan(response.drift_over_kink(without, "here", (1e-4, 1e-2)).value)


@pytest.mark.parametrize("exponent", [-0.5, -0.2])
def test_drift_ageing_is_the_planted_exponent(exponent):
    found = response.drift_ageing(numbers(exponent=exponent), "here", 1000)
    assert found.value == pytest.approx(exponent, abs=1e-10)


def test_layers_are_counted_from_one_and_the_outer_two_are_no_hidden_layers():
    hot = TEMPERATURES[0] / (TEMPERATURES[0] + 1e-4 * STRENGTHS)
    assert response.layer_over_layer(numbers(), "here", 1000, (1, 5)).value == pytest.approx(0.1 / 0.9)
    assert response.hidden_layers(numbers(), "here", 1000).value == pytest.approx(hot.mean() * 0.6)
    with pytest.raises(Missing, match="the networks have 6 layers"):
        response.layer_over_layer(numbers(), "here", 1000, (1, 7))


def test_comparison_with_zero_temperature_is_at_the_asked_temperature():
    assert response.control_projection(numbers(), "here", 1e-4).value == pytest.approx(0.9)
    assert response.control_cosine(numbers(), "here", 1e-3).value == pytest.approx(0.8)
    with pytest.raises(Missing, match="no temperature"):
        response.control_cosine(numbers(), "here", 1e-6)
