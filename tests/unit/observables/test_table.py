"""A record added to the table is measured, streamed, averaged and checked in files, and no other module changes."""

import numpy as np
import pytest
from walks import random_walk

from quench.errors import QuenchError
from quench.observables import derived, table
from quench.observables.accumulator import TwoTimeObservables
from quench.observables.average import average
from quench.observables.displacement import msd
from quench.observables.measure import measure
from quench.observables.table import Observable
from quench.store import contracts, files

BY_PAIR = ("network", "waiting_time", "lag")


def by_layer(pair):
    """MSD of the weights of every layer."""
    layers = np.unique(pair.layer)
    return np.stack([msd(pair.displacement[:, pair.layer == layer]) for layer in layers], axis=-1)


ADDED = (
    Observable(
        "farthest", lambda pair: np.abs(pair.displacement).max(axis=1), BY_PAIR, "largest |dw|", low=0, averaged=True
    ),
    Observable(
        "far_out",
        lambda pair: (np.abs(pair.displacement) > 3 * pair.epsilon[:, None]).mean(axis=1),
        BY_PAIR,
        "share of weights that moved by more than 3 epsilon",
        low=0,
        high=1,
        per_chi=True,
        averaged=True,
    ),
    Observable("msd_by_layer", by_layer, (*BY_PAIR, "layer"), "MSD of a layer", needs=("layer",), averaged=True),
    Observable(
        "start", lambda pair: np.square(pair.reference).mean(axis=1), BY_PAIR[:2], "<w(t_w)^2>", references="here"
    ),
    Observable(
        "work", lambda pair: (pair.displacement * pair.noise).mean(axis=1), BY_PAIR, "<dw noise>", needs=("noise",)
    ),
)
RATIO = Observable(
    "ratio", lambda far, second: far**2 / second.where(second > 0), BY_PAIR, "max dw^2 / MSD", of=("farthest", "msd"),
    averaged=True,
)  # fmt: skip


@pytest.fixture(autouse=True)
def larger_table(monkeypatch):
    monkeypatch.setattr(table, "MEASURED", (*table.MEASURED, *ADDED))
    monkeypatch.setattr(derived, "DERIVED", (*derived.DERIVED, RATIO))


def test_added_observables_are_in_every_file(inputs, run, quench, tmp_path):
    """Measured from snapshots and during training to the same bits, for either chi."""
    streamed = ["--snapshots", "streamed", "--chi", "30,100", "--motility-lags", "40"]
    assert run(inputs, tmp_path / "full.nc") == 0
    assert run(inputs, tmp_path / "streamed.nc", *streamed) == 0
    held = files.read(tmp_path / "streamed.nc", kind="streamed")
    assert held["far_out"].dims == ("chi", *BY_PAIR) and held["msd_by_layer"].dims == (*BY_PAIR, "layer")
    found = {}
    for chi in (30, 100):
        for name in ("full", "streamed"):
            observe = ("observe", tmp_path / f"{name}.nc", "--chi", chi, "--motility-lags", 40)
            assert quench(*observe, "-o", tmp_path / f"o-{name}.nc") == 0
        assert (tmp_path / "o-full.nc").read_bytes() == (tmp_path / "o-streamed.nc").read_bytes()
        found[chi] = files.read(tmp_path / "o-full.nc", kind="observables")
    for name in ("farthest", "far_out", "msd_by_layer", "ratio"):
        assert {f"{name}_mean", f"{name}_low", f"{name}_high"} <= set(found[30].data_vars)
        assert "network" not in found[30][f"{name}_mean"].dims
    assert "start" in found[30] and "start_mean" not in found[30]
    assert found[30]["start"].attrs == {"long_name": "<w(t_w)^2>", "units": "1", "references": "here"}
    assert (found[100]["far_out_mean"] >= found[30]["far_out_mean"]).all()
    assert not found[100]["far_out"].equals(found[30]["far_out"])
    # The noise of Langevin dynamics follows from its keys.
    assert np.isfinite(found[30]["work"].isel(network=0)).any() and "work" in held


