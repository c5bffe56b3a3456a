"""Observables against hand-made trajectories, closed forms and properties that hold for any weights."""

import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quench.errors import QuenchError
from quench.observables.average import CONFIDENCE, RESAMPLES, average, resampling_weights
from quench.observables.displacement import MOTILITY_EDGES, alpha2, local_slope, moment, motility
from quench.observables.measure import measure
from quench.observables.overlap import overlap
from quench.observables.relaxation import LEVELS, crossing_time, longest_lag

finite = st.floats(-1e3, 1e3, allow_subnormal=False)
pairs = st.integers(1, 40).flatmap(
    lambda n: st.tuples(arrays.arrays(np.float64, n, elements=finite), arrays.arrays(np.float64, n, elements=finite))
)


def weights(*values):
    return xr.DataArray(np.asarray(values, dtype=float).reshape(-1), dims="weight")


# Overlap.


def test_overlap_counts_weights_within_the_length():
    # The boundary itself counts: Theta(0) = 0 in KWJ's Eq. 4.
    reference, moved = weights([0, 0, 0, 0]), weights([0.5, -0.25, 0.25, 0.125])
    assert float(overlap(moved, reference, 0.25)) == 0.75
    assert float(overlap(moved, reference, 0.1)) == 0
    assert float(overlap(moved, reference, 1)) == 1


@given(pairs, st.floats(1e-9, 1e4), st.floats(1e-9, 1e4))
def test_overlap_properties(pair, one, other):
    first, second = map(weights, pair)
    short, long = sorted((one, other))
    q = float(overlap(first, second, long))
    assert 0 <= q <= 1
    assert float(overlap(first, first, short)) == 1
    assert q == float(overlap(second, first, long))
    assert float(overlap(first, second, short)) <= q
    # Weights in any order give the same.
    assert q == float(overlap(first[::-1], second[::-1], long))
    # A common power of two scales away exactly.
    assert q == float(overlap(4 * first, 4 * second, 4 * long))


def test_overlap_of_a_lost_network_is_not_a_number():
    network = xr.DataArray([[0.0, np.nan], [0.0, np.inf], [0.0, 0.1]], dims=("network", "weight"))
    found = overlap(network, weights([0, 0]), 0.5)
    assert np.isnan(found[0]) and np.isnan(found[1]) and found[2] == 1


@pytest.mark.parametrize("dtype, epsilon", [(np.float64, 1e-17), (np.float32, 1e-8)])
def test_length_below_float_resolution_is_refused(dtype, epsilon):
    one = xr.DataArray(np.array([1.0, 0.5], dtype=dtype), dims="weight")
    with pytest.raises(ValueError, match="below the resolution"):
        overlap(one, one, epsilon)
    assert float(overlap(one, one, 1e3 * epsilon)) == 1
    for bad in (0.0, -0.1):
        with pytest.raises(ValueError, match="must be positive"):
            overlap(one, one, bad)


# Displacements.


@given(pairs)
def test_moments_are_nonnegative_and_symmetric(pair):
    first, second = map(weights, pair)
    difference = pair[0] - pair[1]
    for order in (2, 4):
        assert float(moment(first, second, order)) == float(moment(second, first, order)) >= 0
        assert float(moment(first, second, order)) == pytest.approx(np.mean(difference**order), rel=1e-12)
    assert float(moment(first, first, 2)) == 0


@given(pairs)
def test_alpha2_is_at_least_minus_two_thirds(pair):
    first, second = map(weights, pair)
    mean_square = moment(first, second, 2)
    value = float(alpha2(mean_square, moment(first, second, 4)))
    # <x^4> >= <x^2>^2, with equality where all move equally far.
    if float(mean_square) > 1e-100:
        assert value >= 1 / 3 - 1 - 1e-9
    elif float(mean_square) == 0:
        assert np.isnan(value)


def test_alpha2_of_known_displacements():
    still = weights(np.zeros(1000))
    equal = weights(np.full(1000, 0.3))
    assert float(alpha2(moment(equal, still, 2), moment(equal, still, 4))) == pytest.approx(-2 / 3, rel=1e-12)
    # A share p of mobile weights with Gaussian steps: alpha2 = 1/p - 1. Quantiles stand for a Gaussian; their
    # truncated tail makes the fourth moment a per cent too small.
    from scipy.stats import norm

    normal = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    mixed = weights(np.concatenate([normal, np.zeros(60_000)]))
    still = weights(np.zeros(80_000))
    assert float(alpha2(moment(mixed, still, 2), moment(mixed, still, 4))) == pytest.approx(3, rel=0.02)


