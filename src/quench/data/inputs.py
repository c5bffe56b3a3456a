"""Images as BJ's networks take them: a split, standardised channels, and the size and channels that a model wants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Inputs:
    """Training and test images, float32 (sample, channel, row, column), and their classes, int64 (sample).

    ``mean`` and ``std`` (channel) are those of the training images' pixels on a scale of 0 to 1; both sets were
    standardised by them.
    """

    train_images: np.ndarray
    train_classes: np.ndarray
    test_images: np.ndarray
    test_classes: np.ndarray
    mean: np.ndarray
    std: np.ndarray


def interleaved(classes: np.ndarray, per_class: int, skip: int = 0) -> np.ndarray:
    """Indices of ``per_class`` samples of every class after its first ``skip``, in the order 0, 1, ..., K-1, 0, 1, ...

    Any prefix is as balanced as it can be. Raises ``ValueError`` where a class has too few samples.
    """
    chosen = []
    for label in np.unique(classes):
        found = np.flatnonzero(classes == label)[skip : skip + per_class]
        if len(found) < per_class:
            raise ValueError(
                f"class {label} has {np.count_nonzero(classes == label)} samples, but {skip} + {per_class} are wanted"
            )
        chosen.append(found)
    return np.stack(chosen, axis=1).ravel()


def prepare(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    side: int | None = None,
    channels: int | None = None,
    pool: int = 1,
) -> Inputs:
    """``train`` and ``test``, pairs of images and classes, as inputs of a network.

    Images are uint8 (sample, channel, row, column). They are scaled to [0, 1]; padded with 0 (black) on all four sides
    to ``side`` x ``side``; standardised per channel, (x - mean) / std over the training images before padding; a grey
    channel is repeated ``channels`` times; and averaged over ``pool`` x ``pool`` blocks. Raises ``ValueError`` for a
    size that cannot be had.
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
    above, left = (side - rows) // 2, (side - columns) // 2
    margins = ((0, 0), (0, 0), (above, side - rows - above), (left, side - columns - left))

    def transform(images: np.ndarray) -> np.ndarray:
        x = np.pad(images.astype(np.float32) / np.float32(255), margins)
        x = (x - mean[:, None, None]) / std[:, None, None]
        x = np.repeat(x, channels // given_channels, axis=1)
        blocks = x.reshape(len(x), channels, side // pool, pool, side // pool, pool)
        return np.ascontiguousarray(blocks.mean(axis=(3, 5), dtype=np.float32))

    return Inputs(
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
