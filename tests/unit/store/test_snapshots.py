"""Snapshots of other software: what is read of them, what is refused, and that no result is NaN without a word."""

import contextlib
import io
import os
import re

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quench.cli import main
from quench.errors import QuenchError
from quench.store import files, snapshots, unfinished

TIMES = np.r_[0:11, 12, 15, 20, 40, 80]
DIMS = ("network", "time", "weight")


def walk(networks=3, weights=24):
    steps = 0.01 * np.random.default_rng(0).normal(size=(networks, len(TIMES), weights))
    return xr.Dataset({"weights": (DIMS, 1 + np.cumsum(steps, axis=1))}, coords={"time": TIMES})


def observe(*words):
    return main(["observe", *map(str, words), "--chi", "3", "--waiting-times", "1,10"])


def measured(path):
    """The observables of the snapshots at ``path``."""
    assert observe(path, "-o", path.with_suffix(".o.nc")) == 0
    return files.read(path.with_suffix(".o.nc"), kind="observables")


def refusal(folder, capsys, *words):
    """The one line with which the measurement of ``words`` is refused."""
    output = folder / "refused.nc"
    capsys.readouterr()
    assert observe(*words, "-o", output) == 2 and not output.exists()
    line = capsys.readouterr().err
    assert line.startswith("quench: ") and line.count("\n") == 1, line
    return line


def recorded(path, unlimited_first, times_written, weights_written):
    """A file to which a program appended records, and which ended between the parts of one."""
    values = walk()["weights"].values
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", None)
        file.createDimension("network", 3)
        file.createDimension("weight", 24)
        dims = ("time", "network", "weight") if unlimited_first else DIMS
        time, weights = file.createVariable("time", "i8", ("time",)), file.createVariable("weights", "f8", dims)
        time[:times_written] = TIMES[:times_written]
        for number in range(weights_written):
            if unlimited_first:
                weights[number] = values[:, number]
            else:
                weights[:, number] = values[:, number]


@pytest.mark.parametrize("unlimited_first", [True, False])
@pytest.mark.parametrize("lost", ["weights", "time", "nothing"])
def test_only_records_that_were_written_completely_are_read(tmp_path, capsys, unlimited_first, lost):
    """The library returns other records in their places where the unlimited dimension is not the first one."""
    count = len(TIMES)
    recorded(tmp_path / "killed.nc", unlimited_first, count - (lost == "time"), count - 2 * (lost == "weights"))
    found = snapshots.read(tmp_path / "killed.nc")
    kept = count - {"weights": 2, "time": 1, "nothing": 0}[lost]
    assert np.array_equal(found["weights"], walk()["weights"][:, :kept])
    assert np.array_equal(found["time"], TIMES[:kept])
    assert ("were not written completely" in capsys.readouterr().err) == (lost != "nothing")


def test_record_without_a_time_is_not_complete(tmp_path, capsys):
    """xarray marks missing numbers by NaN, as also the weights of a diverged network are."""
    lost = walk().assign_coords(time=np.where(TIMES < 40, TIMES, np.nan))
    lost["weights"][1, -4] = np.nan
    lost.to_netcdf(tmp_path / "killed.nc", unlimited_dims=["time"])
    found = snapshots.read(tmp_path / "killed.nc")
    assert np.array_equal(found["time"], TIMES[TIMES < 40]) and found["diverged_at"].values.tolist() == [-1, 0, -1]
    assert capsys.readouterr().err.count("\n") == 2


def test_record_that_was_skipped_is_refused(tmp_path):
    recorded(tmp_path / "hole.nc", True, 5, 5)
    with netCDF4.Dataset(tmp_path / "hole.nc", "a") as file:
        file["time"][7], file["weights"][7] = 7, walk()["weights"].values[:, 7]
    with pytest.raises(QuenchError, match="record 5 along 'time' was not written completely, though later ones were"):
        snapshots.read(tmp_path / "hole.nc")


def test_names_of_dimensions_tell_their_order(tmp_path):
    walk().to_netcdf(tmp_path / "plain.nc")
    plain = measured(tmp_path / "plain.nc")
    for number, dims in enumerate([("weight", "network", "time"), ("time", "weight", "network")]):
        turned = walk().transpose(*dims)
        turned["loss"] = (("time", "network"), np.ones((len(TIMES), 3)))
        # A walk is displaced by its noise alone.
        turned["noise"] = turned["weights"]
        turned.to_netcdf(tmp_path / f"{number}.nc")
        found = measured(tmp_path / f"{number}.nc")
        assert found["msd"].equals(plain["msd"])
        assert np.isfinite(found["msd"].where(found["lag"] > 0)).equals((found["response"] == 1).rename("msd"))