@given(st.floats(-3, 3), st.floats(1e-6, 1e6))
def test_local_slope_of_a_power_law_is_its_exponent(exponent, prefactor):
    lag = np.array([0, 1, 2, 5, 10, 30, 100, 1000])
    values = np.where(lag > 0, prefactor * np.maximum(lag, 1.0) ** exponent, 0)
    slope = local_slope(xr.DataArray(values, dims="lag", coords={"lag": lag}))
    np.testing.assert_allclose(slope[2:-1], exponent, atol=1e-10)
    assert np.isnan(slope[[0, 1, -1]]).all()


def test_local_slope_is_missing_where_nothing_moves():
    curve = xr.DataArray([0.0, 0.0, 0.0, 1.0, 2.0, 4.0], dims="lag", coords={"lag": [0, 1, 2, 4, 8, 16]})
    slope = local_slope(curve)
    assert np.isnan(slope[:4]).all() and float(slope[4]) == pytest.approx(1)


def test_motility_counts_every_weight_once():
    moved = [0.0, 1e-20, 10**-15.99, 1e-3, 1e-3, -1e-3, 50.0, 1e5]
    counts = motility(weights(moved), weights(np.zeros(8)))
    assert counts.sizes == {"motility_bin": len(MOTILITY_EDGES) - 1}
    assert int(counts.sum()) == 8
    # Zeros and what is smaller than the first edge are in the first bin, what is larger than the last in the last.
    assert int(counts[0]) == 3 and int(counts[-1]) == 1
    place = np.searchsorted(MOTILITY_EDGES, -3.0 - 1e-9)
    assert int(counts[place - 1 : place + 1].sum()) == 3


@given(pairs)
def test_motility_total_and_lost_networks(pair):
    first, second = map(weights, pair)
    assert int(motility(first, second).sum()) == len(pair[0])
    spoilt = first.copy()
    spoilt[0] = np.nan
    assert (motility(spoilt, second) == -1).all()


# Relaxation times.


def curve(lags, values):
    return xr.DataArray(np.asarray(values, float), dims="lag", coords={"lag": np.asarray(lags)})


def test_crossing_is_interpolated_in_log_time():
    assert float(crossing_time(curve([0, 10, 1000], [1, 0.95, 0.85]), 0.9)) == pytest.approx(100)
    # From lag 0, which has no logarithm, linearly.
    assert float(crossing_time(curve([0, 4], [1, 0.8]), 0.9)) == pytest.approx(2)
    assert float(crossing_time(curve([0, 3, 9], [1, 0.9, 0.8]), 0.9)) == 3
    assert np.isnan(crossing_time(curve([0, 3, 9], [1, 0.99, 0.95]), 0.9))
    assert float(longest_lag(curve([0, 3, 9], [1, 0.99, np.nan]))) == 3


def test_first_crossing_counts():
    noisy = curve([0, 1, 2, 3, 4], [1, 0.95, 0.85, 0.95, 0.7])
    assert 1 < float(crossing_time(noisy, 0.9)) < 2


def test_lags_that_were_not_recorded_are_bridged():
    gap = curve([0, 10, 50, 1000], [1, 0.95, np.nan, 0.85])
    assert float(crossing_time(gap, 0.9)) == pytest.approx(100)
    assert np.isnan(crossing_time(curve([0, 1], [np.nan, np.nan]), 0.9))


@given(
    st.lists(st.integers(1, 10**6), min_size=2, max_size=20, unique=True),
    st.lists(st.floats(0, 1), min_size=20, max_size=20),
    st.floats(0.01, 0.99),
    st.floats(0.01, 0.99),
)
def test_crossing_properties(lags, values, one, other):
    lags = [0, *sorted(lags)]
    falling = curve(lags, np.minimum.accumulate([1.0, *values[: len(lags) - 1]]))
    low, high = sorted((one, other))
    late, early = float(crossing_time(falling, low)), float(crossing_time(falling, high))
    for level, time in ((low, late), (high, early)):
        reached = (falling <= level).any()
        assert bool(reached) == bool(np.isfinite(time))
        if reached:
            after = int(np.flatnonzero(falling <= level)[0])
            assert lags[after - 1] <= time * (1 + 1e-12) and time <= lags[after] * (1 + 1e-12)
    if np.isfinite(late):
        assert early <= late * (1 + 1e-12)
    # Time in other units scales the result, but for the linear stretch from 0, which scales too.
    stretched = falling.assign_coords(lag=8 * falling["lag"])
    assert np.array_equal(float(crossing_time(stretched, low)), 8 * late, equal_nan=True) or float(
        crossing_time(stretched, low)
    ) == pytest.approx(8 * late, rel=1e-12)


