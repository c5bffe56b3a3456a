"""Recorded runs: measured by the command line, plotted, and declared in a scenario."""

import numpy as np
import pytest
import torch
import xarray as xr

import quench
from quench.cli import main
from quench.config.scenario import as_yaml, load_files, resolve
from quench.errors import QuenchError
from quench.figures.figure_inputs import FigureInputs
from quench.figures.own import ageing
from quench.pipeline.rules import Rules
from quench.store import files

AGES = (1, 4, 16, 64)


def record(path, seed, updates=128, slowing=True):
    """A network whose weights perform a random walk, with steps that shrink with its age if it is ``slowing``."""
    torch.manual_seed(seed)
    model = torch.nn.Linear(500, 1).double()
    schedule = quench.Schedule(AGES, lag_max=64, dense=4, per_decade=6)
    with quench.record(model, schedule, path) as recorder, torch.no_grad():
        for update in range(updates):
            for weights in model.parameters():
                weights.add_(1e-3 * torch.randn_like(weights) / ((update + 1) if slowing else 1) ** 0.5)
            recorder.step()


@pytest.fixture(scope="module")
def observables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    for seed in range(3):
        record(folder / f"{seed}.nc", seed)
    names = [str(folder / f"{seed}.nc") for seed in range(3)]
    assert main(["observe", *names, "--chi", "30", "-o", str(folder / "observables.nc")]) == 0
    return folder / "observables.nc"


def test_several_recordings_are_averaged_at_their_declared_times(observables):
    found = files.read(observables, kind="observables")
    assert found["seed"].values.tolist() == [0, 1, 2]
    assert found["waiting_time"].values.tolist() == list(AGES)
    lags = quench.Schedule(AGES, lag_max=64, dense=4, per_decade=6).lags
    assert found["lag"].values.tolist() == lags.tolist()
    # Steps of variance s/(u+1): the MSD of 3 x 501 weights is s [H(t_w + t) - H(t_w)] within 5 sqrt(2 / 1503).
    harmonic = np.concatenate([[0], np.cumsum(1 / np.arange(1, 129))])
    for age in AGES:
        expected = 1e-6 * (harmonic[age + lags] - harmonic[age])
        measured = found["msd_mean"].sel(waiting_time=age).values
        np.testing.assert_allclose(measured[1:], expected[1:], rtol=5 * np.sqrt(2 / 1503))


