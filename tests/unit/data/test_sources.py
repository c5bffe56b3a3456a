"""Raw image files in their official formats, written here: their content, and one line for a damaged file."""

import numpy as np
import pytest
from raw_files import MNIST, idx, write_cifar, write_mnist

from quench.data import sources
from quench.errors import QuenchError


@pytest.mark.parametrize("compress", [False, True])
def test_idx_files_plain_and_gzipped(tmp_path, compress, small_mnist):
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
    with pytest.raises(QuenchError, match=rf"{file}: damaged.*download it again"):
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


@pytest.mark.parametrize("spoil", ["fewer", "smaller", "flat", "pairs"])
def test_other_images_under_a_known_name_are_refused(tmp_path, small_mnist, spoil):
    folder, written = write_mnist(tmp_path)
    images, labels = (written[name] for name in MNIST[:2])
    if spoil == "pairs":
        labels = np.stack([labels, labels], axis=1)
    else:
        images = {"fewer": images[:-1], "smaller": images[:, 1:], "flat": images[:, 0, 0]}[spoil]
    (folder / MNIST[0]).write_bytes(idx(images))
    (folder / MNIST[1]).write_bytes(idx(labels[: len(images)]))
    with pytest.raises(QuenchError, match=r"MNIST/raw: train images .*but 'mnist' has images \(40, 1, 28, 28\)"):
        sources.load("mnist", "train", tmp_path)


def test_label_beyond_the_classes_is_refused(tmp_path, small_mnist):
    folder, written = write_mnist(tmp_path)
    (folder / MNIST[1]).write_bytes(idx(np.full_like(written[MNIST[1]], 10)))
    with pytest.raises(QuenchError, match="class 10, but there are 10 classes"):
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
    with pytest.raises(QuenchError, match=rf"{file}: \d+ bytes instead of \d+"):
        sources.load(source, "train", tmp_path)


def test_official_record_counts():
    # krizhevsky's binary versions: 5 x 10,000 + 10,000 records of 1 + 3072 bytes; 50,000 + 10,000 of 2 + 3072.
    sizes = {name: (source.train_size, source.test_size) for name, source in sources.SOURCES.items()}
    cifar = 50_000, 10_000
    assert sizes == {"mnist5k": (5000, 0), "mnist": (60_000, 10_000), "cifar10": cifar, "cifar100": cifar}


def test_unknown_source_names_the_nearest():
    with pytest.raises(QuenchError, match=r"no dataset 'cifar11' \(did you mean 'cifar10'\?\)"):
        sources.load("cifar11")


def test_embedded_images_are_real_digits():
    images, source = sources.load("mnist5k"), sources.find("mnist5k")
    assert images.images.shape == (source.train_size, *source.shape) == (5000, 1, 28, 28)
    assert source.features == 784 and source.split_sizes == (4000, 1000)
    assert np.bincount(images.classes).tolist() == [500] * 10
    # Ink covers about a fifth of a digit's frame, and the frame's corners are empty.
    assert 0.1 < (images.images > 0).mean() < 0.3
    assert not images.images[:, 0, :2, :2].any()
