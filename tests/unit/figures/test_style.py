"""The style of the figures: colours, numbers as text, guides, ticks."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb

from quench.figures import style


def test_hot_is_red_and_cold_is_blue():
    hot, middle, cold, frozen = (np.array(to_rgb(color)) for color in style.colors([1.0, 1e-3, 1e-6, 0.0]))
    assert hot[0] > hot[2] and cold[2] > cold[0]
    assert not np.allclose(middle, hot) and not np.allclose(middle, cold)
    assert frozen.max() < 0.2
    assert to_rgb(style.colors([0.0])[0]) == to_rgb(style.FROZEN)


@pytest.mark.parametrize(
    "value, text",
    [(0, "0"), (0.05, "0.05"), (1, "1"), (1e-4, "10⁻⁴"), (3e-5, "3×10⁻⁵"), (1e6, "10⁶")],
)
def test_powers_are_written_as_powers(value, text):
    assert style.power(value) == text


@pytest.mark.parametrize("slope", [1.0, -0.5])
def test_guide_has_its_slope_and_label(slope):
    _, axes = style.new(1)
    ax = axes[0, 0]
    ax.set_xscale("log")
    ax.set_yscale("log")
    style.guide(ax, (10, 1000), 3.0, slope, f"slope {slope:g}")
    x, y = ax.lines[0].get_data()
    assert np.log(y[1] / y[0]) / np.log(x[1] / x[0]) == pytest.approx(slope)
    assert ax.texts[0].get_text() == f"slope {slope:g}"


def test_curve_leaves_out_what_its_axes_cannot_show():
    _, axes = style.new(1)
    x = np.array([0, 1, 2, 3, 4])
    mean = np.array([1.0, 2.0, np.nan, -1.0, 4.0])
    one = xr.Dataset(
        {f"msd_{end}": ("lag", mean + shift) for end, shift in (("mean", 0), ("low", -0.5), ("high", 0.5))}
    )
    style.curve(axes[0, 0], x, one, "msd", "red")
    style.curve(axes[0, 0], x, one, "msd", "red", positive=True)
    assert [line.get_xdata().tolist() for line in axes[0, 0].lines] == [[1, 3, 4], [1, 4]]


def test_point_without_an_upper_end_reaches_downwards_only():
    _, axes = style.new(1)
    style.points(axes[0, 0], [1.0, 2.0], [3.0, 3.0], [2.0, 2.5], [5.0, np.inf], "red")
    bars = axes[0, 0].containers[0][2][0].get_segments()
    assert [bar[:, 1].tolist() for bar in bars] == [[2, 5], [2.5, 3]]


def test_axes_without_a_positive_value_get_a_note():
    with style.applied():
        figure, axes = style.new(1)
        axes[0, 0].set(xscale="log", yscale="log")
        style.log_ticks(axes[0, 0])
        figure.draw_without_rendering()
    assert axes[0, 0].texts[0].get_text() == "nothing to show"


def test_letters_stand_on_several_panels_and_notes_below():
    numbers = xr.Dataset(attrs={"scale_label": "reduced scale"})
    figure, axes = style.new(2)
    style.finish(figure, axes.flat, numbers, "", "one network")
    assert [ax.get_title(loc="left") for ax in axes.flat] == ["(a)", "(b)"]
    assert figure.get_supxlabel() == "one network · reduced scale"
    figure, axes = style.new(1)
    style.finish(figure, axes.flat, xr.Dataset())
    assert (axes[0, 0].get_title(loc="left"), figure.get_supxlabel()) == ("", "")


def test_formats_show_one_layout():
    """Text differs in size between the formats, which does not move the axes."""
    figure, axes = style.new(2)
    axes[0, 0].set_ylabel("a label")
    style.lay_out(figure)
    placed = [ax.get_position().bounds for ax in axes.flat]
    figure.set_dpi(72)
    figure.draw_without_rendering()
    assert [ax.get_position().bounds for ax in axes.flat] == placed
    assert placed != [ax.get_position().bounds for ax in style.new(2)[1].flat]


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("count", [1, 6])
def test_legend_stands_above_all_curves(scale, count):
    with style.applied():
        figure, axes = style.new(2)
        ax = axes[0, 0]
        for index in range(count):
            ax.plot([1, 2], [1, 10], label=f"curve {index}")
        ax.set(yscale=scale, ylim=(0.5, 10))
        style.legend_above(ax)
        figure.draw_without_rendering()
        lowest = ax.get_legend().get_window_extent().y0
        highest = ax.transData.transform((1, 10))[1]
    assert ax.get_ylim()[0] == 0.5 and highest < lowest


def test_numbers_in_formulas_have_no_stray_space():
    assert style.grouped(30000.0) == "30{,}000" and style.grouped(999) == "999"


def test_ticks_within_a_factor_of_two_differ():
    with style.applied():
        figure, axes = style.new(1)
        axes[0, 0].plot([1, 2], [2.31, 2.39])
        axes[0, 0].set_yscale("log")
        style.log_ticks(axes[0, 0])
        figure.draw_without_rendering()
        labels = [tick.get_text() for tick in axes[0, 0].get_yticklabels(which="both") if tick.get_text()]
    assert len(labels) > 2 and len(set(labels)) == len(labels)