@pytest.mark.parametrize("suffix", [".pdf", ".png", ".svg"])
def test_plot_writes_the_requested_format(observables, tmp_path, suffix):
    target = tmp_path / f"figure{suffix}"
    assert main(["plot", str(observables), "--collapse", "-o", str(target)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    head = target.read_bytes()[:5]
    assert {".pdf": b"%PDF-", ".png": b"\x89PNG\r", ".svg": b"<?xml"}[suffix] == head


def test_plotted_curves_are_the_measured_ones(observables):
    found = files.read(observables, kind="observables")
    plotted = ageing.compute(FigureInputs({"external": {"mine": [found]}}))
    figure = ageing.draw(plotted)
    displacements, overlaps, non_gaussian, times = figure.axes
    for axes, quantity in ((displacements, "msd"), (overlaps, "overlap"), (non_gaussian, "alpha2")):
        for row in range(len(AGES)):
            drawn = axes.lines[row].get_xydata()
            assert np.array_equal(drawn[:, 0], found["lag"].values[1:])
            assert np.array_equal(drawn[:, 1], found[f"{quantity}_mean"].values[row, 1:])
    # Displacements shrink as 1/t_w while t < t_w, so the time to leave the overlap length grows with the age.
    fitted = ageing.compute(FigureInputs({"external": {"mine": [found]}}, {"fit": (4, 64)}))
    assert float(fitted["exponent"][0]) > 0.5
    assert times.get_xscale() == "log"
    collapsed = ageing.draw(ageing.compute(FigureInputs({"external": {"mine": [found]}}, {"collapse": True})))
    scaled = collapsed.axes[2].lines[1].get_xydata()
    assert np.array_equal(scaled[:, 0], found["lag"].values[1:] / AGES[1])


def test_exponent_leaves_out_ages_at_which_ten_updates_are_too_long(observables):
    found = files.read(observables, kind="observables")
    slow = found["tau90"].where(found["waiting_time"] != 16, 10.0)
    fast = found.assign(tau90=slow.where(found["waiting_time"] > 4, 9.9))
    plotted = ageing.compute(FigureInputs({"external": {"mine": [fast]}}))
    assert float(plotted["fit_low"][0]) == 16 and float(plotted["fit_high"][0]) == 64


def test_runs_in_one_figure_keep_their_own_ages(observables, tmp_path):
    record(tmp_path / "short.nc", 5, slowing=False)
    short = str(tmp_path / "short-observables.nc")
    assert main(["observe", str(tmp_path / "short.nc"), "--waiting-times", "4", "--chi", "30", "-o", short]) == 0
    runs = {"long": [files.read(observables)], "short": [files.read(short)]}
    figure = ageing.draw(ageing.compute(FigureInputs({"external": runs})))
    assert [len(axes.lines) for axes in figure.axes[::4]] == [4, 1]


def test_unfinished_recording_is_measured_as_far_as_it_goes(tmp_path, capsys):
    record(tmp_path / "run.nc", 0, updates=20)
    target = tmp_path / "observables.nc"
    assert main(["observe", str(tmp_path / "run.nc"), "--chi", "3", "-o", str(target)]) == 2
    assert "run.nc.part" in capsys.readouterr().err.splitlines()[-1]
    assert main(["observe", str(tmp_path / "run.nc.part"), "--chi", "3", "-o", str(target)]) == 0
    assert files.read(target)["waiting_time"].values.tolist() == [1, 4, 16]


def test_recordings_of_different_settings_are_not_averaged(tmp_path, capsys):
    names = [str(tmp_path / f"{rate}.nc") for rate in (0.1, 0.2)]
    for seed, (name, rate) in enumerate(zip(names, (0.1, 0.2), strict=True)):
        quench.record(torch.nn.Linear(5, 1), [0], name, seed=seed, config={"lr": rate}).close()
    assert main(["observe", *names, "--waiting-times", "0", "--chi", "3", "-o", str(tmp_path / "o.nc")]) == 2
    assert f"than {names[0]}: lr is 0.2, not 0.1" in capsys.readouterr().err


def test_recordings_at_different_times_are_not_averaged(tmp_path, capsys):
    for seed, updates in enumerate((128, 20)):
        record(tmp_path / f"{seed}.nc", seed, updates)
    names = [str(tmp_path / "0.nc"), str(tmp_path / "1.nc.part")]
    assert main(["observe", *names, "--chi", "3", "-o", str(tmp_path / "o.nc")]) == 2
    assert "1.nc.part: its times differ from those of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plot", "{observables}", "-o", "figure.jpg"], "figure.jpg: give a name ending in .pdf, .png, .svg"),
        (["plot", "{observables}", "{observables}", "-o", "f.png"], "two files have the same name"),
        (["plot", "{observables}", "--fit", "3", "-o", "f.png"], "--fit: '3' has too few values"),
        (["plot", "{folder}/0.nc", "-o", "f.png"], "holds 'snapshots', not observables"),
    ],
)
def test_mistakes_in_plotting_are_reported(observables, capsys, words, message):
    given = [word.format(observables=observables, folder=observables.parent) for word in words]
    assert main(given) == 2
    assert message in capsys.readouterr().err


EXTERNAL = {"mine": {"snapshots": ["a.nc", "b.nc"], "chi": 5, "fit": [3, 30], "collapse": True}}


def test_external_run_has_its_own_figure(tmp_path):
    scenario = resolve({"external": EXTERNAL, "figures": {"my_pair": {"kind": "own_ageing", "external": ["mine"]}}})
    figure = scenario.figures["external_mine"]
    assert (figure.kind, figure.external, figure.fit, figure.collapse) == ("own_ageing", ("mine",), (3, 30), True)
    rules = Rules(scenario)
    for name in ("external_mine", "my_pair"):
        assert scenario.figures[name].module(name) == "own.ageing"
        assert rules.paths.figure_inputs(name)["external"] == {"mine": ["results/default/external/mine.nc"]}
    assert rules.options("external")({"external": "mine"}) == "--chi 5.0"
    assert (
        rules.options("figure")({"figure": "external_mine"})
        == "--scale reduced --fit 3.0,30.0 --average median --collapse"
    )
    assert rules.figure_inputs("external_mine", ["mine.nc"]) == "--external mine mine.nc"
    # A resolved scenario resolves to itself; a declared figure of that name is kept.
    (tmp_path / "config.yaml").write_text(as_yaml(scenario))
    assert load_files([tmp_path / "config.yaml"]) == scenario
    declared = {"external_mine": {"kind": "own_ageing", "external": ["mine"]}}
    assert not resolve({"external": EXTERNAL, "figures": declared}).figures["external_mine"].collapse


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"figures": {"mine": {"kind": "kwj_fig3"}}}, "figures.mine"),
        (
            {"figures": {"my_one": {"kind": "own_ageing", "external": ["mien"]}}, "external": EXTERNAL},
            "did you mean 'mine'",
        ),
        ({"external": {"mine": {"snapshots": [], "chi": 5}}}, "external.mine.snapshots"),
        ({"external": {"mine": {"snapshots": ["a.nc"], "chi": 0}}}, "external.mine.chi"),
        ({"external": {"mine": {"snapshots": ["a.nc"], "chi": 5, "waiting_time": 3}}}, "did you mean 'waiting_times'"),
    ],
)
def test_mistakes_in_the_scenario_are_reported(config, message):
    with pytest.raises(QuenchError, match=message):
        resolve(config)