def test_crossing_is_exact_for_a_curve_linear_in_log_time():
    lag = np.unique(np.round(np.geomspace(1, 1e5, 40)).astype(int))
    q = curve(lag, 1 - 0.07 * np.log10(lag))
    for level in LEVELS.values():
        expected = 10 ** ((1 - level) / 0.07)
        found = float(crossing_time(q, level))
        assert found == pytest.approx(expected, rel=1e-10) if expected <= 1e5 else np.isnan(found)


# The whole measurement.


def trajectory(n_networks=3, n_weights=50, times=(0, 5, 6, 7, 10, 15, 20, 30), seed=0, step=0.01):
    rng = np.random.default_rng(seed)
    gaps = np.diff([0, *times])[None, :, None]
    walk = rng.normal(size=(n_networks, 1, n_weights)) + np.cumsum(
        step * np.sqrt(gaps) * rng.normal(size=(n_networks, len(times), n_weights)), axis=1
    )
    return xr.Dataset(
        {
            "weights": (("network", "time", "weight"), walk),
            "sigma": ("network", walk[:, 0].std(axis=1)),
        },
        coords={
            "time": np.array(times),
            "layer": ("weight", np.repeat([0, 1], [n_weights - 10, 10])),
            "seed": ("network", np.arange(n_networks)),
            "diverged_at": ("network", np.full(n_networks, -1)),
        },
    )


def test_measurement_is_its_definitions():
    walk = trajectory()
    result = measure(walk, [5, 10], chi=50)
    assert dict(result["overlap"].sizes) == {"network": 3, "waiting_time": 2, "lag": len(result["lag"])}
    w, times = walk["weights"].values, walk["time"].values.tolist()
    for network in range(3):
        epsilon = float(walk["sigma"][network]) / 50
        assert float(result["epsilon"][network]) == epsilon
        for waiting_time in (5, 10):
            for lag in result["lag"].values:
                point = result.isel(network=network).sel(waiting_time=waiting_time, lag=lag)
                if waiting_time + lag not in times:
                    assert np.isnan(point["overlap"]) and np.isnan(point["msd"])
                    continue
                moved = w[network, times.index(waiting_time + lag)] - w[network, times.index(waiting_time)]
                assert float(point["overlap"]) == np.mean(np.abs(moved) <= epsilon)
                assert float(point["msd"]) == pytest.approx(np.mean(moved**2), rel=1e-12)
                assert float(point["fourth_moment"]) == pytest.approx(np.mean(moved**4), rel=1e-12)
    assert (result["overlap"].sel(lag=0) == 1).all() and (result["msd"].sel(lag=0) == 0).all()
    assert int(result["n_weights"]) == 50
    assert (result["motility"].where(lambda c: c >= 0).sum("motility_bin").isin([0, 50])).all()
    assert all(result[name].attrs.get("long_name") for name in result.data_vars)


def test_output_layer_is_left_out_when_asked():
    walk = trajectory()
    inner = measure(walk, [5], chi=50, include_output_layer=False)
    assert int(inner["n_weights"]) == 40
    cut = walk.isel(weight=slice(0, 40))
    assert inner["overlap"].equals(measure(cut, [5], chi=50)["overlap"])
    with pytest.raises(QuenchError, match="no coordinate 'layer'"):
        measure(walk.drop_vars("layer"), [5], chi=50, include_output_layer=False)


def test_waiting_time_off_the_schedule_names_the_nearest():
    with pytest.raises(QuenchError, match=r"t_w = 8 is not among the 8 snapshot times \(nearest: 7\)"):
        measure(trajectory(), [5, 8], chi=50)


def test_chi_below_resolution_is_told():
    with pytest.raises(QuenchError, match=r"chi = 1e\+17: epsilon = .* is below the resolution"):
        measure(trajectory(), [5], chi=1e17)


@pytest.mark.parametrize("spoilt", [np.nan, np.inf])
def test_lost_network_takes_nothing_from_the_others(spoilt):
    """A network lost half-way stays in the file as not a number, and counts in no average."""
    walk = trajectory(n_networks=4)
    walk["weights"][2, 5:] = spoilt
    walk["weights"][2, 5:, ::2] = np.nan
    walk["diverged_at"][2] = 12
    result = average([measure(walk, [5], chi=50)])
    alone = average([measure(walk.isel(network=[0, 1, 3]), [5], chi=50)])
    assert np.isnan(result["overlap"].sel(network=2, lag=25)).all()
    assert int(result["n_diverged"]) == 1 and (result["n_networks"] == 3).all()
    for name in ("overlap", "msd", "alpha2", "tau90", "tau_e"):
        for end in ("mean", "low", "high"):
            assert result[f"{name}_{end}"].equals(alone[f"{name}_{end}"]), (name, end)


