"""Figures on synthetic observables: numbers that are plotted are those that were measured, and are saved; bytes repeat."""

import itertools

import matplotlib.image
import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb

from quench.cli import main
from quench.cli.figure import find
from quench.errors import QuenchError
from quench.figures import declared, style, vocabulary
from quench.figures.inputs import Inputs, check_measured
from quench.figures.save import save
from quench.observables.average import average
from quench.observables.measure import measure
from quench.store import files
from quench.store.variables import config_of
from quench.theory import brownian

PHASES = ("regularised", "underparameterised", "overparameterised")
TEMPERATURES = (0.1, 1e-3, 0.0)
FIGURES = {
    "kwj.fig2": PHASES[:1], "kwj.fig3": PHASES, "kwj.fig5": PHASES, "kwj.fig7": PHASES, "kwj.figa2": PHASES[:1],
}  # fmt: skip
P_D, STEP_SIZE, CHI, WAITING_TIMES = 200, 0.02, 30.0, [5, 20]


def observed(temperature, n_networks=3, n_weights=60, lost=None):
    """Averaged observables of Brownian weights, as ``quench observe`` and ``quench average`` leave them."""
    rng = np.random.default_rng(int(1e6 * temperature))
    times = np.unique(np.concatenate([[0], *(t + np.array([0, 1, 2, 5, 10, 30, 100, 300]) for t in WAITING_TIMES)]))
    variance = 2 * STEP_SIZE * temperature / P_D * np.diff(times, prepend=0)
    steps = np.sqrt(variance)[None, :, None] * rng.normal(size=(n_networks, len(times), n_weights))
    # At T = 0 a creep that slows down, so that something is seen.
    creep = 1e-4 * np.log1p(times)[None, :, None] * rng.normal(size=(n_networks, 1, n_weights))
    # The same prepared networks at every temperature, as in the pipeline.
    prepared = np.random.default_rng(1).normal(size=(n_networks, 1, n_weights))
    walk = prepared + np.cumsum(steps, axis=1) + creep
    diverged_at = np.full(n_networks, -1)
    if lost is not None:
        walk[lost, -3:] = np.nan
        diverged_at[lost] = times[-3]
    loss = 0.1 + 0.05 * rng.random((n_networks, len(times)))
    snapshots = xr.Dataset(
        {
            "weights": (("network", "time", "weight"), walk),
            "loss": (("network", "time"), loss),
            "sigma": ("network", prepared[:, 0].std(axis=1)),
        },
        coords={"time": times, "seed": ("network", np.arange(n_networks)), "diverged_at": ("network", diverged_at)},
    )
    return average([measure(snapshots, WAITING_TIMES, chi=CHI, motility_lags=[10, 300])])


