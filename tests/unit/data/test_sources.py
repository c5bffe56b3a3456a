"""Raw image files, written here in their official formats: what is read, and one line for what is missing or damaged."""

import gzip
import tarfile

import numpy as np
import pytest
import torchvision.datasets.utils

from quench.data import sources
from quench.errors import QuenchError

MNIST = sources.SOURCES["mnist"].files


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(sources, "_reachable", lambda address: False)


@pytest.fixture
def no_downloader(monkeypatch):
    """A downloader that fails at once, as it does without a network."""

    def fail(*args, **kwargs):
        raise OSError("no network in a test")

    monkeypatch.setattr(torchvision.datasets.utils, "download_url", fail)


@pytest.fixture
def small_cifar(monkeypatch):
    """CIFAR files of a thousandth of the official number of records, read by the same code."""
    read = sources._read_cifar

    def fewer(path, label_bytes, label_at, records):
        return read(path, label_bytes, label_at, records // 1000)

    monkeypatch.setattr(sources, "_read_cifar", fewer)


def idx(array):
    header = b"\0\0\x08" + bytes([array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_mnist(root, train=40, test=20, compress=False):
    """Random digits below ``root`` in the official layout; what was written, by file name."""
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    written = {}
    for name, size in zip(MNIST, (train, train, test, test), strict=True):
        written[name] = rng.integers(0, 10, size) if "labels" in name else rng.integers(0, 256, (size, 28, 28))
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(written[name])))
        else:
            (folder / name).write_bytes(idx(written[name]))
    return folder, written


def write_cifar(folder, files, records, n_classes, label_bytes):
    """Random colour images; (labels, pixels) of every file. Of two label bytes the fine class is the second."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(2)
    written = {}
    for name, count in zip(files, records, strict=True):
        labels = rng.integers(0, n_classes, count)
        pixels = rng.integers(0, 256, (count, 3, 32, 32))
        heads = np.stack([labels // 5, labels][-label_bytes:], axis=1)
        (folder / name).write_bytes(np.hstack([heads, pixels.reshape(count, -1)]).astype(np.uint8).tobytes())
        written[name] = labels, pixels
    return written


@pytest.mark.parametrize("compress", [False, True])
def test_idx_files_plain_and_gzipped(tmp_path, compress):
    _, written = write_mnist(tmp_path, compress=compress)
    for split, stem in (("train", "train"), ("test", "t10k")):
        images = sources.load("mnist", split, tmp_path)
        assert np.array_equal(images.images[:, 0], written[f"{stem}-images-idx3-ubyte"])
        assert np.array_equal(images.classes, written[f"{stem}-labels-idx1-ubyte"])
        assert images.images.dtype == np.uint8 and images.classes.dtype == np.int64


@pytest.mark.parametrize("file", MNIST)
@pytest.mark.parametrize("keep", [0, 3, 10, -1])
def test_truncated_idx_file_is_named(tmp_path, file, keep):
    folder, _ = write_mnist(tmp_path)
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[:keep])
    with pytest.raises(QuenchError, match=rf"{file}: damaged.*fetch it again"):
        sources.load("mnist", "train" if file.startswith("train") else "test", tmp_path)


def test_file_of_another_type_is_named(tmp_path):
    folder, _ = write_mnist(tmp_path)
    # Type 0x0D: 32-bit floats.
    (folder / MNIST[0]).write_bytes(b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0")
    with pytest.raises(QuenchError, match="not an IDX file"):
        sources.load("mnist", "train", tmp_path)


@pytest.mark.parametrize("spoil", [lambda raw: raw[: len(raw) // 2], lambda raw: b"no gzip", lambda raw: b""])
def test_damaged_gzip_is_named(tmp_path, spoil):
    folder, _ = write_mnist(tmp_path, compress=True)
    path = folder / f"{MNIST[0]}.gz"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(QuenchError, match=MNIST[0]):
        sources.load("mnist", "train", tmp_path)


def test_flipped_byte_in_gzip_is_noticed(tmp_path):
    folder, _ = write_mnist(tmp_path, compress=True)
    path = folder / f"{MNIST[1]}.gz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(QuenchError, match=MNIST[1]):
        sources.load("mnist", "train", tmp_path)


def test_images_and_labels_must_be_as_many(tmp_path):
    folder, written = write_mnist(tmp_path)
    (folder / MNIST[1]).write_bytes(idx(written[MNIST[1]][:-1]))
    with pytest.raises(QuenchError, match="40 images but 39 labels in the train files"):
        sources.load("mnist", "train", tmp_path)


def test_label_beyond_the_classes_is_refused(tmp_path):
    folder, written = write_mnist(tmp_path)
    (folder / MNIST[1]).write_bytes(idx(np.full_like(written[MNIST[1]], 10)))
    with pytest.raises(QuenchError, match="class 10 where 10 classes are due"):
        sources.load("mnist", "train", tmp_path)


def test_cifar10_batches_in_order(tmp_path, small_cifar):
    files = sources.SOURCES["cifar10"].files
    written = write_cifar(tmp_path / "cifar-10-batches-bin", files, [10] * 6, 10, 1)
    train, test = sources.load("cifar10", "train", tmp_path), sources.load("cifar10", "test", tmp_path)
    assert np.array_equal(train.classes, np.concatenate([written[name][0] for name in files[:5]]))
    assert np.array_equal(train.images, np.concatenate([written[name][1] for name in files[:5]]))
    assert np.array_equal(test.classes, written["test_batch.bin"][0])
    assert np.array_equal(test.images, written["test_batch.bin"][1])


def test_cifar100_takes_the_fine_label(tmp_path, small_cifar):
    written = write_cifar(tmp_path / "cifar-100-binary", ("train.bin", "test.bin"), [50, 10], 100, 2)
    for split in ("train", "test"):
        images = sources.load("cifar100", split, tmp_path)
        assert np.array_equal(images.classes, written[f"{split}.bin"][0])
        assert np.array_equal(images.images, written[f"{split}.bin"][1])


@pytest.mark.parametrize("source, file", [("cifar10", "data_batch_3.bin"), ("cifar100", "train.bin")])
def test_truncated_cifar_file_is_named(tmp_path, small_cifar, source, file):
    known = sources.SOURCES[source]
    records = [10] * 6 if source == "cifar10" else [50, 10]
    write_cifar(tmp_path / known.folder, known.files, records, known.n_classes, 1 if source == "cifar10" else 2)
    path = tmp_path / known.folder / file
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(QuenchError, match=rf"{file}: \d+ bytes where \d+ are due"):
        sources.load(source, "train", tmp_path)


def test_official_record_counts():
    # krizhevsky's binary versions: 5 x 10,000 + 10,000 records of 1 + 3072 bytes; 50,000 + 10,000 of 2 + 3072.
    sizes = {name: source.train_size for name, source in sources.SOURCES.items()}
    assert sizes == {"mnist5k": 5000, "mnist": 60_000, "cifar10": 50_000, "cifar100": 50_000}


@pytest.mark.parametrize("source, wanted", [("mnist", MNIST[0]), ("cifar10", "data_batch_1"), ("cifar100", "train")])
def test_missing_and_offline_says_which_file_is_wanted_where(tmp_path, offline, no_downloader, source, wanted):
    for ask in (lambda: sources.check_available(source, tmp_path), lambda: sources.load(source, "train", tmp_path)):
        with pytest.raises(QuenchError) as caught:
            ask()
        message = str(caught.value)
        assert wanted in message and str(tmp_path / sources.SOURCES[source].folder) in message
        assert "QUENCH_DATA" in message and "\n" not in message


def test_load_offline_never_leaves_a_file(tmp_path, offline, no_downloader):
    with pytest.raises(QuenchError, match="cannot be downloaded"):
        sources.load("mnist", "train", tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_download_is_tried_again_while_the_network_is_there(tmp_path, monkeypatch):
    tried = []

    def third_time_lucky(url, root, filename, md5):
        tried.append(url)
        if len(tried) < 3:
            raise RuntimeError("File not found or corrupted.")
        (tmp_path / filename).write_bytes(b"content")

    monkeypatch.setattr(torchvision.datasets.utils, "download_url", third_time_lucky)
    monkeypatch.setattr(sources, "_reachable", lambda address: True)
    monkeypatch.setattr(sources.time, "sleep", lambda seconds: None)
    sources._fetch("https://example.org/file.gz", "0" * 32, tmp_path / "file.gz")
    assert len(tried) == 3 and (tmp_path / "file.gz").read_bytes() == b"content"


def test_archive_put_there_by_hand_serves_offline(tmp_path, offline, small_cifar):
    written = write_cifar(tmp_path / "made" / "cifar-100-binary", ("train.bin", "test.bin"), [50, 10], 100, 2)
    with tarfile.open(tmp_path / "cifar-100-binary.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "made" / "cifar-100-binary", "cifar-100-binary")
    sources.check_available("cifar100", tmp_path)
    assert np.array_equal(sources.load("cifar100", "train", tmp_path).classes, written["train.bin"][0])


@pytest.mark.parametrize(
    "content", [b"", b"not a tar archive", gzip.compress(b"x" * 2000, mtime=0)[:40]], ids=["empty", "text", "cut"]
)
def test_damaged_archive_is_named(tmp_path, offline, content):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content)
    with pytest.raises(QuenchError, match=r"cifar-10-binary\.tar\.gz: damaged archive"):
        sources.load("cifar10", "train", tmp_path)


def test_archive_without_the_files_is_told(tmp_path, offline):
    (tmp_path / "other.txt").write_text("else")
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "other.txt", "other.txt")
    with pytest.raises(QuenchError, match=r"data_batch_1\.bin: not among what was downloaded"):
        sources.load("cifar10", "train", tmp_path)


def test_data_root_from_argument_environment_and_default(monkeypatch, tmp_path):
    monkeypatch.setenv("QUENCH_DATA", str(tmp_path / "environment"))
    assert sources.data_root(tmp_path / "given") == tmp_path / "given"
    assert sources.data_root() == tmp_path / "environment"
    monkeypatch.delenv("QUENCH_DATA")
    assert str(sources.data_root()) == "data"


def test_unknown_source_names_the_nearest():
    with pytest.raises(QuenchError, match=r"no dataset 'cifar11' \(did you mean 'cifar10'\?\)"):
        sources.load("cifar11")


def test_embedded_images_are_real_digits():
    images = sources.load("mnist5k")
    assert images.images.shape == (5000, 1, 28, 28)
    assert np.bincount(images.classes).tolist() == [500] * 10
    # Ink covers about a fifth of a digit's frame, and the frame's corners are empty.
    assert 0.1 < (images.images > 0).mean() < 0.3
    assert not images.images[:, 0, :2, :2].any()
