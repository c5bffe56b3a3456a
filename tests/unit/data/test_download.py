"""Raw files that are missing: their download, with one line for what cannot be downloaded or unpacked."""

import gzip
import tarfile

import numpy as np
import pytest
import torchvision.datasets.utils
from raw_files import MNIST, write_cifar

from quench.data import download, sources
from quench.errors import QuenchError


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(download, "_reachable", lambda address: False)


@pytest.fixture
def no_downloader(monkeypatch):
    """A downloader that fails at once, as it does without a network."""

    def fail(*args, **kwargs):
        raise OSError("no network in a test")

    monkeypatch.setattr(torchvision.datasets.utils, "download_url", fail)


@pytest.mark.parametrize("source, missing", [("mnist", MNIST[0]), ("cifar10", "data_batch_1"), ("cifar100", "train")])
def test_offline_message_names_the_missing_file_and_its_folder(tmp_path, offline, no_downloader, source, missing):
    for ask in (
        lambda: download.check_available(sources.find(source), tmp_path),
        lambda: sources.load(source, "train", tmp_path),
    ):
        with pytest.raises(QuenchError) as caught:
            ask()
        message = str(caught.value)
        assert missing in message and str(tmp_path / sources.SOURCES[source].folder) in message
        assert "QUENCH_DATA" in message and "\n" not in message


def test_failed_download_leaves_no_file(tmp_path, offline, no_downloader):
    with pytest.raises(QuenchError, match="cannot be downloaded"):
        sources.load("mnist", "train", tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_download_is_retried_while_the_network_works(tmp_path, monkeypatch):
    tried = []

    def third_time_lucky(url, root, filename, md5):
        tried.append(url)
        if len(tried) < 3:
            raise RuntimeError("File not found or corrupted.")
        (tmp_path / filename).write_bytes(b"content")

    monkeypatch.setattr(torchvision.datasets.utils, "download_url", third_time_lucky)
    monkeypatch.setattr(download, "_reachable", lambda address: True)
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    download._download("https://example.org/file.gz", "0" * 32, tmp_path / "file.gz")
    assert len(tried) == 3 and (tmp_path / "file.gz").read_bytes() == b"content"


def test_archive_copied_by_hand_is_unpacked_offline(tmp_path, offline, small_cifar):
    written = write_cifar(tmp_path / "made" / "cifar-100-binary", ("train.bin", "test.bin"), [50, 10], 100, 2)
    with tarfile.open(tmp_path / "cifar-100-binary.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "made" / "cifar-100-binary", "cifar-100-binary")
    download.check_available(sources.find("cifar100"), tmp_path)
    assert np.array_equal(sources.load("cifar100", "train", tmp_path).classes, written["train.bin"][0])


@pytest.mark.parametrize(
    "content", [b"", b"not a tar archive", gzip.compress(b"x" * 2000, mtime=0)[:40]], ids=["empty", "text", "cut"]
)
def test_damaged_archive_is_named(tmp_path, offline, content):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content)
    with pytest.raises(QuenchError, match=r"cifar-10-binary\.tar\.gz: damaged archive"):
        sources.load("cifar10", "train", tmp_path)


def test_archive_without_the_files_is_named(tmp_path, offline):
    (tmp_path / "other.txt").write_text("else")
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "other.txt", "other.txt")
    with pytest.raises(QuenchError, match=r"data_batch_1\.bin: not among the files downloaded for 'cifar10'"):
        sources.load("cifar10", "train", tmp_path)


def test_data_root_from_argument_environment_and_default(monkeypatch, tmp_path):
    monkeypatch.setenv("QUENCH_DATA", str(tmp_path / "environment"))
    assert download.data_root(tmp_path / "given") == tmp_path / "given"
    assert download.data_root() == tmp_path / "environment"
    monkeypatch.delenv("QUENCH_DATA")
    assert str(download.data_root()) == "data"
