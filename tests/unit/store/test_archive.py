"""Archives: packed files are restored bit for bit, and nothing else is accepted."""

import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import planted
import pytest
from places import CONFIG

from quench.cli import main
from quench.config.scenario import load_files
from quench.errors import QuenchError
from quench.pipeline.paths import Paths
from quench.store import archive, checksum


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def scenario():
    return load_files([CONFIG / "config.yaml", CONFIG / "smoke.yaml"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory, scenario):
    """A results folder with every file of the scenario."""
    root = tmp_path_factory.mktemp("results") / scenario.scenario
    planted.results(root, scenario)
    return root


@pytest.fixture(scope="module")
def packed(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / "smoke.tar"
    assert run("pack", folder, "-o", path) == 0
    return path


def contents(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_files_that_figures_read_are_restored(folder, packed, tmp_path, scenario, capsys):
    assert run("unpack", packed, "-d", tmp_path / "deep" / "results") == 0
    target = tmp_path / "deep" / "results" / "smoke"
    printed = capsys.readouterr().out
    assert f"{target}: all files are intact" in printed and "(where this folder is results/smoke)" in printed
    assert "snakemake --configfile results/smoke/config.yaml" in printed
    found, whole = contents(target), contents(folder)
    sums = found.pop(archive.SUMS).decode()
    assert found.items() <= whole.items()
    declared = Paths(scenario)
    read = {
        str(Path(path).relative_to(declared.folder))
        for name in scenario.figures
        for group in declared.figure_inputs(name).values()
        for paths in group.values()
        for path in paths
    }
    assert set(found) == read | {"config.yaml"}
    # Files that only training reads are left out.
    assert not {name.split("/")[0] for name in found} & {"snapshots", "data", "images"}
    for line in sums.splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(found[name.removeprefix("smoke/")]).hexdigest() == digest
    # None is newer than what was made from it.
    assert len({path.stat().st_mtime for path in target.rglob("*.nc")}) == 1
    assert [path.name for path in (tmp_path / "deep" / "results").iterdir()] == ["smoke"]


def test_same_results_give_the_same_archive(folder, packed, tmp_path):
    for path in folder.rglob("*.nc"):
        os.utime(path, (1, 1))
    assert run("pack", folder, "-o", tmp_path / "again.tar") == 0
    assert (tmp_path / "again.tar").read_bytes() == packed.read_bytes()


def test_incomplete_and_damaged_results_are_not_packed(folder, tmp_path, capsys):
    path = folder / "glass/spins_50.nc"
    whole = path.read_bytes()
    try:
        for content, printed in (
            (None, "missing, but the figure"),
            (whole[:-9], "damaged"),
            (b"", "spins_50.nc: not a"),
        ):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)
            assert run("pack", folder, "-o", tmp_path / "out.tar") == 2
            assert printed in capsys.readouterr().err
            assert not list(tmp_path.iterdir())
    finally:
        path.write_bytes(whole)


def refused(path, tmp_path, message=""):
    """Unpacking is refused in one line and leaves nothing behind."""
    with pytest.raises(QuenchError) as caught:
        archive.unpack(path, tmp_path / "here" / "results", lambda _: None)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "here").exists()
    return str(caught.value)


def test_flipped_bits_and_truncation_are_detected(packed, tmp_path):
    content = packed.read_bytes()
    rng = np.random.default_rng(3)
    path = tmp_path / "bad.tar"
    for place in rng.integers(0, len(content), 60).tolist():
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        refused(path, tmp_path)
    for length in [0, 1, 511, 512, 10240, len(content) - 1, *rng.integers(0, len(content), 30).tolist()]:
        path.write_bytes(content[:length])
        refused(path, tmp_path, "not a complete archive")


def forged(path, entries, sums=None):
    """An archive with a correct checksum at its end, but other entries: (TarInfo or name, content)."""
    listed = sums or "".join(
        f"{hashlib.sha256(content).hexdigest()}  {entry if isinstance(entry, str) else entry.name}\n"
        for entry, content in entries
    )
    with tarfile.open(path, "w") as tar:
        for entry, content in [(archive.SUMS, listed.encode()), *entries]:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            if info.isreg():
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    checksum.seal(path)
    return path


def special(kind, name="smoke/a.nc", link=""):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry


A = ("smoke/a.nc", b"a")
LISTED = f"{hashlib.sha256(b'a').hexdigest()}  smoke/a.nc\n"
WRONG = "0" * 64 + "  smoke/a.nc\n"


@pytest.mark.parametrize(
    "entries, sums, message",
    [
        ([("../a.nc", b"")], None, "not a name that quench pack writes"),
        ([("smoke/../../a.nc", b"")], None, "not a name that quench pack writes"),
        ([("/etc/passwd", b"")], None, "not a name that quench pack writes"),
        ([("smoke//a.nc", b"")], None, "not a name that quench pack writes"),
        ([("smoke/.hidden", b"")], None, "not a name that quench pack writes"),
        ([("smoke/a b.nc", b"")], None, "not a name that quench pack writes"),
        ([("smoke/a\\b.nc", b"")], None, "not a name that quench pack writes"),
        ([("alone.nc", b"")], None, "not a name that quench pack writes"),
        ([A, ("other/b.nc", b"")], None, "several folders of results, or none"),
        ([], "\n", "not a name that quench pack writes"),
        ([], "junk", "not a name that quench pack writes"),
        ([A], WRONG, "does not match its checksum"),
        ([A, A], None, "once in its list (2 and 2)"),
        ([A, A], LISTED, "once in its list (2 and 1)"),
        ([A, ("smoke/b.nc", b"")], LISTED, "once in its list (1 and 0)"),
        ([], LISTED, "once in its list (0 and 1)"),
        ([("../../a.nc", b"a")], LISTED, "once in its list (1 and 0)"),
        *(
            ([(special(kind, link="/etc/passwd"), b"")], None, "is not a plain file")
            for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE,
                         tarfile.DIRTYPE, tarfile.CONTTYPE)
        ),
    ],
)  # fmt: skip
def test_archive_of_anything_else_is_refused(tmp_path, entries, sums, message):
    refused(forged(tmp_path / "forged.tar", entries, sums), tmp_path, message)