def test_other_variables_of_a_foreign_file_mean_what_they_like(tmp_path):
    walk().to_netcdf(tmp_path / "plain.nc")
    plain = measured(tmp_path / "plain.nc")
    others = {"sigma": ("network", np.full(3, 0.5)), "data_loss": ("epoch", np.ones(2)), "date": ((), "today")}
    walk().assign(others).assign_attrs(kind="streamed", config="{", created_by="mine").to_netcdf(tmp_path / "other.nc")
    found = measured(tmp_path / "other.nc")
    assert found["epsilon"].equals(plain["epsilon"]) and found["msd"].equals(plain["msd"])
    assert "data_loss" not in found


def test_file_of_quench_that_was_edited_keeps_its_declarations(tmp_path):
    files.write(walk(), tmp_path / "ours.nc", kind="snapshots", config={"waiting_times": [1]}, code="abc")
    with netCDF4.Dataset(tmp_path / "ours.nc", "a") as file:
        file.delncattr("code_fingerprint")
    assert files.config_of(snapshots.read(tmp_path / "ours.nc")) == {"waiting_times": [1]}


def test_network_that_is_counted_twice_is_refused(tmp_path, capsys):
    walk().to_netcdf(tmp_path / "a.nc")
    os.symlink("a.nc", tmp_path / "link.nc")
    os.link(tmp_path / "a.nc", tmp_path / "hard.nc")
    for name in ("a.nc", "link.nc", "hard.nc"):
        line = refusal(tmp_path, capsys, tmp_path / "a.nc", tmp_path / name)
        assert f"{name}: network 0 has the weights of network 0 of {tmp_path / 'a.nc'}" in line
    thrice = walk(1).isel(network=[0, 0, 0]).assign_coords(seed=("network", [0, 1, 2]))
    thrice.to_netcdf(tmp_path / "thrice.nc")
    line = refusal(tmp_path, capsys, tmp_path / "thrice.nc")
    assert "network 1 has the weights of network 0 of" in line


def test_unfinished_recording_is_not_to_be_deleted(tmp_path, capsys):
    """It may be the only copy of a training."""
    part = tmp_path / "run.nc.part"
    unfinished.Writer(
        part, {"seeds": [0], "layers": [["w", 2]], "dtype": "float32", "n_weights": 2, "index": None}
    ).close()
    assert main(["plot", str(part), "-o", str(tmp_path / "a.pdf")]) == 2
    line = capsys.readouterr().err
    assert "an unfinished recording; keep it: quench observe" in line and "delete" not in line and line.count("\n") == 1


def test_old_file_beside_a_newer_unfinished_one_is_refused(tmp_path, capsys):
    path, part = tmp_path / "run.nc", tmp_path / "run.nc.part"
    walk().to_netcdf(path)
    part.write_bytes(b"a recording")
    os.utime(part, ns=(0, 0))
    measured(path)
    os.utime(part)
    os.utime(path, ns=(0, 0))
    assert f"older than the recording of this name in {part}" in refusal(tmp_path, capsys, path)
    assert unfinished.part_path(path) == part


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: d.assign_coords(time=TIMES[::-1]), "time must increase"),
        (lambda d: d.assign_coords(time=np.r_[TIMES[:-1], TIMES[-2]]), "time must increase"),
        (lambda d: d.assign_coords(time=TIMES + 0.5), "only whole numbers"),
        (lambda d: d.assign_coords(time=TIMES.astype(str)), "time does not hold numbers"),
        (lambda d: d.isel(time=0), r"weights has dimensions \(network, weight\)"),
        (lambda d: d.assign_coords(time=("time", TIMES, {"units": "hours"})), "updates are needed"),
        (lambda d: d.assign_coords(time=("time", TIMES, {"units": "seconds since 2026-01-01"})), "updates are needed"),
        (lambda d: d.rename(time="epoch"), r"weights has dimensions \(network, epoch, weight\)"),
        (lambda d: d.assign(weights=d["weights"].astype(np.int16)), "floating-point"),
        (lambda d: d.isel(network=slice(0)), "at least one"),
        (lambda d: d.assign(weights=0 * d["weights"] + xr.Variable("network", [1, 2, 3])), "all equal"),
        (lambda d: d.assign(weights=np.nan * d["weights"]), "no network has finite weights"),
        (lambda d: d.assign(seed=("network", [1, 1, 2])), "seed 1 appears twice"),
        (lambda d: d.assign(seed=3), r"seed has dimensions \(\), not \(network\)"),
        (lambda d: d.assign(layer=("weight", ["a"] * 24)), "layer does not hold numbers"),
        (lambda d: d.assign(diverged_at=("network", [3, 3, 3])), "every network is marked as diverged"),
        (lambda d: d.assign(diverged_at=("network", [False, False, True])), "true and false"),
        (lambda d: d.assign(loss=("epoch", [1.0, 2.0])), "loss has dimensions"),
        (lambda d: d.assign(noise=("time", np.ones(len(TIMES)))), "noise has dimensions"),
        (lambda d: d.isel(time=TIMES <= 1), "t_w = 10 is not among"),
        (lambda d: d.isel(time=np.isin(TIMES, (1, 10))).isel(weight=[0]), "sigma = 0|all equal"),
    ],
)
def test_snapshots_that_mean_something_else_are_refused(tmp_path, capsys, spoil, message):
    spoil(walk()).to_netcdf(tmp_path / "odd.nc")
    assert re.search(message, refusal(tmp_path, capsys, tmp_path / "odd.nc"))


