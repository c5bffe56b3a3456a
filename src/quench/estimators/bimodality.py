"""Bimodality of a histogram of log10 |dw|: Hartigan's dip test, the depth of the valley, and Holm's correction (KWJ Fig. 7).

A fit of two Gaussians is no test: by any information criterion it beats one Gaussian even for Gaussian displacements, since
log10 |dw| of a Gaussian has a long left tail. The dip is the largest distance between the empirical distribution and the
closest unimodal one (Hartigan & Hartigan 1985, Ann. Stat. 13, 70); a tail does not increase it.
"""

from __future__ import annotations

import diptest
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

# The tabulated null distribution of the dip ends at this sample size.
LARGEST_SAMPLE = 72_000


def dip(counts: ArrayLike, edges: ArrayLike) -> tuple[float, float]:
    """Dip statistic and p-value (null: unimodal) of a histogram: ``counts`` (bin), ``edges`` (bin + 1).

    The values of a bin are spread evenly over it, so that ties do not count as modes. Samples above 72,000 are thinned
    evenly, which can only weaken the test. NaN for fewer than four values.
    """
    counts, edges = np.asarray(counts, dtype=np.int64), np.asarray(edges, float)
    total = int(counts.sum())
    if total < 4:
        return np.nan, np.nan
    low, width = np.repeat(edges[:-1], counts), np.repeat(np.diff(edges), counts)
    within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    values = low + (within + 0.5) / np.repeat(counts, counts) * width
    if total > LARGEST_SAMPLE:
        values = values[np.linspace(0, total - 1, LARGEST_SAMPLE).round().astype(int)]
    statistic, p_value = diptest.diptest(values)
    return float(statistic), float(p_value)


def aligned(counts: ArrayLike) -> NDArray[np.int64]:
    """Sum over networks of the histograms (network, bin), each shifted by whole bins to align its 90 % quantile.

    Without the shift, two networks that differ only in speed would make two modes. The 90 % quantile belongs to the mobile
    weights, whatever the share of immobile ones; the common position is the median over networks. Diverged networks
    (negative counts) are left out; counts that are shifted beyond an end stay in the last bin there.
    """
    table = np.asarray(counts, dtype=np.int64)
    table = table[(table >= 0).all(axis=1) & (table.sum(axis=1) > 0)]
    total = np.zeros(np.shape(counts)[1], dtype=np.int64)
    if not len(table):
        return total
    upper = (table.cumsum(axis=1) >= 0.9 * table.sum(axis=1, keepdims=True)).argmax(axis=1)
    common = round(float(np.median(upper)))
    places = np.arange(table.shape[1])
    for row, quantile in zip(table, upper, strict=True):
        np.add.at(total, np.clip(places + common - quantile, 0, table.shape[1] - 1), row)
    return total


def valley(counts: ArrayLike, edges: ArrayLike, bandwidth: float = 0.12) -> float:
    """Depth of the deepest valley between two peaks of the smoothed histogram: 1 - valley / lower peak; 0 for one peak.

    ``bandwidth``: standard deviation of the Gaussian kernel, in the units of ``edges`` (decades). Peaks below 5 % of the
    highest are ignored.
    """
    counts, edges = np.asarray(counts, float), np.asarray(edges, float)
    smooth = gaussian_filter1d(np.pad(counts, 1), bandwidth / (edges[1] - edges[0]), mode="constant")
    peaks, _ = find_peaks(smooth, height=0.05 * smooth.max() if counts.any() else None)
    depths = [
        1 - smooth[a : b + 1].min() / min(smooth[a], smooth[b]) for i, a in enumerate(peaks) for b in peaks[i + 1 :]
    ]
    return float(max(depths, default=0.0))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values corrected for their number (Holm 1979, step-down Bonferroni), any shape; NaNs are not counted and stay."""
    p = np.asarray(p_values, float)
    flat = p.ravel().copy()
    known = np.flatnonzero(np.isfinite(flat))
    order = known[np.argsort(flat[known])]
    corrected = np.maximum.accumulate(flat[order] * np.arange(len(order), 0, -1))
    flat[order] = np.minimum(corrected, 1.0)
    return flat.reshape(p.shape)
