"""The data order of SGD: which samples make the batch of a step, keyed by (seed, stream, step)."""

from __future__ import annotations

import numpy as np

from quench.numerics.random import integers, permutation


def steps_per_epoch(n_samples: int, batch_size: int, drop_last: bool = False) -> int:
    """Updates of an epoch: ceil(P / B), or floor(P / B), at least 1, where a smaller last batch is dropped."""
    return max(1, n_samples // batch_size) if drop_last else -(-n_samples // batch_size)


class DataOrder:
    """Sample numbers of the batch of every step of one network, a pure function of (seed, stream, step).

    ``sampling`` "epoch": epoch e = step // ceil(P/B) visits the keyed permutation (seed, stream, e) in order; its last batch
    is smaller where B does not divide P, or left out with ``drop_last``. "iid": B independent draws a step; the draws of
    ``block`` steps share one key. ``period`` is the number of steps whose draws share one key.
    """

    def __init__(
        self,
        n_samples: int,
        batch_size: int,
        seed: int,
        stream: int,
        sampling: str = "epoch",
        block: int = 1,
        drop_last: bool = False,
    ) -> None:
        self.n_samples, self.batch_size, self.seed, self.stream = n_samples, batch_size, seed, stream
        self.sampling = sampling
        self.period = steps_per_epoch(n_samples, batch_size, drop_last) if sampling == "epoch" else block
        self._group, self._drawn = -1, np.empty(0, dtype=np.int64)

    def batch(self, step: int) -> np.ndarray:
        """Sample numbers, int64 (sample), of the batch of update number ``step``, counted from 0."""
        group, place = divmod(step, self.period)
        if group != self._group:
            self._group, self._drawn = group, self._draw(group)
        return self._drawn[place * self.batch_size : (place + 1) * self.batch_size]

    def _draw(self, group: int) -> np.ndarray:
        if self.sampling == "epoch":
            return permutation(self.seed, self.stream, group, self.n_samples)
        return integers(self.seed, self.stream, group, self.period * self.batch_size, self.n_samples)
