"""The immobile weights: displacement, data gradient and size of every weight, one column per phase.

Needs ``mobility``: Langevin runs; ``temperatures``: one at which the landscape dominates the noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import title
from quench.figures.stacking import stack_panels
from quench.networks.state import most_common
from quench.store.variables import config_of

NEEDS = {"mobility": 1}
LABEL = "Immobile weights"
TITLE = "The origin of the immobile weights"
CAPTION = (
    "Top: distribution of log10 |dw| at the longest lag, split into weights with a gradient of the data loss (blue) and "
    "weights whose gradient is exactly zero (red), those of dead units, which are active on no sample. Bottom: "
    "displacement of every weight against its size at t_w. Dashed: one hundredth of the root mean square displacement; a "
    "weight below it counts as immobile (0.8 % of Gaussian displacements would). Without regularisation the immobile "
    "weights of Fig. 7 are those of dead units; with regularisation they are the weights that weight decay has pruned, "
    "whether their gradient is exactly zero or vanishes with the pruned weights around them."
)
IMMOBILE = 0.01
BINS = np.round(np.arange(-16, 1.01, 0.25), 2)
# Smaller displacements and sizes are drawn at this value.
FLOOR = 1e-12
MEANS = {
    "size": "size of a weight",
    "typical": "root mean square displacement of a weight, mean over networks",
    "bin": "size |dw| of a displacement, log10, middle of the bin",
    "index": "number of the weight",
    "density_dead": "share per decade of |dw| of weights without data gradient",
    "density_live": "share per decade of |dw| of weights with a data gradient",
    "dead": "whether a weight has no data gradient",
    "dead_share": "share of weights without data gradient",
    "immobile_share": "share of immobile weights",
    "immobile_of_dead": "share of immobile weights among those without data gradient",
    "immobile_of_live": "share of immobile weights among those with one",
    "dead_of_immobile": "share of weights without data gradient among the immobile",
    "immobile_size": "median size of the immobile weights",
    "mobile_size": "median size of the mobile weights",
    "displacement": "displacement |w(t_w + t) - w(t_w)| of a weight",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Size, displacement and zero-gradient mark of every weight (panel, index); histograms and shares (panel)."""
    runs = inputs.of("mobility").items()
    return stack_panels([_numbers(parts).expand_dims(panel=[name]) for name, parts in runs])


