"""The observables of snapshots against their definitions, and what is requested and not recorded."""

import json

import numpy as np
import pytest
from walks import random_walk

from quench.dynamics.schedule import lags
from quench.errors import QuenchError
from quench.observables.average import average
from quench.observables.measure import measure, measure_ensemble


def test_measurement_is_its_definitions():
    walk = random_walk()
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


def test_output_layer_is_left_out_when_declared():
    walk = random_walk()
    inner = measure(walk, [5], chi=50, include_output_layer=False)
    assert int(inner["n_weights"]) == 40
    cut = walk.isel(weight=slice(0, 40))
    cut["sigma"] = ("network", cut["weights"].values[:, 0].std(axis=1))
    assert inner["overlap"].equals(measure(cut, [5], chi=50)["overlap"])


@pytest.mark.parametrize("own", [True, False], ids=["own file", "foreign file"])
def test_overlap_length_without_the_output_layer_is_that_of_the_hidden_weights(own):
    """Output weights ten times as large would lengthen epsilon by a factor of 4 and more."""
    walk = random_walk()
    walk["weights"].values[:, :, 40:] *= 10
    walk["sigma"] = ("network", walk["weights"].values[:, 0].std(axis=1))
    hidden = walk["weights"].values[:, 0 if own else -1, :40]
    found = measure(walk if own else walk.drop_vars("sigma"), [5], chi=50, include_output_layer=False)
    np.testing.assert_allclose(found["epsilon"], hidden.std(axis=1) / 50, rtol=1e-12)
    assert (walk["sigma"] / 50 > 3 * found["epsilon"]).all()


def test_waiting_time_off_the_schedule_names_the_nearest():
    with pytest.raises(QuenchError, match=r"t_w = 8 is not among the 8 snapshot times \(nearest: 7\)"):
        measure(random_walk(), [5, 8], chi=50)


def test_chi_below_resolution_is_refused():
    with pytest.raises(QuenchError, match=r"chi = 1e\+17: epsilon = .* is below the resolution"):
        measure(random_walk(), [5], chi=1e17)


def test_network_of_equal_weights_has_no_overlap_length():
    walk = random_walk()
    walk["sigma"] = walk["sigma"] * [0.0, *[1.0] * (walk.sizes["network"] - 1)]
    with pytest.raises(QuenchError, match="all equal"):
        measure(walk, [5], chi=50)


def test_requested_lag_that_was_not_recorded_names_the_nearest():
    assert measure(random_walk(), [5, 10], chi=50, lags=[10, 0])["lag"].values.tolist() == [0, 10]
    with pytest.raises(QuenchError, match=r"lag 14 follows no waiting time in its snapshots \(nearest: 15\)"):
        measure(random_walk(), [5], chi=50, lags=[0, 14])


def declared(walk, **config):
    return walk.assign_attrs(kind="snapshots", config=json.dumps(config))


def test_declared_times_are_the_default():
    """Waiting times that were reached, and every lag of the grid, whether or not it was recorded."""
    walk = declared(random_walk(), waiting_times=[10, 5, 999], lag_max=25, dense=2, per_decade=4)
    result = measure(walk, chi=50)
    assert result["waiting_time"].values.tolist() == [5, 10]
    assert np.array_equal(result["lag"], lags(25, 2, 4))
    assert np.isnan(result["overlap"].sel(lag=18)).all() and (result["overlap"].sel(waiting_time=5, lag=25) <= 1).all()
    # Recorded by an earlier version, on other lags: all that the snapshots allow.
    other = measure(declared(random_walk(), waiting_times=[10, 5], lag_max=24, dense=2, per_decade=4), chi=50)
    assert other["lag"].values.tolist() == [0, 1, 2, 5, 10, 15, 20, 25]
    for nothing in (random_walk(), declared(random_walk(), waiting_times=[999])):
        with pytest.raises(QuenchError, match="declares no waiting time that was reached"):
            measure(nothing, chi=50)


def test_an_ensemble_is_measured_without_the_command_line():
    """Any iterable of chunks: averages over all networks, and the parameters that a file declares."""
    walk = declared(random_walk(n_networks=4), waiting_times=[10, 5])
    chunks = [walk.isel(network=slice(2)), walk.isel(network=slice(2, 4))]
    result, config = measure_ensemble(iter(chunks), chi=50, motility_lags=[5], include_output_layer=False)
    expected = average([measure(walk, [5, 10], chi=50, motility_lags=[5], include_output_layer=False)])
    assert set(result.variables) == set(expected.variables)
    for name in expected.variables:
        assert np.array_equal(result[name], expected[name], equal_nan=expected[name].dtype.kind == "f"), name
    assert config == {
        "trajectory": {"waiting_times": [10, 5]},
        "chi": 50,
        "waiting_times": [10, 5],
        "include_output_layer": False,
        "control": False,
    }


def test_errors_name_the_chunk():
    one, other = random_walk(), random_walk(times=(0, 5, 6))
    with pytest.raises(QuenchError, match=r"b\.nc: its times differ from those of a\.nc"):
        measure_ensemble([one, other], [5], chi=50, names=["a.nc", "b.nc"])
    with pytest.raises(QuenchError, match="trajectory 1: its times differ from those of trajectory 0"):
        measure_ensemble([one, other], [5], chi=50)
    with pytest.raises(QuenchError, match=r"a\.nc: t_w = 8 is not among"):
        measure_ensemble([one], [8], chi=50, names=["a.nc"])
