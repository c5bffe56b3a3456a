"""The style of all figures: sizes, log axes, colours of temperatures and ages, curves with bands, guides, labels."""

from __future__ import annotations

import contextlib
import functools
import textwrap
from collections.abc import Callable, Iterable
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

COLUMN = 3.4  # width of one panel, inches
RC: dict[str, Any] = {
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 7.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "lines.linewidth": 1.3,
    # Curves behind a legend stay visible, and the legend stays readable.
    "legend.frameon": True,
    "legend.framealpha": 0.8,
    "legend.edgecolor": "none",
    "legend.fancybox": False,
    # One resolution for the layout and for the PNG, so that both share the measured text.
    "figure.dpi": 200,
    "savefig.dpi": "figure",
    # No axis has labels at its top, to which matplotlib would otherwise fit the title again and again.
    "axes.titley": 1.0,
    "mathtext.fontset": "dejavusans",
    "svg.hashsalt": "quench",
}
# Dark enough to be read on white; hot and cold differ in lightness, too, for colour-blind readers.
HEAT = LinearSegmentedColormap.from_list(
    "heat", ["#27348b", "#2f7fc1", "#3aa6a0", "#8a9a3b", "#d99a1c", "#e0591f", "#a80f2c"]
)
FROZEN = "#0b0b2a"  # T = 0
GUIDE: dict[str, Any] = {"color": "0.25", "linewidth": 0.9, "linestyle": ":"}
THEORY: dict[str, Any] = {"color": "black", "linewidth": 1.0, "linestyle": "--"}
# The background of text that curves cross.
PAPER: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
LEVEL: dict[str, Any] = {"color": "black", "linewidth": 0.9, "linestyle": "-"}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def applied() -> contextlib.AbstractContextManager[None]:
    """A context that draws and saves in this style, independent of the user's matplotlib settings."""
    settings: dict[Any, Any] = {**mpl.rcParamsDefault, **RC, "backend": "Agg"}
    return mpl.rc_context(settings)


def new(panels: int, rows: int = 1, height: float = 2.7, width: float = COLUMN) -> tuple[Figure, NDArray[Any]]:
    """A figure and its axes as an array (rows, panels); ``height`` and ``width`` of a panel in inches."""
    figure = Figure(figsize=(width * panels, height * rows), layout="constrained")
    return figure, figure.subplots(rows, panels, squeeze=False)


def lay_out(figure: Figure) -> None:
    """Place the axes of ``figure`` for good: all its formats are then the same picture, and each is drawn once."""
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)


def row(numbers: xr.Dataset, *panels: Callable[[Axes, xr.Dataset], None], **size: Any) -> Figure:
    """A complete figure of one row; each panel is drawn by a function of its axes and the ``numbers``."""
    figure, axes = new(len(panels), **size)
    for ax, panel in zip(axes.flat, panels, strict=True):
        panel(ax, numbers)
    return finish(figure, axes.flat, numbers)


def colors(temperatures: ArrayLike, among: ArrayLike | None = None) -> list[Any]:
    """From red (hottest) to blue (coldest), by rank ``among`` all temperatures of the figure (default: these).

    T = 0 is near black. Ranks separate temperatures that are close on a scale of fifteen decades.
    """
    shown = np.asarray(temperatures, float)
    ranked = sorted({float(t) for t in (shown if among is None else np.asarray(among, float)) if t > 0})
    places = {t: rank / max(len(ranked) - 1, 1) for rank, t in enumerate(ranked)}
    return [HEAT(places[float(t)]) if t > 0 else FROZEN for t in shown]


def ages(waiting_times: ArrayLike) -> list[Any]:
    """From dark (youngest) to bright (oldest), by rank."""
    return [mpl.colormaps["viridis"](x) for x in np.linspace(0, 0.88, np.size(waiting_times))]


