"""Quantities of KWJ's claims on numbers planted in the layout of the figures."""

import math

import numpy as np
import pytest
import xarray as xr

from quench.claims import kwj_collapse, kwj_displacement, kwj_phases, kwj_relaxation
from quench.observables.displacement import local_slope

INF = float("inf")
TEMPERATURES = np.array([1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-6, 0.0])


def times(plateaus, resamples=20):
    """Numbers in the layout of Fig. 3: tau90 is the Brownian 1/T, cut off at the plateau of each phase."""
    generator = np.random.Generator(np.random.Philox(1))
    panels = []
    for name, plateau in plateaus.items():
        with np.errstate(divide="ignore"):
            free = 1 / TEMPERATURES
        tau = np.where(free < plateau, free, plateau)
        tau = np.where(tau >= 1e9, np.nan, tau)
        samples = tau * np.exp(0.05 * generator.standard_normal((1 + resamples, 1)))
        samples[0] = tau
        panels.append(
            xr.Dataset(
                {
                    "tau90_mean": ("temperature", tau),
                    "tau90_low": ("temperature", tau * 0.9),
                    "tau90_high": ("temperature", tau * 1.1),
                    "tau90_brownian": ("temperature", np.where(TEMPERATURES > 0, free, np.nan)),
                    "tau90_samples": (("resample", "temperature"), samples),
                    "n_networks": 4,
                },
                coords={"temperature": TEMPERATURES},
            ).expand_dims(panel=[name])
        )
    return xr.concat(panels, "panel")


def test_planted_regimes_are_found():
    numbers = times({"regularised": 3e3, "overparameterised": 1e9})
    slope = kwj_relaxation.noise_slope(numbers, "regularised")
    assert slope.value == pytest.approx(-1)
    # A common factor of all temperatures of a resample leaves its slope alone.
    assert slope.high - slope.low < 1e-9
    assert slope.n_networks == 4
    assert kwj_relaxation.brownian_ratio(numbers, "regularised").value == pytest.approx(1)
    plateau = kwj_relaxation.plateau_ratio(numbers, "regularised")
    assert (plateau.value, plateau.low, plateau.high) == pytest.approx((1, 1, 1))
    assert kwj_relaxation.largest_time(numbers, "regularised").value == pytest.approx(1)
    assert kwj_relaxation.frozen_time(numbers, "overparameterised").value == INF
    assert kwj_relaxation.cold_brownian_ratio(numbers, "overparameterised").value == pytest.approx(1)
    assert kwj_relaxation.cold_brownian_ratio(numbers, "regularised").value == pytest.approx(3e3 / 1e6)
    assert math.isnan(kwj_relaxation.plateau_ratio(numbers, "overparameterised").value)


def phase_numbers():
    strength = np.array([0.01, 0.02, 0.03, 0.04])
    loss = np.array([[0.1, 0.1, 0.1], [0.5, 0.35, 0.1], [0.5, 0.5, 0.1], [0.5, 0.5, 0.5]])
    return xr.Dataset(
        {
            "map_loss": (("map_strength", "map_width"), [[0.1, 1e-6], [0.2, 0.2], [0.5, 0.5]]),
            "map_threshold": ("map_width", [0.02, 0.03]),
            "map_networks": 3,
            "uot_loss": (("uot_point", "uot_network"), [[1e-1, 1e-1], [1e-2, 1e-5], [1e-12, 1e-12]]),
            "uot_median": ("uot_point", [1e-1, 5e-3, 1e-12]),
            "uot_threshold": 0.5,
            "ttt_loss": (("ttt_point", "ttt_network"), loss),
            "ttt_norm": (("ttt_point", "ttt_network"), np.where(loss == 0.5, 0.0, 100.0)),
            "ttt_thresholds": ("ttt_network", [0.015, 0.025, 0.035]),
            "ttt_rise": ("ttt_network", [1.0, 0.625, 1.0]),
            "ttt_mean_rise": 0.5,
            "ttt_threshold": 0.025,
            "ttt_threshold_low": 0.015,
            "ttt_threshold_high": 0.035,
        },
        coords={"map_strength": [0, 0.01, 0.1], "uot_ratio": ("uot_point", [0.2, 0.5, 1.0]), "ttt_strength": strength},
    )


