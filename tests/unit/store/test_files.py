"""Files are complete or absent, carry their provenance, and are named when they are damaged."""

import errno
import json
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.errors import QuenchError
from quench.store import files


@pytest.fixture
def dataset():
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "weights": files.described(rng.normal(size=(2, 3, 40)), ("network", "time", "weight"), "weights"),
            "loss": files.described(rng.random((2, 3)).astype(np.float32), ("network", "time"), "loss"),
            "count": files.described(7, (), "a scalar"),
        },
        coords={"time": files.described([0, 1, 5], ("time",), "updates", "updates")},
    )


def write(dataset, path, **changes):
    files.write(dataset, path, **{"kind": "snapshots", "config": {"T": 0.1}, "code": "abc", **changes})


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def test_round_trip_keeps_every_bit(tmp_path, dataset):
    path = tmp_path / "deep" / "down" / "file.nc"
    write(dataset, path)
    found = files.read(path, kind="snapshots")
    for name in dataset.variables:
        assert np.array_equal(found[name], dataset[name]) and found[name].dtype == dataset[name].dtype
        assert found[name].attrs == dataset[name].attrs
    assert files.config_of(found) == {"T": 0.1}
    assert found.attrs["code_fingerprint"] == "abc"
    assert {"numpy", "xarray"} <= set(json.loads(found.attrs["package_versions"]))
    assert found.attrs["created_by"].startswith("quench ")


def test_same_content_gives_the_same_bytes(tmp_path, dataset):
    # No clock time and no host name in a file.
    write(dataset, tmp_path / "a.nc")
    write(dataset.copy(deep=True), tmp_path / "b.nc")
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_wrong_kind_is_reported(tmp_path, dataset):
    write(dataset, tmp_path / "file.nc")
    with pytest.raises(QuenchError, match=r"file\.nc: holds 'snapshots', not observables"):
        files.read(tmp_path / "file.nc", kind="observables")


def test_foreign_file_passes_and_its_attributes_are_not_trusted(tmp_path, dataset):
    dataset.assign_attrs(config="run 7, the good one").to_netcdf(tmp_path / "foreign.nc")
    assert files.config_of(files.read(tmp_path / "foreign.nc", kind="snapshots")) == {}


def test_absent_file_is_named(tmp_path):
    with pytest.raises(QuenchError, match=r"absent\.nc: no such file"):
        files.read(tmp_path / "absent.nc")


@pytest.mark.parametrize("content", [b"", b"plain text\n", b"\x89HDF\r\n\x1a\n", b"CDF\x01"])
def test_file_of_another_format_is_named(tmp_path, content):
    (tmp_path / "bad.nc").write_bytes(content)
    with pytest.raises(QuenchError, match=r"bad\.nc: not a readable NetCDF-4 file") as caught:
        files.read(tmp_path / "bad.nc")
    assert "\n" not in str(caught.value)


def test_truncated_file_is_named(tmp_path, dataset):
    write(dataset, tmp_path / "whole.nc")
    content = (tmp_path / "whole.nc").read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        (tmp_path / "cut.nc").write_bytes(content[: int(share * len(content))])
        with pytest.raises(QuenchError, match=r"cut\.nc: (not a readable NetCDF-4 file|damaged)"):
            files.read(tmp_path / "cut.nc")


@settings(max_examples=40)
@given(where=st.integers(0, 239), bit=st.integers(0, 63))
def test_flipped_bit_in_the_data_is_detected(tmp_path_factory, where, bit):
    """The checksum of a variable detects a flipped bit of a stored number."""
    folder = tmp_path_factory.mktemp("bits")
    values = np.random.default_rng(5).normal(size=(2, 3, 40))
    # As large arrays are stored: with a checksum, not compressed.
    dataset = xr.Dataset({"weights": (("network", "time", "weight"), values)})
    dataset.to_netcdf(folder / "file.nc", encoding={"weights": {"fletcher32": True}})
    content = bytearray((folder / "file.nc").read_bytes())
    place = content.find(values.tobytes())
    assert place >= 0
    content[place + 8 * where + bit // 8] ^= 1 << (bit % 8)
    (folder / "file.nc").write_bytes(content)
    with pytest.raises(QuenchError, match="not a readable NetCDF-4 file"):
        files.read(folder / "file.nc")


def test_every_stored_array_has_a_checksum(tmp_path, dataset):
    import netCDF4

    write(dataset, tmp_path / "file.nc")
    with netCDF4.Dataset(tmp_path / "file.nc") as opened:
        for name, variable in opened.variables.items():
            assert variable.ndim == 0 or variable.filters()["fletcher32"], name


def test_ctrl_c_waits_for_the_netcdf_library(tmp_path, dataset, monkeypatch):
    """Otherwise its lock would stay taken. After the write the interrupt takes effect, and the file is complete."""
    library = xr.Dataset.to_netcdf

    def interrupted(self, *args, **options):
        signal.raise_signal(signal.SIGINT)
        return library(self, *args, **options)

    monkeypatch.setattr(xr.Dataset, "to_netcdf", interrupted)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        write(dataset, tmp_path / "file.nc")
    assert signal.getsignal(signal.SIGINT) is handler
    assert files.read(tmp_path / "file.nc").sizes == dataset.sizes
    assert entries(tmp_path) == ["file.nc"]


def test_threads_may_write(tmp_path, dataset):
    """Only the main thread can handle signals."""
    thread = threading.Thread(target=write, args=(dataset, tmp_path / "file.nc"))
    thread.start()
    thread.join()
    assert files.read(tmp_path / "file.nc").sizes == dataset.sizes


def test_full_disk_leaves_nothing(tmp_path, dataset, monkeypatch):
    def full(self, path, **options):
        Path(path).write_bytes(b"some of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", full)
    with pytest.raises(QuenchError, match=r"file\.nc: cannot be written \(No space left on device\)"):
        write(dataset, tmp_path / "file.nc")
    assert entries(tmp_path) == []


def test_short_write_is_detected_before_the_file_appears(tmp_path, dataset, monkeypatch):
    whole = xr.Dataset.to_netcdf

    def shortened(self, path, **options):
        options["encoding"] = {name: value for name, value in options["encoding"].items() if name != "loss"}
        return whole(self.drop_vars("loss"), path, **options)

    monkeypatch.setattr(xr.Dataset, "to_netcdf", shortened)
    with pytest.raises(QuenchError, match="differs from the data"):
        write(dataset, tmp_path / "file.nc")
    assert entries(tmp_path) == []
