"""Images to network inputs: the subset, standardised pixels, principal components, binary labels (KWJ Sec. II).

Each pixel is standardised before the PCA, which the paper's text omits; otherwise no regularised phase exists.
All statistics come from the training images, and test images go through the same transform.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from quench.data import own
from quench.data.sources import HELD_OUT_PER_CLASS, RawData, check_subset, find, load
from quench.errors import QuenchError
from quench.store.variables import described


def prepare(
    source: str,
    *,
    subset: int | None = None,
    components: int = 10,
    standardise: str = "pixel",
    whiten: bool = False,
    labels: str = "parity",
    root: str | None = None,
) -> xr.Dataset:
    """Dataset ``source`` as the ``dataset`` contract: ``x`` float32 (sample, component), ``y`` int8 (sample).

    ``subset`` = P_D keeps the first P_D/K images of each of the K classes, in the order of the source; None keeps all.
    ``standardise``: "pixel" (zero mean, unit variance of each pixel over the training images) or "none" (centred only).
    ``labels``: "parity" gives +1 for even class indices and -1 for odd ones (both papers' split), "classes" the index,
    "given" the numbers of the user's own file, in which labels -1 and +1 are their own parity. Raises ``QuenchError``
    where ``source`` cannot be read or does not have such a subset, labels or number of components.
    """
    train = load(source, "train", root)
    chosen = _first_of_each_class(train.classes, subset, find(source).n_classes, source)
    test = _test_images(source, train, chosen, root)
    _check_labels(labels, train, source)
    pixels = train.images[chosen].reshape(len(chosen), -1).astype(np.float64)
    if components > min(pixels.shape):
        raise QuenchError(
            f"components: {components} is more than {min(pixels.shape)}, the smaller number of samples and features here"
        )

    mean = pixels.mean(axis=0)
    scale = pixels.std(axis=0) if standardise == "pixel" else np.ones_like(mean)
    # A constant pixel carries no information; a scale of 1 keeps it finite in test images.
    scale = np.where(scale > 0, scale, 1.0)
    axes, variance, total = principal_axes((pixels - mean) / scale, components)
    unit = np.sqrt(variance) if whiten else np.ones_like(variance)

    def scores(images: np.ndarray) -> np.ndarray:
        flat = (images.reshape(len(images), len(mean)) - mean) / scale
        return np.asarray(_one_thread_product(flat, axes.T) / unit, np.float32)

    references = "Kerr Winter & Janssen 2024, Sec. II"
    return xr.Dataset(
        {
            "x": described(
                scores(train.images[chosen]),
                ("sample", "component"),
                "principal component scores",
                references=references,
            ),
            "y": described(targets(train, chosen, labels), ("sample",), f"label ({labels})", references=references),
            "class_index": described(train.classes[chosen].astype(np.int16), ("sample",), "class index of the source"),
            "source_index": described(chosen.astype(np.int32), ("sample",), "position in the source's training images"),
            "x_test": described(
                scores(test.images), ("test_sample", "component"), "test scores under the training set's transform"
            ),
            "y_test": described(
                targets(test, slice(None), labels), ("test_sample",), f"label of test image ({labels})"
            ),
            "pixel_mean": described(mean, ("pixel",), "mean of each pixel over the training images"),
            "pixel_scale": described(scale, ("pixel",), "what each centred pixel is divided by"),
            "principal_axes": described(axes, ("component", "pixel"), "orthonormal principal axes"),
            "explained_variance": described(variance, ("component",), "variance along each principal axis"),
            "explained_variance_ratio": described(variance / total, ("component",), "share of the total variance"),
        }
    )


def principal_axes(centred: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Leading eigenvectors (component, pixel) of the covariance of ``centred`` (sample, pixel), their variances, the total.

    Sign convention: the entry of largest magnitude of every axis is positive, whatever the library returns.
    """
    # One BLAS thread: the order of the sums, and so the last bits, must not depend on the number of cores.
    with threadpool_limits(limits=1):
        values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    axes = vectors[:, ::-1][:, :components].T
    largest = np.abs(axes).argmax(axis=1)
    signs = np.sign(axes[np.arange(components), largest])
    return axes * signs[:, None], values[::-1][:components].copy(), float(values.sum())


def _check_labels(labels: str, train: RawData, source: str) -> None:
    if labels == "given" and train.targets is None:
        raise QuenchError(f"labels: 'given' needs a file of your own; {source!r} has classes")
    if labels != "given" and train.targets is not None and not own.are_classes(train.targets):
        raise QuenchError(f"labels: y in {source} are not classes (whole numbers from 0 on, or -1 and +1); use 'given'")


def targets(samples: RawData, chosen: np.ndarray | slice, rule: str) -> np.ndarray:
    """Targets of the ``chosen`` samples: labels by ``rule``, or for "given" the numbers of the file."""
    if rule == "given":
        assert samples.targets is not None
        return samples.targets[chosen]
    return label(samples.classes[chosen], rule)


def label(classes: np.ndarray, rule: str) -> np.ndarray:
    """Class indices to labels: "parity" +1 even, -1 odd (int8); "classes" the index itself (int16)."""
    if rule == "parity":
        return np.where(classes % 2 == 0, 1, -1).astype(np.int8)
    return classes.astype(np.int16)


def _one_thread_product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    with threadpool_limits(limits=1):
        product: np.ndarray = left @ right
    return product


def _first_of_each_class(classes: np.ndarray, subset: int | None, n_classes: int, source: str) -> np.ndarray:
    """Positions of the first subset/K samples of each class, in the order of the source."""
    if subset is None or subset == len(classes):
        return np.arange(len(classes))
    check_subset(subset, source)
    share = subset // n_classes
    rank = np.empty(len(classes), dtype=np.int64)
    for index in np.unique(classes) if own.is_own(source) else range(n_classes):
        members = np.flatnonzero(classes == index)
        if len(members) < share:
            raise QuenchError(
                f"subset: {subset} needs {share} images of each class, {source} has {len(members)} of {index}"
            )
        rank[members] = np.arange(len(members))
    return np.flatnonzero(rank < share)


def _test_images(source: str, train: RawData, chosen: np.ndarray, root: str | None) -> RawData:
    """Test images of the source; where it has none, up to 100 images of each class that are not ``chosen``."""
    if find(source).test_size:
        return load(source, "test", root)
    unused = np.setdiff1d(np.arange(len(train.classes)), chosen)
    last = [unused[train.classes[unused] == index][-HELD_OUT_PER_CLASS:] for index in np.unique(train.classes)]
    kept = np.sort(np.concatenate(last))
    return RawData(train.images[kept], train.classes[kept], None if train.targets is None else train.targets[kept])