def temperature_bar(figure: Figure, axes: Iterable[Axes], temperatures: ArrayLike) -> None:
    """A colour bar of T beside ``axes``: one block per temperature, the hottest on top."""
    ordered = sorted(set(np.asarray(temperatures, float).tolist()))
    edges = np.arange(len(ordered) + 1) - 0.5
    mappable = mpl.cm.ScalarMappable(mpl.colors.BoundaryNorm(edges, len(ordered)), ListedColormap(colors(ordered)))
    bar = figure.colorbar(mappable, ax=list(axes), pad=0.015, aspect=30, shrink=0.95)
    bar.set_ticks(range(len(ordered)), labels=[power(t) for t in ordered])
    bar.ax.minorticks_off()
    bar.ax.tick_params(length=0, labelsize=7)
    bar.ax.set_title("$T$", fontsize=9)


def power(value: float) -> str:
    """Text of a number: ``3e-05`` as 3×10⁻⁵; values from 0.01 to 1000 as decimals."""
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{value:g}"
    exponent = int(np.floor(np.log10(abs(value))))
    digits = round(value / 10.0**exponent, 3)
    return _power_of_ten(exponent) if digits == 1 else f"{digits:g}×{_power_of_ten(exponent)}"


def grouped(value: float) -> str:
    """Text of a whole number with commas, also within a formula, where a bare comma is followed by a space."""
    return f"{int(value):,}".replace(",", "{,}")


def _power_of_ten(exponent: int) -> str:
    """Characters and no formula, which matplotlib would take a hundred times as long to set."""
    return "10" + str(exponent).translate(_SUPERSCRIPTS)


def band(axes: Axes, x: ArrayLike, low: ArrayLike, high: ArrayLike, color: Any) -> None:
    """The confidence band of a curve."""
    axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)


def curve(
    axes: Axes,
    x: NDArray[Any],
    one: xr.Dataset,
    name: str,
    color: Any,
    *,
    positive: bool = False,
    label: str | None = None,
) -> None:
    """A mean with its confidence band at x > 0: ``name``_mean, _low and _high of ``one``, each of the shape of ``x``.

    ``positive`` leaves out values that a log axis cannot show.
    """
    mean, low, high = (one[f"{name}_{end}"].values for end in ("mean", "low", "high"))
    shown = (x > 0) & np.isfinite(x) & np.isfinite(mean) & ((mean > 0) | (not positive))
    band(axes, x[shown], low[shown], high[shown], color)
    axes.plot(x[shown], mean[shown], color=color, label=label)


def points(
    axes: Axes, x: ArrayLike, value: ArrayLike, low: ArrayLike, high: ArrayLike, color: Any, **more: Any
) -> None:
    """Points with their intervals; an infinite upper end is not drawn."""
    value, low, high = np.asarray(value), np.asarray(low), np.asarray(high)
    error = np.array([np.maximum(value - low, 0), np.where(np.isfinite(high), np.maximum(high - value, 0), 0)])
    how: dict[str, Any] = {"fmt": "o", "ms": 4, "capsize": 2} | more
    axes.errorbar(x, value, yerr=error.reshape(2, -1), color=color, **how)


def level(axes: Axes, y: float, text: str, **line: Any) -> None:
    """A horizontal guide at ``y``, named at its left end."""
    axes.axhline(y, **(line or GUIDE))
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "xytext": (4, 3), "textcoords": "offset points"}
    axes.annotate(text, (0, y), **place, fontsize=8)


def guide(axes: Axes, x: tuple[float, float], y: float, slope: float, text: str, above: bool = True) -> None:
    """A straight line on log axes from (x[0], y) to x[1], labelled by ``text``."""
    ends = np.array(x, dtype=float)
    values = y * (ends / ends[0]) ** slope
    axes.plot(ends, values, **GUIDE)
    middle = np.sqrt(ends[0] * ends[1])
    axes.annotate(
        text,
        (middle, y * (middle / ends[0]) ** slope),
        xytext=(-2 if above == (slope > 0) else 2, 2 if above else -2),
        textcoords="offset points",
        ha="right" if above == (slope > 0) else "left",
        va="bottom" if above else "top",
        fontsize=7.5,
        color="0.25",
    )


