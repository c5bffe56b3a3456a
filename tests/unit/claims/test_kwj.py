"""Quantities of KWJ's claims on numbers planted in the layout of the figures."""

import math

import numpy as np
import pytest
import xarray as xr
from scipy import special

from quench.claims import judge, kwj_collapse, kwj_displacement, kwj_phases, kwj_relaxation
from quench.claims.measured import Missing
from quench.networks.state import HIGH_LOSS, LOW_LOSS, ZERO_WEIGHTS
from quench.observables.displacement import local_slope

TEMPERATURES = np.array([1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-6, 0.0])
# Four networks whose lengths, and so all their times, differ by up to a factor of two.
SPEEDS = np.array([1.0, 0.7, 1.4, 1.0])


def times(plateaus, speeds=SPEEDS, longest=1e8):
    """Numbers in the layout of Fig. 3: tau90 is the Brownian 1/T, cut off at the plateau of each phase."""
    panels = []
    for name, plateau in plateaus.items():
        with np.errstate(divide="ignore"):
            free = 1 / TEMPERATURES
        tau = np.where(free < plateau, free, plateau)
        tau = np.where(tau >= longest, np.nan, tau)
        lines = np.where(TEMPERATURES > 0, free, np.nan)
        panels.append(
            xr.Dataset(
                {
                    "tau90_mean": ("temperature", tau),
                    "tau90_brownian": ("temperature", lines),
                    "tau90_single": (("temperature", "network"), tau[:, None] * speeds),
                    "tau90_brownian_single": (("temperature", "network"), lines[:, None] * speeds),
                    "longest_lag": longest,
                    "n_networks": len(speeds),
                },
                coords={"temperature": TEMPERATURES},
            ).expand_dims(panel=[name])
        )
    return xr.concat(panels, "panel")


def test_planted_regimes_are_found():
    numbers = times({"regularised": 3e3, "overparameterised": 1e9})
    slope = kwj_relaxation.noise_slope(numbers, "regularised")
    assert slope.value == pytest.approx(-1)
    # What a network shares with itself at all temperatures leaves its slope alone, and its ratios.
    assert slope.high - slope.low < 1e-9
    assert slope.n_networks == 4
    for quantity, expected in (("brownian_ratio", 1), ("plateau_ratio", 1), ("largest_time", 1)):
        found = getattr(kwj_relaxation, quantity)(numbers, "regularised")
        assert (found.value, found.low, found.high) == pytest.approx((expected,) * 3)
    assert kwj_relaxation.cold_brownian_ratio(numbers, "overparameterised").value == pytest.approx(1)
    assert kwj_relaxation.cold_brownian_ratio(numbers, "regularised").value == pytest.approx(3e3 / 1e6)
    with pytest.raises(Missing, match="T = 0"):
        kwj_relaxation.plateau_ratio(numbers, "overparameterised")


def test_pairing_with_its_own_line_needs_few_networks():
    """Unpaired, the ratio of four such networks would be known to 45 %: no verdict on a tenth."""
    numbers = times({"regularised": 3e3})
    numbers["tau90_single"] = numbers["tau90_single"] * [1.02, 0.99, 1.01, 0.98]
    found = kwj_relaxation.brownian_ratio(numbers, "regularised")
    assert judge.verdict(found, (0.9, 1.1))[0] == judge.REPRODUCED
    assert found.high / found.low < 1.1


def test_time_that_is_not_reached_is_a_bound_and_not_infinite():
    found = kwj_relaxation.frozen_time(times({"overparameterised": 1e12}, longest=1e4), "overparameterised")
    assert (found.value, found.high, found.beyond) == (pytest.approx(1e4), math.inf, True)
    assert judge.verdict(found, (1e4 * 0.99, math.inf))[0] == judge.REPRODUCED
    assert judge.verdict(found, (1e6, math.inf))[0] == judge.INCONCLUSIVE
    plateau = kwj_relaxation.frozen_time(times({"overparameterised": 1e3}, longest=1e8), "overparameterised")
    assert judge.verdict(plateau, (1e4, math.inf))[0] != judge.REPRODUCED


def test_divergence_at_some_temperature_is_seen():
    numbers = times({"regularised": 3e3})
    numbers["tau90_single"].loc[{"temperature": 1e-4}] *= 2
    found = kwj_relaxation.largest_time(numbers, "regularised")
    assert judge.verdict(found, (-math.inf, 1.25))[0] == judge.NOT_REPRODUCED
    numbers["tau90_single"].loc[{"temperature": 1e-4}] = np.nan
    found = kwj_relaxation.largest_time(numbers, "regularised")
    assert found.beyond and judge.verdict(found, (-math.inf, 1.25))[0] == judge.NOT_REPRODUCED