def test_scalar_where_a_dimension_is_expected_is_refused(tmp_path, capsys):
    for name, dims in (("time", ()), ("weights", ())):
        path = tmp_path / f"{name}.nc"
        with netCDF4.Dataset(path, "w") as file:
            for dim, size in (("network", 2), ("time", 3), ("weight", 4)):
                file.createDimension(dim, size)
            for other, own in (("time", ("time",)), ("weights", DIMS)):
                file.createVariable(other, "f8", dims if other == name else own)[...] = 1
        assert f"{name} has dimensions ()" in refusal(tmp_path, capsys, path)


def test_nothing_after_a_waiting_time_is_refused(tmp_path, capsys):
    walk().isel(time=TIMES <= 10).to_netcdf(tmp_path / "short.nc")
    capsys.readouterr()
    words = ["observe", tmp_path / "short.nc", "--chi", "3", "--waiting-times", "10", "-o", tmp_path / "o.nc"]
    assert main(list(map(str, words))) == 2
    assert "no snapshot at a measured lag above 0 follows t_w = 10" in capsys.readouterr().err


def test_networks_of_several_sizes_are_refused(tmp_path, capsys):
    walk().to_netcdf(tmp_path / "a.nc")
    walk(weights=30).to_netcdf(tmp_path / "b.nc")
    assert "30 measured weights" in refusal(tmp_path, capsys, tmp_path / "a.nc", tmp_path / "b.nc")


def test_networks_with_weights_that_are_not_finite_are_left_out_with_a_word(tmp_path, capsys):
    lost = walk()
    lost["weights"][1, -1, 3] = np.inf
    lost.to_netcdf(tmp_path / "lost.nc")
    found = measured(tmp_path / "lost.nc")
    assert "network 1 has weights that are not finite, and is left out" in capsys.readouterr().err
    assert (found["n_networks"] == 2).all() and np.isfinite(found["msd_mean"].sel(lag=2)).all()