def legend_above(axes: Axes, **how: Any) -> None:
    """A legend above all curves: the top of the y axis, whose limits must be final, is raised by its height.

    ``how``: arguments of ``Axes.legend``, except its place.
    """
    legend = axes.legend(loc="upper left", borderaxespad=0.3, **how)
    rows = -(-len(legend.texts) // how.get("ncols", 1)) + bool(how.get("title"))
    size = mpl.font_manager.FontProperties(
        size=how.get("fontsize", mpl.rcParams["legend.fontsize"])
    ).get_size_in_points()
    # In points: the rows with their spacing, padding, and the height of the axes before the layout.
    share = min((1.6 * rows + 1) * size / (72 * axes.bbox.height / axes.figure.dpi), 0.6)
    scale = axes.yaxis.get_transform()
    low, high = scale.transform(axes.get_ylim())
    axes.set_ylim(top=float(scale.inverted().transform(low + (high - low) / (1 - share))))


def outer_labels(axes: NDArray[Any]) -> None:
    """Remove the y labels of all but the first column."""
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")


def finish(figure: Figure, axes: Iterable[Axes], numbers: xr.Dataset, *notes: str) -> Figure:
    """Add the letters (a), (b), ... of several panels, and below the figure ``notes`` and the scale of its networks."""
    panels = list(axes)
    for index, ax in enumerate(panels if len(panels) > 1 else ()):
        ax.set_title(f"({chr(97 + index)})", loc="left", fontweight="bold", fontsize=9)
    if text := " · ".join(filter(None, (*notes, numbers.attrs.get("scale_label", "")))):
        # About 17 characters of this size to an inch.
        text = textwrap.fill(text, int(17 * figure.get_figwidth()), break_long_words=False, break_on_hyphens=False)
        figure.supxlabel(text, fontsize=7.5, color="0.35", x=0.99, ha="right")
    return figure


def log_ticks(axes: Axes) -> None:
    """Decades and minor ticks on every log axis, with labels at 2 and 5 where fewer than two decades are visible.

    Beyond three decades the only minor ticks are those at 2 and 5; beyond six, the decades without a label.

    An axis without a positive value gets a note instead.
    """
    empty = False
    for axis, smallest in ((axes.xaxis, axes.dataLim.minposx), (axes.yaxis, axes.dataLim.minposy)):
        if axis.get_scale() != "log":
            continue
        if not np.isfinite(smallest):
            empty = True
            (axes.set_xlim if axis is axes.xaxis else axes.set_ylim)(1, 10)
        axis.set_major_locator(mpl.ticker.LogLocator(numticks=8))
        axis.set_major_formatter(lambda value, _place: _power_of_ten(round(np.log10(value))))
        low, high = np.log10(sorted(axis.get_view_interval()))
        subdivisions: Any = "auto" if high - low < 3 else (2, 5) if high - low < 6 else (1.0,)
        axis.set_minor_locator(mpl.ticker.LogLocator(subs=subdivisions, numticks=60))
        axis.set_minor_formatter(functools.partial(_between_decades, axis=axis))
    if empty:
        axes.text(0.5, 0.5, "nothing to show", transform=axes.transAxes, ha="center", va="center", color="0.25")


def _between_decades(value: float, _place: int | None, *, axis: mpl.axis.Axis) -> str:
    low, high = np.log10(sorted(axis.get_view_interval()))
    decades = np.floor(high) - np.ceil(low) + 1
    exponent = int(np.floor(np.log10(value)))
    digits = round(value / 10.0**exponent, 6)
    if high - low < 0.3:
        # Within a factor of two there may be neither a 2 nor a 5.
        return power(float(f"{value:.6g}"))
    return f"{digits:g}×{_power_of_ten(exponent)}" if decades < 2 and digits in (2, 5) else ""