def test_link_in_the_place_of_a_folder_is_not_followed(tmp_path):
    """An entry ``smoke/sub -> /elsewhere`` and then ``smoke/sub/a.nc``: the link is refused."""
    entries = [(special(tarfile.SYMTYPE, "smoke/sub", str(tmp_path)), b""), ("smoke/sub/a.nc", b"")]
    refused(forged(tmp_path / "forged.tar", entries), tmp_path, "is not a plain file")


def test_files_that_are_not_archives_are_refused(tmp_path):
    refused(tmp_path / "absent.tar", tmp_path, "No such file")
    (tmp_path / "text.tar").write_text("not an archive\n" * 100)
    refused(tmp_path / "text.tar", tmp_path, "not a complete archive")
    (tmp_path / "sealed.tar").write_text("not an archive\n" * 100)
    checksum.seal(tmp_path / "sealed.tar")
    refused(tmp_path / "sealed.tar", tmp_path, "not a readable archive")
    refused(tmp_path, tmp_path, "Is a directory")


def test_existing_folder_is_not_overwritten(packed, tmp_path):
    (tmp_path / "smoke").mkdir()
    (tmp_path / "smoke" / "mine.txt").write_text("mine")
    with pytest.raises(QuenchError, match="already exists"):
        archive.unpack(packed, tmp_path, lambda _: None)
    assert contents(tmp_path) == {"smoke/mine.txt": b"mine"}


def test_contents_that_do_not_match_their_path_are_refused(folder, packed, tmp_path, capsys):
    """An archive with correct checksums, in which two temperatures were swapped before packing."""
    one, other = (f"smoke/observables/regularised/{point}/chi30.nc" for point in ("T0.01", "T0.0001"))
    with tarfile.open(packed) as tar:
        held = {entry.name: tar.extractfile(entry).read() for entry in tar}
    held[one], held[other] = held[other], held[one]
    held.pop(archive.SUMS)
    path = forged(tmp_path / "swapped.tar", list(held.items()))
    assert run("unpack", path, "-d", tmp_path / "results") == 2
    assert "does not match its path: trajectory.temperature is" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_foreign_file_in_an_archive_is_refused(packed, tmp_path, capsys):
    with tarfile.open(packed) as tar:
        held = {entry.name: tar.extractfile(entry).read() for entry in tar if entry.name != archive.SUMS}
    path = forged(tmp_path / "more.tar", [*held.items(), ("smoke/run.sh", b"#!/bin/sh\n")])
    assert run("unpack", path, "-d", tmp_path / "results") == 2
    assert "'run.sh' is not a file that quench pack puts into an archive" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()