# Changes of a sound file that change nothing of what it says, and others that do.
HARMLESS = {
    "transposed": lambda d: d.transpose("weight", "time", ...),
    "float times": lambda d: d.assign_coords(time=d["time"].astype(float)),
    "other variable": lambda d: d.assign(sigma=("network", np.zeros(d.sizes["network"]))),
    "no coordinates": lambda d: d.reset_coords(),
    "attributes": lambda d: d.assign_attrs(kind="observables", config="[", created_by="somebody"),
    "seeds": lambda d: d.assign(seed=("network", np.arange(5, 5 + d.sizes["network"]))),
    "units": lambda d: d.assign_coords(time=d["time"].assign_attrs(units="updates")),
    "loss": lambda d: d.assign(loss=(("network", "time"), np.full((d.sizes["network"], d.sizes["time"]), np.nan))),
}
VIOLATIONS = {
    "string time": lambda d: d.assign_coords(time=("time", [f"t{n}" for n in range(d.sizes["time"])])),
    "clock": lambda d: d.assign_coords(time=("time", d["time"].values, {"units": "days since 2026-01-01"})),
    "missing time": lambda d: d.drop_vars("time"),
    "reversed": lambda d: d.isel(time=slice(None, None, -1)),
    "negative time": lambda d: d.assign_coords(time=d["time"] - 3),
    "huge time": lambda d: d.assign_coords(time=d["time"].astype(float) * 1e200),
    "one snapshot": lambda d: d.isel(time=[0]),
    "no snapshot": lambda d: d.isel(time=slice(0)),
    "one network": lambda d: d.isel(network=[0]),
    "no network": lambda d: d.isel(network=slice(0)),
    "one weight": lambda d: d.isel(weight=[0]),
    "weights without networks": lambda d: d.isel(network=0),
    "other dimension": lambda d: d.rename(weight="parameter"),
    "renamed": lambda d: d.rename(weights="w"),
    "integers": lambda d: d.assign(weights=(100 * d["weights"]).clip(-1e3, 1e3).fillna(0).astype(np.int32)),
    "half precision": lambda d: d.assign(weights=d["weights"].assign_attrs(dtype_of_weights="bfloat16")),
    "no dtype": lambda d: d.assign(weights=d["weights"].assign_attrs(dtype_of_weights="int4")),
    "strings": lambda d: d.assign(weights=d["weights"].astype(str)),
    "infinite": lambda d: d.assign(weights=d["weights"].where(d["weights"] < 0.9, np.inf)),
    "all NaN": lambda d: d.assign(weights=d["weights"] * np.nan),
    "frozen": lambda d: d.assign(weights=0 * d["weights"] + d["weights"].isel(time=0)),
    "constant": lambda d: d.assign(weights=0 * d["weights"] + 0.5),
    "huge": lambda d: d.assign(weights=d["weights"] * 1e200),
    "tiny": lambda d: d.assign(weights=d["weights"] * 1e-310),
    "lost": lambda d: d.assign(diverged_at=("network", np.zeros(d.sizes["network"], int))),
    "lost in words": lambda d: d.assign(diverged_at=("network", ["never"] * d.sizes["network"])),
    "equal networks": lambda d: d.assign(weights=0 * d["weights"] + d["weights"].isel(network=0)),
    "equal seeds": lambda d: d.assign(seed=("network", np.zeros(d.sizes["network"], int))),
    "scalar seed": lambda d: d.assign(seed=3),
    "negative seeds": lambda d: d.assign(seed=("network", -1.0 - np.arange(d.sizes["network"]))),
    "layer names": lambda d: d.assign(layer=("weight", ["a"] * d.sizes["weight"])),
    "layers by network": lambda d: d.assign(layer=("network", np.zeros(d.sizes["network"]))),
    "loss in words": lambda d: d.assign(loss=("time", ["low"] * d.sizes["time"])),
    "scalar weights": lambda d: d.drop_vars("weights").assign(weights=1.0),
}


def changed(names):
    """The walk after the changes that apply; some remove what others need."""
    dataset = walk()
    for name in names:
        try:
            dataset = (HARMLESS | VIOLATIONS)[name](dataset)
        except (IndexError, KeyError, ValueError, TypeError):
            continue
    return dataset


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(sorted(HARMLESS) + sorted(VIOLATIONS)), max_size=4, unique=True), st.booleans())
def test_any_file_is_measured_or_refused_in_one_line(tmp_path_factory, capsys_disabled, names, hidden):
    """Never a traceback; never averages that are all NaN without a word; harmless changes change no number."""
    folder = tmp_path_factory.mktemp("foreign")
    changed(names).to_netcdf(folder / "odd.nc")
    output = folder / "o.nc"
    status, err = capsys_disabled(observe, folder / "odd.nc", "-o", output, *(["--hidden-only"] if hidden else []))
    if status:
        assert status == 2 and not output.exists()
        assert err.splitlines()[-1].startswith("quench: ") and str(folder) in err.splitlines()[-1]
        assert not set(names) <= set(HARMLESS) or hidden
        return
    found = files.read(output, kind="observables")
    if not np.isfinite(found["overlap_mean"].where(found["lag"] > 0)).any():
        assert "every network has diverged" in err
    if set(names) <= set(HARMLESS):
        walk().to_netcdf(folder / "plain.nc")
        assert found["msd"].drop_vars("seed").equals(measured(folder / "plain.nc")["msd"].drop_vars("seed"))


@pytest.fixture(scope="module")
def capsys_disabled():
    """Call a function; return its value and what it wrote to stderr."""

    def call(function, *words):
        with contextlib.redirect_stderr(io.StringIO()) as stream:
            return function(*words), stream.getvalue()

    return call