def ages(slowdown, hot=1.0):
    """Numbers in the layout of Fig. A9 at two waiting times; only the landscape-dominated times change."""
    young = times({"regularised": 3e3}).squeeze("panel", drop=True)
    cold = young["temperature"] < 1e-3
    old = young.assign(tau90_single=young["tau90_single"] * xr.where(cold, slowdown, hot))
    return xr.concat([young, old], "waiting_time").assign_coords(waiting_time=[500, 2000])


def test_ageing_below_the_kink_alone():
    numbers = ages(1.3)
    assert kwj_relaxation.age_slowdown(numbers).value == pytest.approx(1.3)
    assert kwj_relaxation.hot_slowdown(numbers).value == pytest.approx(1)
    assert kwj_relaxation.age_kink_shift(numbers).value == pytest.approx(1 / 1.3)
    assert kwj_relaxation.hot_slowdown(ages(1.3, hot=1.2)).value == pytest.approx(1.2)
    assert kwj_relaxation.age_slope(numbers).value == pytest.approx(-1)


def test_kinks_of_several_lengths_have_an_interval():
    """T* of every network: a shift of 1.5 decades is open against 1.5, not a miss by 0.006."""
    one = times({"regularised": 3e3}).squeeze("panel", drop=True)
    factor = 10 ** (1.506 + np.array([0.06, -0.05, 0.02, -0.03]))
    fine = one.assign(tau90_brownian_single=one["tau90_brownian_single"] / xr.DataArray(factor, dims="network"))
    numbers = xr.concat([one, fine], "chi").assign_coords(chi=[10.0, 500.0])
    found = kwj_relaxation.kink_shift(numbers)
    assert found.value == pytest.approx(1.506)
    assert judge.verdict(found, (0.5, 1.5))[0] == judge.INCONCLUSIVE
    assert kwj_relaxation.chi_slopes(numbers).value == pytest.approx(-1)


def test_two_stages_of_an_overlap():
    lags = np.unique(np.round(np.geomspace(1, 1e6, 80)))
    single = np.exp(-((lags / 1e3) ** 0.5))
    double = 0.3 * np.exp(-((lags / 10) ** 0.5)) + 0.7 * np.exp(-((lags / 1e5) ** 1.0))
    for curve, share in ((single, 0), (double, 1)):
        numbers = xr.Dataset(
            {"overlap_mean": (("temperature", "lag"), [curve] * 4)},
            coords={"lag": lags, "temperature": [0.1, 0.01, 0.001, 0.0]},
        ).expand_dims(panel=["regularised"])
        assert kwj_relaxation.two_stages(numbers, "regularised").value == share


def phase_numbers():
    strength = np.array([0.01, 0.02, 0.03, 0.04])
    loss = np.array([[0.1, 0.1, 0.1], [0.5, 0.35, 0.1], [0.5, 0.5, 0.35], [0.5, 0.5, 0.5]])
    states = np.where(loss == 0.5, ZERO_WEIGHTS, np.where(loss == 0.35, HIGH_LOSS, LOW_LOSS))
    plane = np.array([[0.1, 1e-6], [0.2, 0.2], [0.5, 0.5]])
    by_network = ("map_strength", "map_width", "map_network")
    table = np.stack([np.column_stack([plane[:, :1], plane])] * 3, axis=2)
    return xr.Dataset(
        {
            "map_loss_single": (by_network, table),
            "map_data_loss_single": (by_network, table * [1, 2, 3]),
            "map_threshold_single": (("map_width", "map_network"), np.outer([0.02, 0.04, 0.08], [1, 1.5, 1])),
            "uot_loss": (("uot_point", "uot_network"), [[1e-1, 1e-1], [1e-2, 1e-5], [1e-12, 1e-12]]),
            "uot_threshold": 0.5,
            "uot_threshold_low": 0.4,
            "uot_threshold_high": 0.6,
            "ttt_loss": (("ttt_point", "ttt_network"), loss),
            "ttt_state": (("ttt_point", "ttt_network"), states),
            "ttt_norm": (("ttt_point", "ttt_network"), np.where(loss == 0.5, 0.0, 100.0)),
            "ttt_thresholds": ("ttt_network", [0.015, 0.025, 0.035]),
        },
        coords={
            "map_strength": [0, 0.01, 0.1],
            "map_ratio": ("map_width", [0.1, 0.2, 0.4]),
            "uot_ratio": ("uot_point", [0.2, 0.5, 0.9]),
            "ttt_strength": ("ttt_point", strength),
        },
    )