def test_phase_quantities():
    numbers = phase_numbers()
    assert kwj_phases.regions(numbers).value == 4
    # Two values three decades apart: 0.8 of that lies between their 10 % and 90 % quantiles.
    assert kwj_phases.scatter_at_threshold(numbers).value == pytest.approx(0.8 * 3)
    assert kwj_phases.final_loss(numbers).value == 1e-12
    assert kwj_phases.stuck_share(numbers).value == pytest.approx(1 / 3)
    assert kwj_phases.sharpness(numbers).value == pytest.approx(2)
    assert kwj_phases.trivial_norm(numbers).value == 0
    assert kwj_phases.threshold_range(numbers).value == pytest.approx(1.5)
    assert kwj_phases.regularised_floor(numbers).value == pytest.approx(2e5)
    found = kwj_phases.trivialisation_threshold(numbers)
    assert (found.value, found.low, found.high, found.n_networks) == (0.025, 0.015, 0.035, 3)


LAGS = np.unique(np.concatenate([[0], np.geomspace(1, 1e4, 60).round()]))


def displacements(curve):
    msd = xr.DataArray([curve], dims=("temperature", "lag"), coords={"temperature": [0.1], "lag": LAGS})
    one = xr.Dataset({"msd_mean": msd, "slope": local_slope(msd)})
    return one.expand_dims(panel=["regularised"])


def test_diffusion_is_no_cage_and_a_plateau_with_escape_is():
    free = displacements(LAGS)
    assert kwj_displacement.diffusive_slope(free, "regularised").value == pytest.approx(1)
    assert kwj_displacement.recovery(free, "regularised").value == 0
    assert kwj_displacement.smallest_slope(free, "regularised").value == pytest.approx(1)
    caged = displacements(np.minimum(LAGS, 50) + 0.02 * np.maximum(LAGS - 500, 0) ** 1.5 / 10)
    assert kwj_displacement.recovery(caged, "regularised").value == 1
    localised = displacements(np.minimum(LAGS, 50))
    assert kwj_displacement.recovery(localised, "regularised").value == 0
    assert kwj_displacement.late_slope(localised, "regularised").value == pytest.approx(0, abs=1e-9)


def test_non_gaussianity_that_comes_earlier_in_the_cold():
    temperatures = np.array([1e-1, 1e-2, 1e-3, 1e-4])
    alpha = np.where(1e4 * np.array([2, 0.5, 0.05, 0.005])[:, None] < LAGS, 1.0, 0.0)
    numbers = xr.Dataset(
        {"alpha2_mean": (("temperature", "lag"), alpha)}, coords={"temperature": temperatures, "lag": LAGS}
    )
    numbers = numbers.assign(alpha2_low=numbers["alpha2_mean"], alpha2_high=numbers["alpha2_mean"])
    numbers = numbers.expand_dims(panel=["regularised"])
    assert kwj_displacement.earlier_when_colder(numbers, "regularised").value == pytest.approx(1)
    assert kwj_displacement.hot_alpha2(numbers, "regularised").value == 0
    assert kwj_displacement.cold_alpha2(numbers, "regularised").value == 1
    assert kwj_displacement.final_alpha2(numbers, "regularised").value == 1


def test_collapse_quantities_read_the_planted_numbers():
    numbers = xr.Dataset(
        {
            "score_scaled": 0.01,
            "score_raw": 0.2,
            "exponent": -0.47,
            "exponent_low": -0.48,
            "exponent_high": -0.46,
            "exponent_brownian": -0.485,
            "departure": ("temperature", [300.0, 100.0, 30.0, np.nan]),
            "overlap_mean": (("temperature", "lag"), [[1, 0.1], [1, 0.2], [1, 0.3], [1, 0.5]]),
            "tau90_mean": ("temperature", [1.0, 10, 100, 1000]),
            "n_networks": 4,
        },
        coords={"temperature": [1e-1, 1e-2, 1e-3, 1e-4], "lag": [0, 10]},
    )
    assert kwj_collapse.collapse_gain(numbers).value == pytest.approx(0.05)
    found = kwj_collapse.beyond_brownian(numbers)
    assert (found.value, found.low, found.high) == pytest.approx((0.015, 0.005, 0.025))
    assert kwj_collapse.later_when_hotter(numbers).value == pytest.approx(1)
    assert kwj_collapse.lower_when_hotter(numbers).value == pytest.approx(-1)
    assert kwj_collapse.leaving_share(numbers.expand_dims(panel=["a"]), "a").value == pytest.approx(0.75)


def test_the_difference_of_two_ageing_exponents_adds_their_errors():
    numbers = xr.Dataset(
        {
            "exponent": ("panel", [0.7, 0.3]),
            "exponent_low": ("panel", [0.67, 0.26]),
            "exponent_high": ("panel", [0.73, 0.34]),
            "n_networks": ("panel", [4, 4]),
        },
        coords={"panel": ["a", "b"]},
    )
    found = kwj_displacement.ageing_difference(numbers, "a", "b")
    assert (found.value, found.low, found.high) == pytest.approx((0.4, 0.35, 0.45))