def config(temperature):
    prepared = {"width": 16, "weight_decay": 0.005, "epochs": 30, "batch_size": 100, "P_D": P_D}
    trajectory = {
        "dynamics": "langevin",
        "temperature": temperature, "step_size": STEP_SIZE, "P_D": P_D, "waiting_times": WAITING_TIMES, "prepared": prepared,
    }  # fmt: skip
    return {"trajectory": trajectory, "chi": CHI}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Observables of three phases at three temperatures, and prepared networks."""
    folder = tmp_path_factory.mktemp("observables")
    for phase, temperature in itertools.product(PHASES, TEMPERATURES):
        path = folder / f"{phase}-{temperature:g}.nc"
        files.write(observed(temperature), path, kind="observables", config=config(temperature), code="test")
    times = np.array([0, 10, 100, 1000])
    loss = 0.5 / (1 + times) + 0.1 * np.arange(1, 4)[:, None]
    prepared = xr.Dataset(
        {"loss": (("network", "time"), loss), "weights": (("network", "weight"), np.ones((3, 4)))},
        coords={"time": times, "seed": ("network", np.arange(3))},
    )
    files.write(
        prepared, folder / "prepared.nc", kind="pretrained", config=config(0.1)["trajectory"]["prepared"], code="x"
    )
    return folder


def arguments(folder, name, *more):
    """The command of a figure of one panel: whole pictures cost seconds."""
    words = ["figure", name, "--run", "regularised", *(str(folder / f"regularised-{t:g}.nc") for t in TEMPERATURES)]
    if name == "kwj.figa2":
        words += ["--ensemble", "regularised", str(folder / "prepared.nc")]
    return [*words, *more]


def inputs(folder, name, phases=None, **choices):
    phases = FIGURES[name] if phases is None else phases
    runs = {phase: [files.read(folder / f"{phase}-{t:g}.nc") for t in TEMPERATURES] for phase in phases}
    ensembles = {"regularised": [files.read(folder / "prepared.nc")]} if name == "kwj.figa2" else {}
    return Inputs(runs=runs, ensembles=ensembles, **choices)


@pytest.fixture(scope="module", params=FIGURES)
def made(request, folder, tmp_path_factory):
    """A figure as the command makes it, and its name."""
    stem = tmp_path_factory.mktemp("made") / "deep" / request.param.replace(".", "_")
    assert main(arguments(folder, request.param, "-o", str(stem))) == 0
    return request.param, stem


def test_figure_is_written_whole_with_its_numbers_and_caption(folder, made):
    name, stem = made
    assert sorted(path.suffix for path in stem.parent.iterdir()) == [".nc", ".pdf", ".png", ".svg"]
    numbers = files.read(f"{stem}.nc", kind="figure")
    module = find(name)
    expected = module.compute(inputs(folder, name, phases=PHASES[:1]))
    assert set(numbers.variables) == set(expected.variables)
    for variable in expected.variables:
        assert np.array_equal(numbers[variable], expected[variable], equal_nan=expected[variable].dtype.kind == "f")
    assert numbers.attrs["caption"] == module.CAPTION
    assert numbers.attrs["scale_label"].startswith("reduced scale: $P_D$ = 200 · $n$ = 16 · networks = 3")
    picture = matplotlib.image.imread(f"{stem}.png")
    assert picture.std() > 0.05  # not blank
    words = module.CAPTION[:60]
    assert words.encode() in stem.with_suffix(".png").read_bytes()
    assert words.split("&")[0] in stem.with_suffix(".svg").read_text()
    assert b"/Subject" in stem.with_suffix(".pdf").read_bytes()


def test_bytes_repeat_from_the_same_numbers(made, tmp_path):
    """A second drawing, from the small NetCDF file alone, has the bytes of the first in every format."""
    name, stem = made
    numbers, module = files.read(f"{stem}.nc"), find(name)
    label = numbers.attrs["scale_label"]
    with style.look():
        drawn = module.draw(numbers)
    save(drawn, tmp_path / stem.name, title=f"{stem.name}: {module.TITLE}", caption=f"{module.CAPTION} ({label})")
    for suffix in (".pdf", ".png", ".svg"):
        assert (tmp_path / f"{stem.name}{suffix}").read_bytes() == stem.with_suffix(suffix).read_bytes(), suffix


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
            assert np.array_equal(point[name].sel(lag=measured["lag"]) if "lag" in point[name].dims else point[name],
                                  measured[name], equal_nan=True)  # fmt: skip
        if temperature > 0:
            epsilon = np.sqrt((measured["epsilon"] ** 2).mean())
            line = brownian.tau90(float(epsilon), STEP_SIZE * temperature / P_D)
            assert float(point["tau90_brownian"]) == pytest.approx(line, rel=1e-12)
        else:
            assert np.isnan(point["tau90_brownian"])


def test_curves_on_the_page_are_the_numbers(folder):
    module = find("kwj.fig3")
    numbers = module.compute(inputs(folder, "kwj.fig3"))
    drawn = module.draw(numbers)
    top, bottom = drawn.axes[0], drawn.axes[3]
    curves = [line for line in top.lines if len(line.get_xdata()) > 2]
    assert len(curves) == len(TEMPERATURES)
    for line, temperature, color in zip(curves, TEMPERATURES, style.colors(TEMPERATURES), strict=True):
        curve = numbers["overlap_mean"].sel(panel="regularised", temperature=temperature).dropna("lag")
        measured = np.isfinite(line.get_ydata())
        assert np.array_equal(line.get_xdata()[measured], curve["lag"][1:])
        assert np.array_equal(line.get_ydata()[measured], curve[1:])
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


def test_choices_are_kept_to(folder):
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
@pytest.mark.parametrize("lost", [[1], [0, 1, 2]], ids=["one lost", "all lost"])
def test_lost_networks_do_not_stop_a_figure(folder, tmp_path, name, lost):
    files.write(observed(0.1, lost=lost), tmp_path / "lost.nc", kind="observables", config=config(0.1), code="test")
    given = inputs(folder, name, phases=PHASES[:1])
    given.runs["regularised"][0] = files.read(tmp_path / "lost.nc")
    module = find(name)
    drawn = module.draw(module.compute(given))
    drawn.canvas.draw()


# Style.


def test_hot_is_red_and_cold_is_blue():
    hot, middle, cold, frozen = (np.array(to_rgb(color)) for color in style.colors([1.0, 1e-3, 1e-6, 0.0]))
    assert hot[0] > hot[2] and cold[2] > cold[0]
    assert not np.allclose(middle, hot) and not np.allclose(middle, cold)
    assert frozen.max() < 0.2
    assert to_rgb(style.colors([0.0])[0]) == to_rgb(style.FROZEN)


@pytest.mark.parametrize(
    "value, text",
    [(0, "0"), (0.05, "0.05"), (1, "1"), (1e-4, "$10^{-4}$"), (3e-5, r"$3{\times}10^{-5}$"), (1e6, "$10^{6}$")],
)
def test_powers_are_written_as_powers(value, text):
    assert style.power(value) == text


@pytest.mark.parametrize("slope", [1.0, -0.5])
def test_guide_has_its_slope_and_says_it(slope):
    _, axes = style.new(1)
    ax = axes[0, 0]
    ax.set_xscale("log")
    ax.set_yscale("log")
    style.guide(ax, (10, 1000), 3.0, slope, f"slope {slope:g}")
    x, y = ax.lines[0].get_data()
    assert np.log(y[1] / y[0]) / np.log(x[1] / x[0]) == pytest.approx(slope)
    assert ax.texts[0].get_text() == f"slope {slope:g}"


# Mistakes.


def test_unknown_figure_names_the_nearest():
    with pytest.raises(QuenchError, match=r"no figure 'kwj.fg3' \(did you mean 'kwj.fig3'\?\)"):
        find("kwj.fg3")
    with pytest.raises(QuenchError, match=r"no figure 'kwj.panels'"):
        find("kwj.panels")


@pytest.mark.parametrize("name", declared.known())
def test_every_figure_says_what_it_is_and_needs(name):
    """Of what it needs nothing may be missing; what it says is read without importing it."""
    title, caption = declared.words(name)
    module = find(name)
    assert (title, caption) == (module.TITLE, module.CAPTION)
    needed = declared.needs(name)
    assert needed == getattr(module, "NEEDS", {})
    for key, count in needed.items():
        for alternative in key.split(" or "):
            assert f"``{alternative}``" in module.__doc__
        given = {other.split(" or ")[0]: range(number) for other, number in needed.items()}
        declared.check(name, given)
        with pytest.raises(QuenchError, match=f"{name} needs {key}"):
            declared.check(name, given | {key.split(" or ")[0]: range(count - 1)})


def test_plotted_numbers_say_what_they_are(made):
    _, stem = made
    numbers = files.read(f"{stem}.nc")
    assert not [v for v in numbers.variables if not {"long_name", "units"} <= set(numbers[v].attrs)]
    assert config_of(numbers)["seeds"] == [0, 1, 2]


def test_names_of_plotted_numbers_are_made_of_what_is_known():
    assert vocabulary.told("ttt_threshold_low")["long_name"].startswith("one width: threshold")
    assert vocabulary.told("t1_bootstrap") == {
        "long_name": "time t1 at which learning starts, its 95 % interval over networks", "units": "updates",
    }  # fmt: skip
    # Bands of learning curves are ranges, not intervals.
    assert vocabulary.told("train_loss_low")["long_name"] == "training loss, smallest of all networks"
    assert vocabulary.told("mine") is None


def test_what_a_figure_means_by_a_name_comes_first():
    numbers = xr.Dataset({"ratio": 0.5, "loss": ((), 0.1, {"long_name": "its own"})}, coords={"lag": [1]})
    found = vocabulary.described(numbers, {"ratio": ("of two displacements", "1")})
    assert found["ratio"].attrs == {"long_name": "of two displacements", "units": "1"}
    assert found["loss"].attrs["long_name"] == "its own" and found["lag"].attrs["units"] == "updates"
    assert not numbers["ratio"].attrs


def test_run_without_anything_measured_is_told():
    empty = xr.Dataset({"overlap_mean": ("lag", [1.0, np.nan])}, coords={"lag": [0, 10]})
    with pytest.raises(QuenchError, match="regularised: nothing was measured at a lag above 0"):
        check_measured("regularised", empty)


def test_panel_without_numbers_says_so():
    with style.look():
        figure, axes = style.new(1)
        axes[0, 0].set(xscale="log", yscale="log")
        style.log_ticks(axes[0, 0])
        figure.draw_without_rendering()
    assert axes[0, 0].texts[0].get_text() == "nothing to show"


def test_what_was_not_measured_is_told(folder):
    with pytest.raises(QuenchError, match=r"run 'regularised': no observables at temperature 0.5"):
        inputs(folder, "kwj.fig3", temperatures=(0.5,)).run("regularised")
    with pytest.raises(QuenchError, match=r"t_w = 7 was not measured; there are \[5, 20\]"):
        inputs(folder, "kwj.fig3", waiting_time=7).run("regularised")
    with pytest.raises(QuenchError, match="no run 'other' was given"):
        inputs(folder, "kwj.fig3").run("other")
    foreign = files.read(folder / "regularised-0.1.nc").drop_attrs()
    with pytest.raises(QuenchError, match="does not say its temperature"):
        Inputs(runs={"regularised": [foreign]}).run("regularised")
