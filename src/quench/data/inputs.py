"""Inputs of BJ's networks: chosen training and test images, standardised, in the size and channels of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr


@dataclass(frozen=True)
class ImageSets:
    """Training and test images, float32 (sample, channel, row, column), and their classes, int64 (sample).

    Both sets are standardised by ``mean`` and ``std`` (channel) of the training images' pixels on a scale of 0 to 1.
    """

    train_images: np.ndarray
    train_classes: np.ndarray
    test_images: np.ndarray
    test_classes: np.ndarray
    mean: np.ndarray
    std: np.ndarray


def interleaved(classes: np.ndarray, per_class: int, skip: int = 0) -> np.ndarray:
    """Indices of ``per_class`` samples of every class after its first ``skip``, in the order 0, 1, ..., K-1, 0, 1, ...

    Classes are as balanced as possible in any prefix. Raises ``ValueError`` where a class has too few samples.
    """
    chosen = []
    for label in np.unique(classes):
        found = np.flatnonzero(classes == label)[skip : skip + per_class]
        if len(found) < per_class:
            raise ValueError(
                f"class {label} has {np.count_nonzero(classes == label)} samples, not {skip} + {per_class}"
            )
        chosen.append(found)
    return np.stack(chosen, axis=1).ravel()


def first_samples(images: xr.Dataset, part: str, count: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Images and classes of ``part``, "train" or "test": the first ``count``, classes in turn; None: all in file order.

    Raises ``ValueError`` where ``images`` (contract ``images``) has fewer.
    """
    samples, classes = images[f"{part}_images"].values, images[f"{part}_classes"].values
    if count is None:
        return samples, classes
    if count > len(classes):
        raise ValueError(f"{part}_samples: {count} is more than the {len(classes)} {part} images")
    order = interleaved(classes, -(-count // len(np.unique(classes))))[:count]
    return samples[order], classes[order]


def standardised(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    side: int | None = None,
    channels: int | None = None,
    pool: int = 1,
    channel_std: Sequence[float] | None = None,
) -> ImageSets:
    """``train`` and ``test``, pairs of images and classes, as inputs of a network.

    Images are uint8 (sample, channel, row, column). They are scaled to [0, 1]; padded with 0 (black) on all four sides
    to ``side`` x ``side``; standardised per channel, (x - mean) / std over the training images before padding, or divided
    by ``channel_std`` (channel) instead; a grey channel is repeated ``channels`` times; and averaged over ``pool`` x
    ``pool`` blocks. Raises ``ValueError`` for an impossible size.
    """
    _, given_channels, rows, columns = train[0].shape
    side = max(rows, columns) if side is None else side
    channels = given_channels if channels is None else channels
    if test[0].shape[1:] != train[0].shape[1:]:
        raise ValueError(f"training images are {train[0].shape[1:]}, test images {test[0].shape[1:]}")
    if side < max(rows, columns):
        raise ValueError(f"images of {rows}x{columns} pixels cannot be padded to {side}x{side}")
    if given_channels not in (1, channels):
        raise ValueError(f"only grey images can be repeated to {channels} channels; these have {given_channels}")
    if pool < 1 or side % pool:
        raise ValueError(f"images of {side}x{side} pixels cannot be averaged over {pool}x{pool} blocks")
    mean, std = _channel_statistics(train[0])
    if channel_std is not None:
        if len(channel_std) != given_channels:
            raise ValueError(f"channel_std: {len(channel_std)} values for images of {given_channels} channels")
        std = np.array(channel_std, dtype=np.float32)
    above, left = (side - rows) // 2, (side - columns) // 2
    margins = ((0, 0), (0, 0), (above, side - rows - above), (left, side - columns - left))

    def transform(images: np.ndarray) -> np.ndarray:
        x = np.pad(images.astype(np.float32) / np.float32(255), margins)
        x = (x - mean[:, None, None]) / std[:, None, None]
        x = np.repeat(x, channels // given_channels, axis=1)
        blocks = x.reshape(len(x), channels, side // pool, pool, side // pool, pool)
        return np.ascontiguousarray(blocks.mean(axis=(3, 5), dtype=np.float32))

    return ImageSets(
        transform(train[0]), train[1].astype(np.int64), transform(test[0]), test[1].astype(np.int64), mean, std
    )


def _channel_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every channel's pixels on a scale of 0 to 1, float32 (channel)."""
    n = images[:, 0].size
    mean = images.sum(axis=(0, 2, 3), dtype=np.float64) / n
    square = np.zeros_like(mean)
    for part in np.array_split(images, max(1, len(images) // 1000)):
        square += np.square(part - mean[None, :, None, None]).sum(axis=(0, 2, 3))
    std = np.sqrt(square / n)
    if not std.all():
        raise ValueError("a channel of the training images is constant")
    return (mean / 255).astype(np.float32), (std / 255).astype(np.float32)
