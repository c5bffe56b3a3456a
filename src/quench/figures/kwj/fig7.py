"""KWJ Fig. 7: non-Gaussian parameter (top) and motility histograms (bottom), one column per phase.

Needs ``runs``: one Langevin run per phase. ``lags``: the lag of each panel's histograms; by default the longest.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.estimators import bimodality
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import columns, curves, palette, stacked

NEEDS = {"runs": 1}
LABEL = "Fig. 7"
SECTION = "III.5 Stokes-Einstein relation and dynamic heterogeneity"
TITLE = "Non-Gaussianity and dynamic heterogeneity"
CAPTION = (
    "Top: non-Gaussian parameter alpha_2(t), 0 for Gaussian displacements, with 95 % intervals over networks; the axis is "
    "linear up to 1 and logarithmic above. "
    "Bottom: distribution of log10 |dw| at the lag given in the panel, all networks pooled. Thick: not unimodal by "
    "Hartigan's dip test (p < 0.05 after Holm's correction for all T and panels). For the test the 90 % quantiles of the "
    "networks' histograms are aligned, so that networks of different speed do not count as two populations; T = 0 is not "
    "tested, since weights without a gradient do not move at all."
)
SIGNIFICANT = 0.05
BINS_JOINED = 10  # bins of 0.02 decades per drawn bin of 0.2
MEANS = {
    "motility": "size |dw| of a displacement, log10",
    "motility_lag": ("lag of the motility histogram", "updates"),
    "density": "share of weights per decade of |dw|",
    "dip": "Hartigan's dip statistic",
    "dip_p": "p value of the dip test",
    "dip_p_corrected": "p value of the dip test after Holm's correction",
    "valley": "depth of the valley between two modes",
    "immobile": "share of weights that did not move at all",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """alpha2 with its interval (panel, temperature, lag) and the motility density (panel, temperature, motility)."""
    lags = dict(zip(inputs.of("runs"), inputs.choices.get("lags", ()), strict=False))

    def numbers(name: str, run: xr.Dataset) -> xr.Dataset:
        kept = run[["alpha2_mean", "alpha2_low", "alpha2_high"]].merge(inputs.single(name, "alpha2"))
        return xr.merge([kept, _motility(inputs, name, lags.get(name))])

    joined = stacked(inputs, numbers)
    return joined.assign(dip_p_corrected=(joined["dip_p"].dims, bimodality.holm(joined["dip_p"].values)))


def _motility(inputs: FigureInputs, name: str, lag: int | None) -> xr.Dataset:
    """Share of all networks' weights per decade of |dw| (temperature, motility), at the measured lag nearest to ``lag`` or
    at the longest; dip test, depth of the valley and share of weights that did not move (temperature)."""
    files = inputs.networks(name)
    measured = files[0]["motility_lag"].values
    chosen = int(measured[-1] if lag is None else measured[np.abs(measured - lag).argmin()])
    fine = files[0]["motility_edge"].values
    edges = fine[::BINS_JOINED]
    densities, tests = [], []
    temperatures = inputs.run(name)["temperature"].values
    for temperature, dataset in zip(temperatures, files, strict=True):
        counts = dataset["motility"].sel(motility_lag=chosen).where(lambda c: c >= 0).sum("network").values.astype(int)
        joined = counts.reshape(-1, BINS_JOINED).sum(axis=1)
        densities.append(joined / max(joined.sum(), 1) / np.diff(edges))
        single = dataset["motility"].sel(motility_lag=chosen).transpose("network", "motility_bin").values
        # The first bin counts weights that have moved by less than 1e-16 or not at all; it has no place on the axis.
        moved = bimodality.aligned(single[:, 1:]) if temperature > 0 else np.zeros_like(counts[1:])
        statistic, p_value = bimodality.dip(moved, fine[1:])
        tests.append((statistic, p_value, bimodality.valley(moved, fine[1:]), counts[0] / max(counts.sum(), 1)))
    dips, p_values, valleys, immobile = np.array(tests).T
    centres = (edges[1:] + edges[:-1]) / 2
    return xr.Dataset(
        {
            "density": (("temperature", "motility"), densities),
            "dip": ("temperature", dips),
            "dip_p": ("temperature", p_values),
            "valley": ("temperature", valleys),
            "immobile": ("temperature", immobile),
            "motility_lag": chosen,
        },
        coords={"motility": centres, "temperature": temperatures},
    )


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = columns(numbers, _alpha2, _histograms)
    return style.finish(figure, axes.flat, numbers)


def _alpha2(ax: Axes, one: xr.Dataset) -> None:
    curves(ax, one, "alpha2")
    ax.axhline(0, **style.GUIDE)
    # Linear up to 1, logarithmic above: the spike of the first updates leaves the rest visible.
    ax.set_xscale("log")
    ax.set_yscale("symlog", linthresh=1, linscale=1.5)
    ax.yaxis.set_major_formatter(lambda value, _: style.power(value))
    ax.set(xlabel="$t$ (updates)", ylabel=r"$\alpha_2(t)$")


def _histograms(ax: Axes, one: xr.Dataset) -> None:
    size = 10.0 ** one["motility"].values
    occupied = np.flatnonzero((np.nan_to_num(one["density"].values) > 0).any(axis=0))
    for row, color in enumerate(palette(one)):
        bimodal = float(one["dip_p_corrected"].values[row]) < SIGNIFICANT
        ax.plot(size, one["density"].values[row], color=color, drawstyle="steps-mid", linewidth=2.0 if bimodal else 0.9)
    ax.set_xscale("log")
    # Weights that have not moved at all lie far to the left of the others; they are cut off.
    left = max(occupied[0], np.searchsorted(size, 1e-9))
    ax.set_xlim(size[left] / 2, size[occupied[-1]] * 3)
    ax.set(xlabel=r"$|w(t_w+\Delta t) - w(t_w)|$", ylabel="density (per decade)")
    # The text stands above the curves.
    ax.set_ylim(0, 1.25 * np.nanmax(one["density"].values))
    p_values = one["dip_p_corrected"].values
    verdict = f"dip test: bimodal at {(p_values < SIGNIFICANT).sum()} of {np.isfinite(p_values).sum()} $T>0$ (thick)"
    ax.text(0.03, 0.87, verdict, transform=ax.transAxes, va="top", fontsize=7)
    ax.text(
        0.03,
        0.95,
        rf"$\Delta t = {style.grouped(int(one['motility_lag']))}$",
        transform=ax.transAxes,
        va="top",
        fontsize=8,
    )