def test_length_is_chosen_and_the_answer_printed(tmp_path, capsys):
    for seed in range(3):
        record(tmp_path / f"{seed}.nc", seed)
    names = [str(tmp_path / f"{seed}.nc") for seed in range(3)]
    for inputs in (names, names[:1]):
        target = tmp_path / "observables.nc"
        assert main(["observe", *inputs, "-o", str(target)]) == 0
        told = capsys.readouterr().err
        chi = files.config_of(files.read(target))["chi"]
        assert f"quench: chi = {chi:g}, the middle of " in told and "for t_w >= 16" in told
        # Two ages are resolved: three networks have an interval, one has none.
        known = len(inputs) > 1
        assert ("observables: it ages: tau90 ~ t_w^" in told) == known
        assert ("whether it ages cannot be told" in told) != known
        assert main(["plot", str(target), "-o", str(tmp_path / "figure.png")]) == 0
        assert capsys.readouterr().out.strip() in told


def test_times_are_drawn_in_the_time_of_the_schedule(observables, tmp_path, capsys):
    (tmp_path / "rates.csv").write_text("0,1e-3\n128,1e-4\n")
    assert main(["plot", str(observables), "--rates", str(tmp_path / "rates.csv"), "-o", str(tmp_path / "f.png")]) == 0
    found = files.read(observables, kind="observables")
    rates = np.array([0.0, 128.0]), np.array([1e-3, 1e-4])
    plotted = ageing.compute(FigureInputs({"external": {"mine": [found]}}, {"rates": rates}))
    # s(u) = u - 0.45 u^2 / 64 per update.
    np.testing.assert_allclose(plotted["waiting_time"], [u - 0.9 * u**2 / 256 for u in AGES])
    axes = ageing.draw(plotted).axes
    assert axes[0].get_xlabel() == "$t$ (updates at the largest rate)"


def refusal(capsys, *words):
    """The one line of a refused command."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == 2
    line = capsys.readouterr().err
    assert line.startswith("quench: ") and line.count("\n") == 1
    return line


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("200,300", "fewer than two waiting times from 200 to 300; measured: [1, 4, 16, 64]"),
        ("3,5", "fewer than two waiting times"),
        ("64,1", "fewer than two waiting times from 64 to 1"),
    ],
)
def test_fit_window_that_holds_nothing_is_refused(observables, tmp_path, capsys, window, message):
    assert message in refusal(capsys, "plot", observables, "--fit", window, "-o", tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_names_with_dollars_are_titles(observables, tmp_path):
    name = "cost$HOME$x_1"
    inputs = FigureInputs({"external": {name: [files.read(observables)]}}, {})
    figure = ageing.draw(ageing.compute(inputs))
    figure.savefig(tmp_path / "a.png")
    assert figure.axes[0].get_title().startswith(r"cost\$HOME\$x_1")


def test_frozen_weights_are_drawn_or_refused(tmp_path):
    """All curves of the non-Gaussian parameter are empty: no weight moves."""
    weights = np.random.default_rng(0).normal(size=(2, 1, 30)) * np.ones((1, 8, 1))
    frozen = xr.Dataset({"weights": (("network", "time", "weight"), weights)}, coords={"time": np.arange(8)})
    frozen.to_netcdf(tmp_path / "frozen.nc")
    words = ["--chi", "3", "--waiting-times", "1,2", "-o", str(tmp_path / "o.nc")]
    assert main(["observe", str(tmp_path / "frozen.nc"), *words]) == 0
    assert main(["plot", str(tmp_path / "o.nc"), "-o", str(tmp_path / "a.png")]) == 0


CHANGES = {
    "scalar": lambda found, name: found.drop_vars(name).assign({name: 1.5}),
    "text": lambda found, name: found.assign({name: found[name].astype(str)}),
    "absent": lambda found, name: found.drop_vars(name),
    "nan": lambda found, name: found.assign({name: found[name].astype(float) * np.nan}),
}
DRAWN = ("overlap_mean", "msd_low", "alpha2_high", "tau90_mean", "n_weights", "waiting_time", "lag")


@pytest.mark.parametrize(
    ("name", "change"),
    # The name of a dimension cannot be that of a scalar.
    [(name, change) for name in DRAWN for change in CHANGES if change != "scalar" or name not in DRAWN[-2:]],
)
def test_odd_observables_of_other_programs_are_drawn_or_refused_in_one_line(
    observables, tmp_path, capsys, name, change
):
    found = files.read(observables).load()
    found.attrs = {}
    CHANGES[change](found, name).to_netcdf(tmp_path / "odd.nc")
    if change == "nan" and name not in ("overlap_mean", "waiting_time", "lag", "n_weights"):
        assert main(["plot", str(tmp_path / "odd.nc"), "-o", str(tmp_path / "a.png")]) == 0
    else:
        line = refusal(capsys, "plot", tmp_path / "odd.nc", "-o", tmp_path / "a.png")
        assert "odd" in line and (change != "text" or name in line)