def test_added_observables_are_what_their_functions_say():
    walk = random_walk(n_networks=4)
    result = average([measure(walk, [5, 10], chi=50)])
    first, later = walk["weights"].sel(time=10), walk["weights"].sel(time=20)
    at = {"waiting_time": 10, "lag": 10}
    assert np.array_equal(result["farthest"].sel(at), np.abs(later - first).max("weight"))
    assert np.array_equal(result["start"].sel(waiting_time=10), np.square(first).mean("weight"))
    layers = result["msd_by_layer"].sel(at)
    sizes = np.unique(walk["layer"], return_counts=True)[1]
    np.testing.assert_allclose((layers * sizes).sum("layer") / sizes.sum(), result["msd"].sel(at), rtol=1e-12)
    np.testing.assert_allclose(result["msd_by_layer_mean"].sel(at), layers.mean("network"), rtol=1e-12)
    # A derived observable is averaged as the function of the averages.
    expected = result["farthest_mean"] ** 2 / result["msd_mean"].where(result["msd_mean"] > 0)
    np.testing.assert_array_equal(result["ratio_mean"], expected)


def test_an_observable_without_what_it_needs_is_left_out():
    result = measure(random_walk().drop_vars("layer"), [5], chi=50)
    assert "farthest" in result and "msd_by_layer" not in result


def test_noise_is_known_where_it_was_recorded():
    """Of weights that nothing but noise moves, the displacement is the noise between the two times."""
    walk = random_walk()
    noisy = walk.assign(noise=walk["weights"] - walk["weights"].isel(time=0))
    result = measure(noisy, [5, 10], chi=50)
    np.testing.assert_allclose(result["work"], result["msd"], rtol=1e-9, atol=1e-16)
    hidden = measure(noisy, [5, 10], chi=50, include_output_layer=False)
    np.testing.assert_allclose(hidden["work"], hidden["msd"], rtol=1e-9, atol=1e-16)


def test_noise_survives_an_interruption():
    walk = random_walk()
    weights = walk["weights"].transpose("time", "network", "weight").values

    def measured(cut):
        observables = fresh = TwoTimeObservables([5], [1, 5, 10], [], np.ones((1, 3)))
        for number, time in enumerate(walk["time"].values.tolist()):
            if number == cut:
                fresh = TwoTimeObservables([5], [1, 5, 10], [], np.ones((1, 3)))
                fresh.restore(observables.memory())
            observables = fresh
            observables.record(time, weights[number], noise=weights[number] - weights[0])
        return observables.tables["work"].tobytes()

    assert len({measured(cut) for cut in range(9)}) == 1


@pytest.mark.parametrize(
    "kind, name, dims", [("streamed", "far_out", ("chi", *BY_PAIR)), ("observables", "far_out", BY_PAIR)]
)
def test_the_contract_of_either_file_holds_the_added(kind, name, dims):
    assert contracts.rows(kind)[name] == contracts.Wanted(dims, 0, 1, gaps=True, optional=True)


def test_bounds_of_an_added_observable_are_checked(tmp_path):
    result = average([measure(random_walk(), [5], chi=50)])
    files.write(result, tmp_path / "sound.nc", kind="observables", config={}, code="")
    files.read(tmp_path / "sound.nc")
    files.write(result.assign(far_out=result["far_out"] + 2), tmp_path / "o.nc", kind="observables", config={}, code="")
    with pytest.raises(QuenchError, match=r"far_out holds a value of .*, outside 0 to 1"):
        files.read(tmp_path / "o.nc")


def test_a_file_of_an_earlier_version_is_still_read(tmp_path):
    result = average([measure(random_walk(), [5], chi=50)])
    files.write(result.drop_vars("farthest"), tmp_path / "o.nc", kind="observables", config={}, code="")
    assert "farthest" not in files.read(tmp_path / "o.nc")


def test_records_are_complete():
    """Every name once; derived observables are made of measured ones, and dimensions are in the order of the files."""
    observables = derived.observables()
    names = [one.name for one in observables]
    assert len(set(names)) == len(names)
    measured = {one.name for one in table.MEASURED}
    for one in observables:
        assert set(one.of) <= measured
        assert one.dims[:2] == BY_PAIR[:2]
        assert one.long_name and one.low <= one.high
