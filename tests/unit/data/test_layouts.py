"""CIFAR images of every layout become the same official files; pickles execute nothing."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from raw_files import write_cifar

from quench.cli import main
from quench.data import layouts, sources
from quench.data.layouts import import_cifar
from quench.errors import QuenchError

CIFAR10 = sources.SOURCES["cifar10"]
SIZES = (20, 10)


def read(folder, split):
    """Two images of each class in training files of four, one in the test file."""
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] if split == "train" else ["test_batch.bin"]
    parts = [sources._read_cifar(folder / name, 1, 0, 4 if split == "train" else 10) for name in names]
    return layouts._joined(parts)


SMALL = replace(CIFAR10, train_size=SIZES[0], test_size=SIZES[1], read=read)


@pytest.fixture
def official(tmp_path):
    """Official files, small, and their images and classes in order of class."""
    folder = tmp_path / "official"
    write_cifar(folder, SMALL.files, [4] * 5 + [10], 10, 1)
    rng = np.random.default_rng(0)
    for name, count in zip(SMALL.files, [4] * 5 + [10], strict=True):
        start = 0 if name == "test_batch.bin" else 4 * (int(name[11]) - 1)
        labels = np.arange(start, start + count) // (2 if count == 4 else 1)
        pixels = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        (folder / name).write_bytes(np.hstack([labels[:, None].astype(np.uint8), pixels]).tobytes())
    return folder


def as_python(official, folder, arrays):
    folder.mkdir()
    for name in SMALL.files:
        table = np.frombuffer((official / name).read_bytes(), np.uint8).reshape(-1, 3073)
        batch = {"labels": table[:, 0].tolist(), "data": arrays(table[:, 1:]), "batch_label": "a batch"}
        (folder / name.removesuffix(".bin")).write_bytes(pickle.dumps(batch, protocol=2))


def as_pictures(official, folder):
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    for split in ("train", "test"):
        part = read(official, split)
        for number, (image, label) in enumerate(zip(part.images, part.classes, strict=True)):
            place = folder / "cifar" / split / names[label]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.transpose(1, 2, 0)).save(place / f"{number:04}.png")


@pytest.mark.parametrize("layout", ["binary", "python", "pictures"])
def test_every_layout_gives_the_official_files(official, tmp_path, layout):
    given = {"binary": tmp_path, "python": tmp_path / "py", "pictures": tmp_path / "png"}[layout]
    if layout == "python":
        as_python(official, given, np.array)
    if layout == "pictures":
        as_pictures(official, given)
    target = import_cifar(SMALL, given, tmp_path / "data")
    for name in SMALL.files:
        assert (target / name).read_bytes() == (official / name).read_bytes()


class Bomb:
    def __reduce__(self):
        return (print, ("executed",))


def test_a_pickle_that_would_call_code_is_refused(official, tmp_path, capsys):
    as_python(official, tmp_path / "py", lambda table: Bomb())
    with pytest.raises(QuenchError, match="print, which no batch of CIFAR needs"):
        import_cifar(SMALL, tmp_path / "py", tmp_path / "data")
    assert "executed" not in capsys.readouterr().out
    assert not (tmp_path / "data").exists()


def test_what_is_not_cifar_is_named(official, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        QuenchError, match=r"no images of cifar10; known layouts: data_batch_1.bin .* test/CLASS of PNG"
    ):
        import_cifar(SMALL, tmp_path / "empty", tmp_path / "data")
    with pytest.raises(QuenchError, match="20 train images, but cifar10 has 30"):
        import_cifar(replace(SMALL, train_size=30), official, tmp_path / "data")
    as_pictures(official, tmp_path / "png")
    (tmp_path / "png" / "cifar" / "train" / "zebra").mkdir()
    with pytest.raises(QuenchError, match="11 folders, but cifar10 has 10 classes"):
        import_cifar(SMALL, tmp_path / "png", tmp_path / "data")


def test_the_command_refuses_other_sources_and_folders(tmp_path, capsys):
    assert main(["images", "--source", "mnist", "--from", str(tmp_path)]) == 2
    assert "--from: for cifar10 and cifar100, not for mnist" in capsys.readouterr().err
    assert main(["images", "--source", "cifar10", "--from", str(tmp_path / "none")]) == 2
    assert "no such folder" in capsys.readouterr().err
