"""KWJ Fig. 6: schematic landscapes of a structural glass and of a network, along one coordinate and in the plane.

Two analytic functions; needs no files and shows no data.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs

LABEL = "Fig. 6"
SECTION = "III.4 Caging"
TITLE = "Schematic landscapes of a glass and of a network"
CAPTION = (
    "Schematic, no data. Left: the energy of a structural glass, with round basins of one size a and one barrier height, "
    "hence cages. Right: the loss of a network as Kerr Winter & Janssen expect it, with long winding basins without a "
    "typical size or barrier. Top: contours in a plane (dark is low); bottom: cut along the dashed line."
)
POINTS = 181
# y of the dashed cut.
CUT = 0.0
MEANS = {
    "x": "first coordinate of the plane",
    "y": "second coordinate of the plane",
    "kind": "kind of landscape",
    "height": "height of the landscape",
    "cut": "height of the landscape along the dashed line",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Two landscapes (kind, y, x) on the square [-3, 3]^2, and their cuts (kind, x)."""
    del inputs
    x = np.linspace(-3, 3, POINTS)
    plane_x, plane_y = np.meshgrid(x, x)
    heights = np.stack([round_basins(plane_x, plane_y), winding_basins(plane_x, plane_y)])
    row = int(np.abs(x - CUT).argmin())
    coordinates = {"kind": ["structural glass", "neural network"], "x": x, "y": x}
    return xr.Dataset(
        {"height": (("kind", "y", "x"), heights), "cut": (("kind", "x"), heights[:, row])}, coords=coordinates
    )


def round_basins(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Wells of equal size on a triangular lattice of spacing 2."""
    turns = [(2 * np.pi / np.sqrt(3)) * (np.cos(a) * x + np.sin(a) * y) for a in np.pi / 6 + np.pi / 3 * np.arange(3)]
    height: np.ndarray = -sum(np.cos(turn) for turn in turns) / 3
    return height


def winding_basins(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Valleys along the level lines of a sum of waves of many lengths: long and connected, without a typical size."""
    wave = (
        np.sin(0.8 * x + 1.4 * y + 0.6)
        + 0.7 * np.sin(1.9 * x - 0.9 * y + 2.1)
        + 0.45 * np.sin(0.7 * x - 2.9 * y + 4.0)
        + 0.3 * np.sin(4.1 * x + 2.2 * y + 1.0)
    )
    return np.sqrt(wave**2 + 0.03) - 0.35 * np.exp(-((x - 0.8) ** 2 + (y + 0.5) ** 2) / 4)


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(2, rows=2, height=2.3, width=3.0)
    for column, kind in enumerate(numbers["kind"].values):
        one = numbers.sel(kind=kind)
        top, bottom = axes[:, column]
        top.contourf(one["x"], one["y"], one["height"], levels=14, cmap="cividis")
        top.axhline(CUT, color="white", linestyle="--", linewidth=1)
        top.set(aspect="equal", xticks=[], yticks=[], title=str(kind))
        bottom.plot(one["x"], one["cut"], color=style.HEAT(0.08))
        bottom.fill_between(one["x"], one["cut"], one["cut"].min() - 0.2, color=style.HEAT(0.08), alpha=0.12, lw=0)
        bottom.set(xticks=[], yticks=[], xlim=(-3, 3), ylim=(float(one["cut"].min()) - 0.2, None))
        bottom.set_xlabel("configuration" if column == 0 else "weights")
        bottom.set_ylabel("energy" if column == 0 else "loss")
    cut = numbers["cut"].sel(kind="structural glass").values
    x = numbers["x"].values
    inner = np.flatnonzero((np.diff(np.sign(np.diff(cut))) > 0) & (np.abs(x[1:-1]) < 2.6)) + 1
    if len(inner) > 1:
        ends = x[inner[:2]]
        level = cut.min() - 0.1
        axes[1, 0].annotate("", (ends[1], level), (ends[0], level), arrowprops={"arrowstyle": "<->", "lw": 0.9})
        axes[1, 0].text(ends.mean(), level + 0.06, "$a$", ha="center", fontsize=9)
    return style.finish(figure, axes.flat, numbers, "schematic, no data")