def test_all_lost_is_all_missing():
    walk = trajectory()
    walk["weights"][:, 3:] = np.nan
    walk["diverged_at"][:] = 6
    result = average([measure(walk, [5], chi=50)])
    assert (result["n_networks"] == 0).all() and np.isnan(result["overlap_mean"]).all()


# Averages.


def test_averages_are_over_networks():
    result = average([measure(trajectory(n_networks=5), [5, 10], chi=50)])
    # The same sums in another order: rounding alone.
    for name in ("overlap", "msd"):
        np.testing.assert_allclose(result[f"{name}_mean"], result[name].mean("network", skipna=False), rtol=1e-13)
    # The ratio of averaged moments (KWJ Eq. 9), not the average of ratios.
    ratio = result["fourth_moment"].mean("network") / (3 * result["msd"].mean("network") ** 2) - 1
    np.testing.assert_allclose(result["alpha2_mean"], ratio.where(result["msd_mean"] > 0), rtol=1e-10)
    # The time of the averaged curve, not the average of times.
    for name, level in LEVELS.items():
        assert result[f"{name}_mean"].equals(crossing_time(result["overlap_mean"], level).rename(f"{name}_mean"))
    for name in ("overlap", "msd"):
        assert (
            (result[f"{name}_low"] <= result[f"{name}_mean"] + 1e-12)
            .where(result[f"{name}_mean"].notnull(), True)
            .all()
        )
        assert (
            (result[f"{name}_high"] >= result[f"{name}_mean"] - 1e-12)
            .where(result[f"{name}_mean"].notnull(), True)
            .all()
        )
    assert (result["n_networks"] == 5).all() and int(result["n_diverged"]) == 0


def test_one_network_has_an_interval_of_no_width():
    result = average([measure(trajectory(n_networks=1), [5], chi=50)])
    assert result["overlap_low"].equals(result["overlap_mean"].rename("overlap_low"))


@given(st.integers(1, 9), st.integers(0, 2**32))
@settings(max_examples=20)
def test_resampling_weights_are_means(n_networks, seed):
    alive = np.random.default_rng(seed).random(n_networks) < 0.7
    table = resampling_weights(alive)
    assert table.shape == (1 + RESAMPLES, n_networks)
    if not alive.any():
        assert np.isnan(table).all()
        return
    np.testing.assert_allclose(table.sum(axis=1), 1, rtol=1e-12)
    assert (table[:, ~alive] == 0).all() and (table[0, alive] == 1 / alive.sum()).all()
    # A network's share is a binomial count over n: mean 1/n, standard deviation at most 1/2.
    assert np.abs(table[1:, alive].mean(axis=0) - 1 / alive.sum()).max() < 5 / (2 * np.sqrt(RESAMPLES))


def test_bootstrap_interval_covers_the_truth():
    """Intervals over 20 networks hold the ensemble's true MSD about as often as they say.

    A percentile bootstrap over n = 20 covers a little less than its 95 % (it uses 1/n, not 1/(n-1), and no t quantile:
    about 92-93 %). 100 independent ensembles: the share has standard error 2.6 %, and 82 % is 4 of these below; that all
    hold it has probability 1e-3. Intervals of half the width would cover two thirds, of twice it all.
    """
    rng = np.random.default_rng(3)
    n_ensembles, n_networks = 100, 20
    # A network's MSD over many weights is Gaussian about the truth, 1, with a scatter between networks of 0.3.
    values = 1 + 0.3 * rng.normal(size=(n_ensembles, n_networks))
    measured = measure(trajectory(n_networks=n_networks, n_weights=12, times=(0, 5, 6)), [5], chi=50)
    covered = 0
    for row in values:
        result = average([measured.assign(msd=measured["msd"] * 0 + xr.DataArray(row, dims="network"))])
        covered += (
            float(result["msd_low"].isel(waiting_time=0, lag=-1))
            <= 1
            <= float(result["msd_high"].isel(waiting_time=0, lag=-1))
        )
    assert CONFIDENCE == 0.95
    assert 0.82 <= covered / n_ensembles < 1


@pytest.mark.parametrize("cuts", [[1, 1, 1, 1, 1], [2, 3], [4, 1]])
def test_pooling_of_chunks_has_the_bits_of_the_whole(cuts):
    walk = trajectory(n_networks=5)
    whole = average([measure(walk, [5, 10], chi=50)])
    ends = np.cumsum([0, *cuts])
    parts = [measure(walk.isel(network=slice(a, b)), [5, 10], chi=50) for a, b in itertools.pairwise(ends)]
    for order in (parts, parts[::-1]):
        pooled = average(order)
        for name in whole.variables:
            assert np.array_equal(pooled[name], whole[name], equal_nan=whole[name].dtype.kind == "f"), name