def test_phase_quantities():
    numbers = phase_numbers()
    found = kwj_phases.regions(numbers)
    assert (found.value, found.low, found.high) == (4, 4, 4)
    # Two values three decades apart: 0.8 of that lies between their 10 % and 90 % quantiles.
    assert kwj_phases.scatter_at_threshold(numbers).value == pytest.approx(0.8 * 3)
    assert kwj_phases.final_loss(numbers).value == 1e-12
    assert kwj_phases.sharpness(numbers).value > 1
    assert kwj_phases.trivial_norm(numbers).value == pytest.approx(1e-16)
    # Thresholds in proportion to N/P_D.
    assert kwj_phases.size_dependence(numbers).value == pytest.approx(1)
    assert kwj_phases.regularised_floor(numbers).value == pytest.approx(2e5)
    assert kwj_phases.fitted_share(numbers, 2).value == 1
    found = kwj_phases.lost_share(numbers.assign(uot_diverged=1, ttt_diverged=0, map_diverged=2))
    assert found.value == pytest.approx(3 / (6 + 12 + 27))
    assert kwj_phases.trivialisation_threshold(numbers).value == 0.025
    found = kwj_phases.fitting_threshold(numbers)
    assert (found.value, found.low, found.high) == (0.5, 0.4, 0.6)
    for off in (np.inf, 0.0, np.nan):
        with pytest.raises(Missing):
            kwj_phases.scatter_at_threshold(numbers.assign(uot_threshold=off))


def test_networks_that_pass_a_state_at_different_lambda_are_counted_apart():
    """Two of three networks are stuck at some lambda, but never more than one at the same."""
    found = kwj_phases.stuck_share(phase_numbers())
    assert found.value == pytest.approx(1 / 3) and found.low < 0.1 and found.high > 0.7


def test_units_that_survive_beyond_the_transition_are_seen():
    numbers = phase_numbers()
    assert kwj_phases.trivial_norm(numbers.assign(ttt_norm=numbers["ttt_norm"] + 1)).value == pytest.approx(1)


LAGS = np.unique(np.concatenate([[0], np.geomspace(1, 1e4, 60).round()]))


def displacements(*curves, temperatures=(0.1, 1e-3, 1e-5, 1e-8)):
    """Fig. 5: four networks that move alike but for their speed, one curve per temperature."""
    table = np.array([curves[min(row, len(curves) - 1)] for row in range(len(temperatures))])
    coords = {"temperature": list(temperatures), "lag": LAGS}
    msd = xr.DataArray(table, dims=("temperature", "lag"), coords=coords)
    single = (("temperature", "lag", "network"), table[:, :, None] * SPEEDS)
    one = xr.Dataset({"msd_mean": msd, "slope": local_slope(msd), "msd_single": single, "n_networks": 4})
    return one.assign(step_size=0.02, P_D=200).expand_dims(panel=["regularised"])


def test_diffusion_is_no_cage_and_a_plateau_with_escape_is():
    free = displacements(LAGS)
    assert kwj_displacement.diffusive_slope(free, "regularised").value == pytest.approx(1)
    assert kwj_displacement.recovery(free, "regularised").value == 0
    caged = displacements(np.minimum(LAGS, 50) + 0.02 * np.maximum(LAGS - 500, 0) ** 1.5 / 10)
    assert kwj_displacement.recovery(caged, "regularised").value == 1
    assert judge.verdict(kwj_displacement.recovery(caged, "regularised"), (-math.inf, 0.3))[0] == judge.NOT_REPRODUCED
    localised = displacements(np.minimum(LAGS, 50))
    assert kwj_displacement.recovery(localised, "regularised").value == 0
    assert kwj_displacement.late_slope(localised, "regularised").value == pytest.approx(0, abs=1e-9)
    assert kwj_displacement.slope_range(free, "regularised").value == pytest.approx(0, abs=1e-9)
    assert kwj_displacement.slope_range(displacements(np.minimum(LAGS, 1e3)), "regularised").value > 0.9


def test_slope_above_one_is_not_diffusive_either():
    """The coldest curve drifts, with slope 1.53: the smallest slope of all is 1, the furthest from 1 is not."""
    found = kwj_displacement.furthest_slope(displacements(LAGS, LAGS, LAGS, LAGS**1.53), "regularised")
    assert found.value == pytest.approx(1.53)
    assert judge.verdict(found, (0.9, 1.1))[0] == judge.NOT_REPRODUCED
    assert kwj_displacement.furthest_slope(displacements(LAGS), "regularised").value == pytest.approx(1)