def _numbers(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """One panel, from the files of a run; only those at the temperature of the first are used."""
    kept = [part for part in parts if _temperature(part) == _temperature(parts[0])]
    size, moved, gradient = (
        np.concatenate([part[variable].values for part in kept])
        for variable in ("size", "displacement", "data_gradient")
    )
    states = np.concatenate([part["state"].values if "state" in part else np.zeros(len(part["size"])) for part in kept])
    chosen = np.isfinite(moved).all(axis=1) & (states == most_common(states))
    size, moved, gradient = size[chosen], moved[chosen], gradient[chosen]
    typical = np.sqrt(np.mean(moved**2, axis=1, keepdims=True))
    still, dead = moved < IMMOBILE * typical, gradient == 0
    return xr.Dataset(
        {
            "size": ("index", size.ravel()),
            "displacement": ("index", moved.ravel()),
            "dead": ("index", dead.ravel().astype(float)),
            "density_dead": ("bin", _density(moved[dead], moved.size)),
            "density_live": ("bin", _density(moved[~dead], moved.size)),
            "typical": float(typical.mean()),
            "dead_share": dead.mean(),
            "immobile_share": still.mean(),
            "immobile_of_dead": _share(still, dead),
            "immobile_of_live": _share(still, ~dead),
            "immobile_of_dead_single": ("network", [_share(*one) for one in zip(still, dead, strict=True)]),
            "immobile_of_live_single": ("network", [_share(*one) for one in zip(still, ~dead, strict=True)]),
            "dead_of_immobile_single": ("network", [_share(*one) for one in zip(dead, still, strict=True)]),
            "immobile_size_single": ("network", [_median(*one) for one in zip(size, still, strict=True)]),
            "mobile_size_single": ("network", [_median(*one) for one in zip(size, ~still, strict=True)]),
            "temperature": _temperature(kept[0]),
            "lag": config_of(kept[0])["lag"],
            "n_networks": int(chosen.sum()),
        },
        coords={
            "bin": (BINS[1:] + BINS[:-1]) / 2,
            "index": np.arange(moved.size),
            "network": np.arange(len(moved)),
        },
    )


def _temperature(part: xr.Dataset) -> float:
    return float(config_of(part)["trajectory"]["temperature"])


def _share(what: np.ndarray, among: np.ndarray) -> float:
    return float(what[among].mean()) if among.any() else float("nan")


def _median(size: np.ndarray, chosen: np.ndarray) -> float:
    return float(np.median(size[chosen])) if chosen.any() else float("nan")


def _density(moved: np.ndarray, total: int) -> np.ndarray:
    """Share of all weights per decade; the first bin includes displacements below 1e-16."""
    logs = np.log10(np.maximum(moved, 10.0 ** BINS[0]))
    return np.histogram(logs, bins=BINS)[0] / max(total, 1) / np.diff(BINS)


def draw(numbers: xr.Dataset) -> Figure:
    names = [str(name) for name in numbers["panel"].values]
    figure, axes = style.new(len(names), rows=2)
    for column, name in enumerate(names):
        one = numbers.sel(panel=name).dropna("index", subset=["size"])
        top, bottom = axes[:, column]
        _histogram(top, one)
        _scatter(bottom, one)
        top.set_title(rf"{title(name)}, $T$ = {style.power(float(one['temperature']))}")
    style.outer_labels(axes)
    return style.finish(figure, axes.flat, numbers)


def _histogram(ax: Axes, one: xr.Dataset) -> None:
    width = BINS[1] - BINS[0]
    centres = one["bin"].values
    live, dead = one["density_live"].values, one["density_dead"].values
    share = float(one["dead_share"])
    ax.bar(centres, live, width, color=style.HEAT(0.08), alpha=0.75, label=f"data pull ({1 - share:.0%})")
    ax.bar(
        centres, dead, width, bottom=live, color=style.HEAT(0.95), alpha=0.75, label=f"zero data gradient ({share:.0%})"
    )
    occupied = np.flatnonzero(live + dead > 0)
    ax.set_xlim(max(centres[occupied[0]], np.log10(FLOOR)) - 1, centres[occupied[-1]] + 0.6)
    ax.axvline(np.log10(IMMOBILE * float(one["typical"])), **style.THEORY)
    ax.set(xlabel=r"$\log_{10}|w(t_w+t) - w(t_w)|$", ylabel="share per decade")
    ax.set_ylim(0, 1.45 * float((live + dead).max()))
    ax.legend(loc="upper left")


def _scatter(ax: Axes, one: xr.Dataset) -> None:
    size, moved = (np.maximum(one[name].values, FLOOR) for name in ("size", "displacement"))
    dead = one["dead"].values > 0
    for chosen, color in ((~dead, style.HEAT(0.08)), (dead, style.HEAT(0.95))):
        ax.plot(size[chosen], moved[chosen], ".", ms=1.6, alpha=0.35, color=color, mew=0, rasterized=True)
    ax.axhline(IMMOBILE * float(one["typical"]), **style.THEORY)
    of_dead, of_live = float(one["immobile_of_dead"]), float(one["immobile_of_live"])
    known = f"{of_dead:.0%} of red, " if np.isfinite(of_dead) else ""
    ax.text(0.03, 0.97, f"immobile: {known}{of_live:.1%} of blue", transform=ax.transAxes, va="top", fontsize=7.5)
    ax.set(xscale="log", yscale="log", xlabel="$|w(t_w)|$", ylabel=r"$|w(t_w+t) - w(t_w)|$")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high * 10)
    style.log_ticks(ax)
