"""KWJ's figures of synthetic observables: plotted numbers are the measured ones, and any run can be drawn."""

import itertools

import numpy as np
import observed_runs
import pytest
import xarray as xr
from matplotlib.colors import to_rgb
from observed_runs import PHASES, TEMPERATURES, config, observed

from quench.cli.figure import find
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj import phases
from quench.figures.kwj.panels import brownian_tau, title
from quench.figures.kwj.phases import fitting
from quench.observables.relaxation import crossing_time
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
            diffusion = observed_runs.STEP_SIZE * temperature / observed_runs.P_D
            line = float(point["tau90_brownian"])
            overlaps = [brownian.overlap(line, float(one), diffusion) for one in measured["epsilon"]]
            assert np.mean(overlaps) == pytest.approx(0.9, rel=1e-12)
            lines = [brownian.tau90(float(one), diffusion) for one in measured["epsilon"]]
            np.testing.assert_allclose(point["tau90_brownian_single"], lines, rtol=1e-12)
            np.testing.assert_array_equal(point["tau90_single"], measured["tau90"])
        else:
            assert np.isnan(point["tau90_brownian"])


def test_brownian_line_is_that_of_the_mean_overlap():
    """Free weights with lengths as far apart as those of the default scenario; their rms length is 5 % too long."""
    lengths, diffusion, lags = np.array([1.03, 1.28, 1.29, 1.0]), 1e-4, np.geomspace(1e2, 1e5, 400)
    run = xr.Dataset(
        {"epsilon_single": (("temperature", "network"), [lengths])}, coords={"temperature": [0.1], "lag": lags}
    ).assign_attrs(step_size=1e-3, P_D=1)
    mean = xr.DataArray(np.mean([brownian.overlap(lags, one, diffusion) for one in lengths], axis=0), dims="lag")
    measured = float(crossing_time(mean.assign_coords(lag=lags), 0.9))
    assert float(brownian_tau(run)[0]) == pytest.approx(measured, rel=1e-4)
    assert brownian.tau90(float(np.sqrt((lengths**2).mean())), diffusion) > 1.02 * measured


def test_numbers_of_a_panel_are_those_of_its_run(folder, tmp_path):
    """Also where one phase has a single network, and where every network of a phase diverged at a temperature."""
    given = observed_runs.inputs(folder, PHASES)
    for phase, changes in (("underparameterised", {"n_networks": 1}), ("overparameterised", {"diverged": [0, 1, 2]})):
        for place, temperature in enumerate(TEMPERATURES[: 1 if "diverged" in changes else 2]):
            path = tmp_path / f"{phase}-{temperature}.nc"
            files.write(
                observed(temperature, **changes), path, kind="observables", config=config(temperature), code="test"
            )
            given.of("runs")[phase][place] = files.read(path)
        if phase == "underparameterised":
            given.of("runs")[phase][2:] = []
    together = find("kwj.fig3").compute(given)
    for phase in PHASES:
        alone = find("kwj.fig3").compute(FigureInputs({"runs": {phase: given.of("runs")[phase]}}))
        one, count = together.sel(panel=phase), alone.sizes["network"]
        one = one.sel(temperature=alone["temperature"]).isel(network=slice(count))
        np.testing.assert_array_equal(one["tau90_single"], alone["tau90_single"].squeeze("panel"))
    find("kwj.fig3").draw(together).canvas.draw()


def test_networks_of_another_state_are_shown_apart(folder, tmp_path):
    path = tmp_path / "mixed.nc"
    files.write(observed(0.1, states=[0, 1, 0]), path, kind="observables", config=config(0.1), code="test")
    given = FigureInputs({"runs": {"regularised": [files.read(path)]}}, {"scale": "reduced"})
    numbers = find("kwj.fig3").compute(given)
    alone = observed(0.1).isel(waiting_time=-1)["tau90"].values
    np.testing.assert_array_equal(numbers["tau90_single"].values.ravel(), alone[[0, 2]])
    assert np.isfinite(numbers["overlap_apart"]).any() and np.isfinite(numbers["tau90_apart"]).all()
    assert "networks = 2 (and 1 in another state)" in given.scale_label()
    drawn = find("kwj.fig3").draw(numbers.assign_attrs(scale_label=""))
    assert any(line.get_linestyle() == ":" and len(line.get_xdata()) > 2 for line in drawn.axes[0].lines)


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


def test_diverged_networks_of_a_scan_count_as_not_fitted_in_its_median():
    losses = [[np.nan, np.nan, 1e-9], [np.nan, 1e-8, 1e-9]]
    names = ("n_weights", "width", "weight_decay")
    scan = xr.Dataset(
        {name: ("point", values) for name, values in zip(names, ([10, 20], [2, 3], [0, 0]), strict=True)}
        | {
            "data_loss": (("point", "network"), losses),
            "diverged_at": (("point", "network"), [[5, 5, -1], [5, -1, -1]]),
        }
    ).assign_attrs(P_D=100, epochs=1)
    found = fitting(scan)
    assert found["uot_median"].values.tolist() == [np.inf, 1e-8] and int(found["uot_diverged"]) == 3


def test_censored_times_stand_at_the_longest_lag_and_the_kink_is_marked(folder):
    module = find("kwj.fig3")
    numbers = module.compute(inputs(folder, "kwj.fig3")).assign_attrs(scale_label="")
    phase = {"panel": PHASES[0]}
    hot = float(numbers["temperature"].max())
    censored = numbers.copy(deep=True)
    for end in ("mean", "low", "high"):
        censored[f"tau90_{end}"].loc[phase | {"temperature": hot}] = np.nan
    censored["tau90_mean"].loc[phase | {"temperature": 0}] = 7.0
    ax = module.draw(censored).axes[3]
    triangles = [line for line in ax.lines if line.get_marker() == "^"]
    longest = float(numbers["longest_lag"].sel(phase))
    assert (hot, longest) in [tuple(np.ravel(line.get_data()).tolist()) for line in triangles]
    line = numbers["tau90_brownian"].sel(phase)
    cold = float(line["temperature"].where(line.notnull()).min())
    kink = float(line.sel(temperature=cold)) * cold / 7.0
    (mark,) = [text for text in ax.texts if text.get_text() == "$T^*$"]
    assert mark.xy[0] == pytest.approx(kink, rel=1e-12)


def test_networks_that_fit_exactly_stand_at_zero():
    scan = {"uot_loss": (("uot_point", "uot_network"), [[0.0], [0.1]]), "uot_median": ("uot_point", [0.0, 0.1])}
    facts = dict.fromkeys(("uot_threshold", "uot_threshold_low", "uot_threshold_high"), np.nan)
    numbers = xr.Dataset(scan | facts | {"uot_diverged": 0}, {"uot_ratio": ("uot_point", [0.3, 0.1])})
    with style.applied():
        figure, axes = style.new(1)
        phases.draw_fitting(axes[0, 0], numbers)
        style.lay_out(figure)
        ticks = dict(
            zip(axes[0, 0].get_yticks(), [one.get_text() for one in axes[0, 0].get_yticklabels()], strict=True)
        )
    (zero,) = [place for place, text in ticks.items() if text == "0" and place > phases.FLOOR / 3]
    assert zero == pytest.approx(phases.FLOOR)
    assert axes[0, 0].lines[0].get_ydata()[0] == phases.FLOOR