def test_amplitude_of_diffusion_has_no_free_parameter():
    numbers = displacements(2 * (0.02 * 0.1 / 200) * LAGS)
    found = kwj_displacement.diffusive_amplitude(
        numbers.assign(msd_single=numbers["msd_single"] / SPEEDS), "regularised"
    )
    assert found.value == pytest.approx(1)


def test_spread_of_lengths_between_networks():
    lengths = xr.DataArray(np.tile([1.0, 1.1, 0.9, 1.0], (4, 1)), dims=("temperature", "network"))
    numbers = displacements(LAGS).assign(epsilon_single=lengths)
    found = kwj_displacement.sigma_scatter(numbers, "regularised")
    assert found.value == pytest.approx(np.std([1.0, 1.1, 0.9, 1.0], ddof=1))
    # The largest possible jackknife interval of four networks still excludes one percent of one.
    assert found.low > 0.01 and found.n_networks == 4


def test_inner_product_turns_long_after_the_overlap_has_fallen():
    """Free weights of spread 1: MSD = 2 D t reaches 0.2 at 0.1 / D, and tau90 = 1 / (4 D (chi erfinv 0.9)^2) (KWJ Eq. 6)."""
    chi, diffusion = 30.0, 0.1 / 3000
    moved = displacements(2 * diffusion * LAGS).assign(
        epsilon_single=(("temperature", "network"), np.tile(np.sqrt(SPEEDS) / chi, (4, 1))), chi=chi
    )
    tau90 = np.full((4, 4), 1 / (4 * diffusion * (chi * special.erfinv(0.9)) ** 2))
    relaxation = moved[["msd_mean"]].assign(tau90_single=(("temperature", "network"), tau90))
    found = kwj_displacement.turning_time(moved, relaxation, "regularised")
    assert (found.value, found.low) == pytest.approx((0.4 * (chi * special.erfinv(0.9)) ** 2,) * 2)
    short = kwj_displacement.turning_time(moved.isel(lag=LAGS < 1000), relaxation, "regularised")
    assert short.beyond and found.value / 4 < short.value < found.value


def test_displacement_that_falls_oscillates():
    wave = LAGS * (1 + 0.3 * np.cos(np.pi * LAGS) * (LAGS < 20))
    found = kwj_displacement.oscillation(displacements(LAGS, wave), "regularised")
    assert judge.verdict(found, (0.05, math.inf))[0] == judge.REPRODUCED
    # From 8 (1 + 0.3) at lag 8 to 9 (1 - 0.3) at lag 9.
    assert found.value == pytest.approx(1 - 6.3 / 10.4)
    # The coldest temperature counts, and no lag beyond 100.
    late = LAGS * np.where((LAGS > 200) & (LAGS < 300), 2, 1)
    assert kwj_displacement.oscillation(displacements(wave, LAGS), "regularised").value == 0
    assert kwj_displacement.oscillation(displacements(LAGS, late), "regularised").value == 0


def test_level_of_sgd_is_compared_with_the_same_networks():
    numbers = displacements(np.minimum(LAGS, 50))
    sgd = xr.Dataset(
        {
            "sgd_msd_single": (
                ("batch_size", "sgd_lag", "sgd_network"),
                np.minimum(LAGS, 60)[None, :, None] * SPEEDS * np.ones((2, 1, 1)),
            ),
        },
        coords={"batch_size": [1.0, 10.0], "sgd_lag": LAGS},
    )
    both = numbers.merge(sgd.isel(sgd_network=slice(3)))
    found = kwj_displacement.sgd_over_langevin(both, "regularised", 0.1)
    assert (found.value, found.low, found.high) == pytest.approx((1.2, 1.2, 1.2))
    assert kwj_displacement.sgd_final_slope(both).value == pytest.approx(0, abs=1e-9)
    with pytest.raises(Missing, match="SGD"):
        kwj_displacement.sgd_final_slope(numbers)


def test_non_gaussianity_that_comes_earlier_in_the_cold():
    temperatures = np.array([1e-1, 1e-2, 1e-3, 1e-4])
    alpha = np.where(1e4 * np.array([2, 0.5, 0.05, 0.005])[:, None] < LAGS, 1.0, 0.0)
    numbers = xr.Dataset(
        {
            "alpha2_mean": (("temperature", "lag"), alpha),
            "alpha2_single": (("temperature", "lag", "network"), np.repeat(alpha[..., None], 3, axis=2)),
            "n_networks": 3,
        },
        coords={"temperature": temperatures, "lag": LAGS},
    )
    numbers = numbers.assign(alpha2_low=numbers["alpha2_mean"] - 0.1, alpha2_high=numbers["alpha2_mean"] + 0.1)
    numbers = numbers.expand_dims(panel=["regularised"])
    assert kwj_displacement.earlier_when_colder(numbers, "regularised").value == pytest.approx(1)
    assert kwj_displacement.hot_alpha2(numbers, "regularised").value == 0
    found = kwj_displacement.cold_alpha2(numbers, "regularised")
    assert (found.value, found.low, found.high) == pytest.approx((1, 0.9, 1.1))
    assert kwj_displacement.final_alpha2(numbers, "regularised").value == 1


