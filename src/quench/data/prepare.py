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
    _check_labels(labels, train, test, source)
    pixels = train.images[chosen].reshape(len(chosen), -1).astype(np.float64)
    mean, scale = _standardisation(pixels, components, standardise, source)
    axes, variance, total = principal_axes((pixels - mean) / scale, components)
    if whiten:
        _check_rank(variance, pixels.shape)
    unit = np.sqrt(variance) if whiten else np.ones_like(variance)

    def scores(images: np.ndarray) -> np.ndarray:
        flat = (images.reshape(len(images), len(mean)) - mean) / scale
        with np.errstate(over="ignore"):
            found = np.asarray(_one_thread_product(flat, axes.T) / unit, np.float32)
        if not np.isfinite(found).all():
            raise QuenchError(f"{source}: component scores exceed float32; scale the data, or use standardise: pixel")
        return found

    paper = {"references": "Kerr Winter & Janssen 2024, Sec. II"}
    return xr.Dataset(
        {
            "x": described(
                scores(train.images[chosen]), ("sample", "component"), "principal component scores", **paper
            ),
            "y": described(targets(train, chosen, labels), ("sample",), f"label ({labels})", **paper),
            "class_index": described(label(train.classes[chosen], "classes"), ("sample",), "class index of the source"),
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


def _standardisation(
    pixels: np.ndarray, components: int, standardise: str, source: str
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and divisor of each of ``pixels`` (sample, pixel). Raises ``QuenchError`` where they have no ``components``."""
    if components > min(pixels.shape):
        raise QuenchError(
            f"components: {components} is more than {min(pixels.shape)}, the smaller number of samples and features here"
        )

    constant = pixels.max(axis=0) == pixels.min(axis=0)
    if constant.all():
        raise QuenchError(f"{source}: all {len(pixels)} samples are equal, and no component has a variance")
    mean = pixels.mean(axis=0)
    with np.errstate(over="ignore"):
        scale = pixels.std(axis=0) if standardise == "pixel" else np.ones_like(mean)
    if not np.isfinite(scale).all():
        raise QuenchError(f"{source}: the variance of numbers as large as {np.abs(pixels).max():.3g} exceeds float64")
    # A constant pixel carries no information, and its computed deviation may be a rounding error; a scale of 1 keeps it
    # finite in test images.
    scale = np.where(constant | (scale == 0), 1.0, scale)
    return mean, scale


def principal_axes(centred: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Leading eigenvectors (component, pixel) of the covariance of ``centred`` (sample, pixel), their variances, the total.

    Sign convention: the entry of largest magnitude of every axis is positive, whatever the library returns.
    """
    # One BLAS thread: the order of the sums, and so the last bits, must not depend on the number of cores.
    with threadpool_limits(limits=1), np.errstate(over="ignore", invalid="ignore"):
        covariance = centred.T @ centred / len(centred)
        if not (np.isfinite(covariance).all() and covariance.any()):
            raise QuenchError(
                "the variance of the data is 0 or infinite in float64; scale it, or use standardise: pixel"
            )
        values, vectors = np.linalg.eigh(covariance)
    axes = vectors[:, ::-1][:, :components].T
    largest = np.abs(axes).argmax(axis=1)
    signs = np.sign(axes[np.arange(components), largest])
    return axes * signs[:, None], values[::-1][:components].copy(), float(values.sum())


def _check_rank(variance: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise ``QuenchError`` where a component has no variance above rounding errors, so that none can be made 1."""
    rank = int((variance > max(shape) * np.finfo(np.float64).eps * variance[0]).sum())
    if rank < len(variance):
        raise QuenchError(f"whiten: only {rank} of {len(variance)} components have a variance; use components: {rank}")


def _check_labels(labels: str, train: RawData, test: RawData, source: str) -> None:
    if labels == "given" and train.targets is None:
        raise QuenchError(f"labels: 'given' needs a file of your own; {source!r} has classes")
    if labels == "given" or train.targets is None or test.targets is None:
        return
    if own.coding(train.targets) == "numbers":
        raise QuenchError(f"labels: y in {source} are not classes (whole numbers from 0 on, or -1 and +1); use 'given'")
    if own.coding(np.concatenate([train.targets, test.targets])) == "numbers":
        ends = (f"from {y.min():.6g} to {y.max():.6g}" for y in (train.targets, test.targets))
        raise QuenchError(
            "labels: y and y_test in {} are coded differently: y is {}, y_test {}; both must be whole numbers from 0 on, or"
            " both -1 and +1".format(source, *ends)
        )


def targets(samples: RawData, chosen: np.ndarray | slice, rule: str) -> np.ndarray:
    """Targets of the ``chosen`` samples: labels by ``rule``, or for "given" the numbers of the file."""
    if rule == "given":
        assert samples.targets is not None
        return samples.targets[chosen]
    return label(samples.classes[chosen], rule)


def label(classes: np.ndarray, rule: str) -> np.ndarray:
    """Class indices to labels: "parity" +1 even, -1 odd (int8); "classes" the index itself (int16, or int64)."""
    if rule == "parity":
        return np.where(classes % 2 == 0, 1, -1).astype(np.int8)
    return classes.astype(np.int16 if classes.max(initial=0) <= np.iinfo(np.int16).max else np.int64)


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
