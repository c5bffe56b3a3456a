"""KWJ's figures of synthetic observables: plotted numbers are the measured ones, and any run can be drawn."""

import itertools

import numpy as np
import observed_runs
import pytest
from matplotlib.colors import to_rgb
from observed_runs import PHASES, TEMPERATURES, config, observed

from quench.cli.figure import find
from quench.figures import style
from quench.figures.kwj.panels import title
from quench.store import files
from quench.theory import brownian

FIGURES = {
    "kwj.fig2": PHASES[:1], "kwj.fig3": PHASES, "kwj.fig5": PHASES, "kwj.fig7": PHASES, "kwj.figa2": PHASES[:1],
}  # fmt: skip


def inputs(folder, name, **choices):
    return observed_runs.inputs(folder, FIGURES[name], ensembles=name == "kwj.figa2", **choices)


@pytest.mark.parametrize("name", FIGURES)
def test_scale_is_written_on_reduced_figures_alone(folder, name):
    module = find(name)
    for scale, expected in (("reduced", "reduced scale: "), ("full", "")):
        given = inputs(folder, name, scale=scale)
        drawn = module.draw(module.compute(given).assign_attrs(scale_label=given.scale_label()))
        assert drawn.get_supxlabel().startswith(expected)
        assert bool(drawn.get_supxlabel()) == (scale == "reduced")


def test_plotted_numbers_are_the_measured_ones(folder):
    numbers = find("kwj.fig3").compute(inputs(folder, "kwj.fig3"))
    for phase, temperature in itertools.product(PHASES, TEMPERATURES):
        measured = files.read(folder / f"{phase}-{temperature:g}.nc").isel(waiting_time=-1)
        point = numbers.sel(panel=phase, temperature=temperature)
        for name in ("overlap_mean", "overlap_low", "overlap_high", "tau90_mean"):
            plotted = point[name].sel(lag=measured["lag"]) if "lag" in point[name].dims else point[name]
            assert np.array_equal(plotted, measured[name], equal_nan=True)
        if temperature > 0:
            epsilon = np.sqrt((measured["epsilon"] ** 2).mean())
            line = brownian.tau90(float(epsilon), observed_runs.STEP_SIZE * temperature / observed_runs.P_D)
            assert float(point["tau90_brownian"]) == pytest.approx(line, rel=1e-12)
        else:
            assert np.isnan(point["tau90_brownian"])


def test_samples_of_a_panel_are_those_of_its_run(folder):
    together = find("kwj.fig3").compute(inputs(folder, "kwj.fig3"))
    for phase in PHASES:
        alone = find("kwj.fig3").compute(observed_runs.inputs(folder, [phase]))
        one = together["tau90_samples"].sel(panel=phase)
        assert np.array_equal(one, alone["tau90_samples"].squeeze("panel"), equal_nan=True)


def test_drawn_curves_are_the_numbers(folder):
    module = find("kwj.fig3")
    numbers = module.compute(inputs(folder, "kwj.fig3"))
    drawn = module.draw(numbers)
    top, bottom = drawn.axes[0], drawn.axes[3]
    curves = [line for line in top.lines if len(line.get_xdata()) > 2]
    assert len(curves) == len(TEMPERATURES)
    for line, temperature, color in zip(curves, TEMPERATURES, style.colors(TEMPERATURES), strict=True):
        curve = numbers["overlap_mean"].sel(panel="regularised", temperature=temperature).dropna("lag")
        assert np.array_equal(line.get_xdata(), curve["lag"][1:])
        assert np.array_equal(line.get_ydata(), curve[1:])
        assert to_rgb(line.get_color()) == to_rgb(color)
    assert bottom.get_xscale() == bottom.get_yscale() == "log"
    theory = [line for line in bottom.lines if line.get_linestyle() == "--"]
    assert len(theory) == 1
    # Free Brownian weights: slope -1 exactly.
    x, y = theory[0].get_xdata(), theory[0].get_ydata()
    assert np.polyfit(np.log(x), np.log(y), 1)[0] == pytest.approx(-1, abs=1e-12)


def test_histograms_are_densities(folder):
    numbers = find("kwj.fig7").compute(inputs(folder, "kwj.fig7", lags=(10, 300, 10)))
    assert numbers["motility_lag"].values.tolist() == [10, 300, 10]
    width = float(numbers["motility"][1] - numbers["motility"][0])
    np.testing.assert_allclose(numbers["density"].sum("motility") * width, 1, rtol=1e-9)


def test_declared_choices_are_drawn(folder):
    chosen = find("kwj.fig2").compute(inputs(folder, "kwj.fig2", temperatures=(1e-3,), waiting_time=5))
    assert chosen["temperature"].values.tolist() == [1e-3] and chosen.attrs["waiting_time"] == 5
    measured = files.read(folder / "regularised-0.001.nc").sel(waiting_time=5)
    assert np.array_equal(chosen["overlap_mean"].squeeze(), measured["overlap_mean"], equal_nan=True)


@pytest.mark.parametrize("name", ["kwj.fig2", "kwj.fig3", "kwj.fig5", "kwj.fig7"])
@pytest.mark.parametrize("temperatures", [(0.0,), (1e-3,)])
def test_one_temperature_alone_can_be_drawn(folder, name, temperatures):
    module = find(name)
    assert module.draw(module.compute(inputs(folder, name, temperatures=temperatures))).axes


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("diverged", [[1], [0, 1, 2]], ids=["one diverged", "all diverged"])
def test_diverged_networks_do_not_stop_a_figure(folder, tmp_path, name, diverged):
    path = tmp_path / "diverged.nc"
    files.write(observed(0.1, diverged=diverged), path, kind="observables", config=config(0.1), code="test")
    given = observed_runs.inputs(folder, PHASES[:1], ensembles=name == "kwj.figa2")
    given.of("runs")["regularised"][0] = files.read(path)
    module = find(name)
    module.draw(module.compute(given)).canvas.draw()


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("regularised", "regularised"),
        ("regularised_ageing", "regularised"),
        ("cifar_overparameterised", "overparameterised, CIFAR-10"),
        # The name of a phase within a word is no phase.
        ("unregularised", "unregularised"),
        ("my_run", "my run"),
    ],
)
def test_title_of_a_panel_is_the_name_of_its_run(run, expected):
    assert title(run) == expected
