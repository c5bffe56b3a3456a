"""Raw images of one source, split into training and test images, for all classifiers that learn them."""

from __future__ import annotations

import json

import xarray as xr

from quench.data import own, sources
from quench.data.inputs import interleaved
from quench.errors import QuenchError
from quench.store.variables import described


def split_images(source: str, root: str | None = None) -> xr.Dataset:
    """All images of ``source`` as the ``images`` contract; missing files are downloaded to ``root``.

    ``train_images`` and ``test_images``: uint8 (sample, channel, row, column), 0 to 255; ``train_classes`` and
    ``test_classes``: int64 (sample). Where a source has no test images, the last 100 images of each class become the
    test images, and both parts list the classes in turn: 0, 1, ..., K-1, 0, 1, ... The attribute ``config`` names the
    source and its number of classes. Raises ``QuenchError`` for the user's own file and as ``sources.load`` does.
    """
    if own.is_own(source):
        raise QuenchError(f"{source}: classifiers learn images of {', '.join(sources.SOURCES)}")
    known = sources.find(source)
    train = sources.load(source, "train", root)
    if known.test_size:
        test = sources.load(source, "test", root)
        parts = {"train": (train.images, train.classes), "test": (test.images, test.classes)}
    else:
        n_train, n_test = (size // known.n_classes for size in known.split_sizes)
        chosen = {"train": interleaved(train.classes, n_train), "test": interleaved(train.classes, n_test, n_train)}
        parts = {part: (train.images[index], train.classes[index]) for part, index in chosen.items()}
    variables = {}
    for part, (images, classes) in parts.items():
        dims = (f"{part}_sample", "channel", "row", "column")
        variables[f"{part}_images"] = described(images, dims, f"{part} images, 0 to 255")
        variables[f"{part}_classes"] = described(classes, dims[:1], f"classes of the {part} images")
    config = json.dumps({"source": source, "n_classes": known.n_classes}, sort_keys=True)
    return xr.Dataset(variables, attrs={"kind": "images", "config": config})