def collapse_numbers(networks=4):
    ends = np.array([0.1, 0.2, 0.3, 0.5])
    departures = np.array([300.0, 100.0, 30.0, np.nan])
    scatter = np.linspace(-0.01, 0.01, networks)
    return xr.Dataset(
        {
            "scores": (("left_out", "axis"), np.tile([0.01, 0.2], (1 + networks, 1))),
            "exponent_single": ("network", -0.47 + scatter),
            "exponent_brownian_single": ("network", -0.485 + scatter),
            "departure_single": (("temperature", "network"), np.tile(departures[:, None], networks)),
            "overlap_single": (
                ("temperature", "lag", "network"),
                np.tile(np.stack([ends**0, ends], 1)[..., None], networks),
            ),
            "tau90_single": (("temperature", "network"), np.tile([[1.0], [10], [100], [1000]], networks)),
            "left_master_curve": ("temperature", [1, 1, 1, 0]),
            "well_final_single": (("temperature", "network"), np.tile(ends[:, None] / 1.4, networks)),
            "final_exponent_single": ("network", -0.41 + scatter),
            "well_exponent_single": ("network", -0.40 + scatter),
            "n_networks": networks,
        },
        coords={"temperature": [1e-1, 1e-2, 1e-3, 1e-6], "lag": [0, 10], "axis": ["scaled", "raw"]},
    )


def test_collapse_quantities_read_the_planted_numbers():
    numbers = collapse_numbers()
    assert kwj_collapse.collapse_gain(numbers).value == pytest.approx(0.05)
    found = kwj_collapse.beyond_brownian(numbers)
    # What a network shares with the Brownian curve at its own points drops out.
    assert (found.value, found.low, found.high) == pytest.approx((0.015, 0.015, 0.015))
    assert kwj_collapse.master_exponent(numbers).high > -0.47 > kwj_collapse.master_exponent(numbers).low
    assert kwj_collapse.later_when_hotter(numbers).value == pytest.approx(1)
    assert kwj_collapse.lower_when_hotter(numbers).value == pytest.approx(-1)
    assert kwj_collapse.leaving_share(numbers.expand_dims(panel=["a"]), "a").value == pytest.approx(0.75)
    assert kwj_collapse.leaving_share(numbers, colder=1e-5).value == 0
    # Free weights end at 0.397 for tau90 = 1, and higher for the others; the coldest curve has not left.
    assert kwj_collapse.above_share(numbers).value == 0
    numbers["overlap_single"][0, -1] = 0.5
    assert kwj_collapse.above_share(numbers).value == pytest.approx(1 / 3)
    assert kwj_collapse.final_exponent(numbers).value == pytest.approx(-0.41)
    assert kwj_collapse.final_beyond_well(numbers).value == pytest.approx(-0.01)


def test_levels_off_by_two_fifths_are_not_similar():
    """The old range, a factor of two, held every ratio of neighbouring temperatures."""
    found = kwj_collapse.well_factor(collapse_numbers())
    assert found.value == pytest.approx(1.4)
    assert judge.verdict(found, (0.5, 2))[0] == judge.REPRODUCED
    assert judge.verdict(found, (0.8, 1.25))[0] == judge.NOT_REPRODUCED


def test_one_network_has_a_value_and_no_verdict():
    found = kwj_collapse.master_exponent(collapse_numbers(networks=1))
    assert found.reason == "no interval: 1 network"
    assert judge.verdict(found, (-1, 0))[0] == judge.INCONCLUSIVE


def test_difference_of_two_ageing_exponents_is_between_independent_networks():
    numbers = xr.Dataset(
        {"exponent_single": (("panel", "network"), [[0.70, 0.68, 0.72, 0.70], [0.3, 0.34, 0.26, np.nan]])},
        coords={"panel": ["a", "b"]},
    )
    found = kwj_displacement.ageing_difference(numbers, "a", "b")
    assert found.value == pytest.approx(0.4) and found.low < 0.4 < found.high
    assert judge.verdict(found, (0.1, math.inf))[0] == judge.REPRODUCED
    assert kwj_displacement.ageing_exponent(numbers, "b").n_networks == 3
