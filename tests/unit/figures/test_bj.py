"""BJ's figures and the quantities of their claims, on trainings with known answers and on degenerate ones."""

import importlib

import numpy as np
import pytest
import xarray as xr

from quench.claims import bj_dynamics, bj_learning, judge
from quench.dynamics.schedule import log_spaced
from quench.dynamics.two_time import TwoTimeSchedule
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.observables.hessian import Spectrum

STEPS, RATE, BATCH, N_WEIGHTS, N_TRAIN = 10_000, 0.1, 10, 50, 1000
CONSTANT = np.log(10)
T1, T2 = 30.0, 1000.0
SCHEDULE = TwoTimeSchedule(STEPS, windows=3)
TIMES = np.unique(np.concatenate([[0], log_spaced(1, STEPS, 12), SCHEDULE.waiting_times]))
ALL = ("fig2", "fig3", "fig4", "fig5", "collapse", "plateau", "drift", "flat", "width", "glass")


def three_regimes(times):
    """Flat, linear in log t from T1 to T2, zero; t1 and t2 are where 10 % and 98 % of the fall have passed."""
    return CONSTANT * (1 - np.clip(np.log(np.maximum(times, 1) / T1) / np.log(T2 / T1), 0, 1))


def falling_noise(times):
    """Constant up to T2, then D ~ 1/t^2 as in a network that fits its images."""
    return 1e-3 / (1 + (times / T2) ** 2)


def training(networks=2, widths=(5,), sampling="epoch", reached=True, model="B"):
    """A run with planted losses and pure diffusion: Delta = (alpha^2 / B) sum D."""
    sums = np.concatenate([[0], np.cumsum(falling_noise(np.arange(STEPS)))])
    delta = np.full((*SCHEDULE.starts.shape, len(SCHEDULE.lags)), np.nan)
    for pairs in SCHEDULE.pairs.values():
        for w, k, lag in pairs:
            start = SCHEDULE.starts[w, k]
            delta[w, k, lag] = RATE**2 / BATCH * (sums[start + SCHEDULE.lags[lag]] - sums[start])
    loss = three_regimes(TIMES) if reached else np.full(len(TIMES), CONSTANT)
    curves = {
        "train_loss": loss,
        "test_loss": loss + 0.1,
        "train_accuracy": 1 - 0.9 * loss / CONSTANT,
        "test_accuracy": 0.9 - 0.8 * loss / CONSTANT,
        "noise": falling_noise(TIMES),
        "gradient_square": np.full(len(TIMES), 1e-30),
        "gradient_square_error": np.zeros(len(TIMES)),
    }
    config = {
        "model": model,
        "widths": list(widths),
        "sampling": sampling,
        "rate": RATE,
        "batch_size": BATCH,
        "n_weights": N_WEIGHTS * widths[0],
        "n_train": N_TRAIN,
        "n_classes": 10,
        "constant_loss": CONSTANT,
        "steps": STEPS,
    }
    made = xr.Dataset(
        {name: (("network", "time"), np.tile(values, (networks, 1))) for name, values in curves.items()}
        | {
            "displacement": (("network", "waiting_time", "start", "lag"), np.tile(delta, (networks, 1, 1, 1))),
            "start_time": (("waiting_time", "start"), SCHEDULE.starts),
            "weights": (("network", "kept_time", "weight"), np.zeros((networks, 1, 3), dtype=np.float32)),
        },
        coords={
            "time": TIMES,
            "waiting_time": SCHEDULE.waiting_times,
            "lag": SCHEDULE.lags,
            "kept_time": [0],
            "seed": ("network", np.arange(networks)),
            "diverged_at": ("network", np.full(networks, -1)),
        },
    )
    import json

    return made.assign_attrs(kind="training", config=json.dumps(config))


def spectra(first=0.5, last=0.9):
    """Two times: shares of flat directions ``first`` and ``last``, of negative curvature 20 % and 1 %."""
    rows = []
    for flat, negative in ((first, 0.2), (last, 0.01)):
        size = 1000
        values = np.concatenate(
            [
                np.full(round(size * negative), -0.1),
                np.zeros(round(size * flat)),
                np.ones(size - round(size * negative) - round(size * flat)),
            ]
        )
        rows.append(Spectrum(values[None], np.full((1, size), 1 / size), size, 1.0, -0.1, True))
    shares = {
        kind: [[[s.value, s.low, s.high] for s in map(getattr(row, kind), (1e-4, 1e-3, 1e-2))] for row in rows]
        for kind in ("flat", "negative")
    }
    by_time = ("network", "time")
    return xr.Dataset(
        {
            "edges": ((*by_time, "edge"), [[[row.smallest, row.largest] for row in rows]]),
            "flat": ((*by_time, "threshold", "bound"), [shares["flat"]]),
            "negative": ((*by_time, "threshold", "bound"), [shares["negative"]]),
            "nodes": ((*by_time, "probe", "node"), np.stack([row.nodes for row in rows])[None]),
            "node_weights": ((*by_time, "probe", "node"), np.stack([row.weights for row in rows])[None]),
            "line_loss": (("line", "point"), [[1.0, 0.5, 0.01], [0.01, 0.5, 0.02]]),
            "line_ends": (("line", "end", "coordinate"), [[[0, 0], [0, 5]], [[0, 5], [1, 5]]]),
        },
        coords={"time": [0, 5], "threshold": [1e-4, 1e-3, 1e-2], "point": [0.0, 0.5, 1.0]},
    )


def beside(ratio):
    lags = np.array([1, 10, 100, 1000])
    sgd = RATE**2 / BATCH * 1e-3 * lags
    return xr.Dataset(
        {
            "sgd": (("network", "waiting_time", "lag"), sgd[None, None]),
            "gradient_descent": (("network", "waiting_time", "lag"), (sgd * ratio)[None, None]),
            "cosine": (("network", "waiting_time", "lag"), np.full((1, 1, 4), 0.5)),
        },
        coords={"waiting_time": [2000], "lag": lags, "seed": ("network", [0])},
    )


def glass():
    waiting, lags = np.array([1.0, 10.0]), np.array([0.0, 1.0, 10.0])
    return xr.Dataset(
        {"correlation": (("waiting_time", "lag"), 1 - 0.3 * (1 - np.exp(-lags / waiting[:, None])))},
        coords={"waiting_time": waiting, "lag": lags},
    )


def inputs_of(figure, make=training):
    one, both = {"b": [make()]}, {"b": [make()], "c": [make(model="C")]}
    given = {
        "fig2": {"classifiers": both},
        "fig3": {"classifiers": one},
        "fig4": {"classifiers": both},
        "fig5": {"classifiers": one},
        "collapse": {"classifiers": both},
        "plateau": {"classifiers": {"epoch": [make()], "iid": [make(sampling="iid")]}},
        "drift": {"classifiers": one, "drift": {"b": [beside(np.array([0.01, 0.1, 0.5, 0.9]))]}},
        "flat": {"classifiers": both, "flatness": {"b": [spectra()], "c": [spectra()]}},
        "width": {"classifiers": {"w5": [make()], "w9": [make(widths=(9,))]}},
        "glass": {"classifiers": one, "glass": {"ck": [glass()]}},
    }
    return FigureInputs(given[figure])


def numbers(figure, make=training):
    module = importlib.import_module(f"quench.figures.bj.{figure}")
    inputs = inputs_of(figure, make)
    return module, module.compute(inputs).assign_attrs(scale_label=inputs.scale_label())


@pytest.mark.slow
@pytest.mark.parametrize("figure", ALL)
@pytest.mark.parametrize("make", [training, lambda **more: training(networks=1, reached=False, **more)])
def test_every_figure_can_be_drawn_even_where_nothing_is_learnt(figure, make, tmp_path):
    module, plotted = numbers(figure, make)
    with style.applied():
        module.draw(plotted).savefig(tmp_path / "figure.png")
    plotted.to_netcdf(tmp_path / "figure.nc")  # what is plotted can be kept
    assert module.TITLE
    assert module.CAPTION


def test_crossovers_of_the_planted_losses():
    one = numbers("fig2")[1].sel(panel="b")
    # Linear in log t: exact but for the cells of the grid that straddle a kink (12 a decade).
    assert float(one["t1"]) == pytest.approx(T1 * (T2 / T1) ** 0.1, rel=0.1)
    assert float(one["t2"]) == pytest.approx(T1 * (T2 / T1) ** 0.98, rel=0.1)
    plotted = numbers("fig2")[1]
    assert bj_learning.initial_loss(plotted, "b").value == pytest.approx(0, abs=1e-9)
    assert bj_learning.log_linearity(plotted, "b").value > 0.999
    assert bj_learning.final_loss(plotted, "b").value == pytest.approx(0, abs=1e-9)
    assert bj_learning.slowing(plotted, "b").value < 0.05
    assert bj_learning.accuracy(plotted, "b").value == 1
    assert bj_learning.crossover_ratio(plotted, "b").value == pytest.approx((T2 / T1) ** 0.88, rel=0.15)


def test_pure_diffusion_collapses_on_its_accumulated_noise():
    plotted = numbers("collapse")[1]
    accumulated = {"regime": "bottom", "rescaling": "accumulated_noise", "panel": "b"}
    initial = accumulated | {"rescaling": "initial_noise"}
    # Noise between the measurements is interpolated: D bends at T2 by 2 powers over one cell of 0.08 decades.
    assert bj_dynamics.score(plotted, window="half", **accumulated).value < 0.01
    # For D ~ 1/t^2 the sum over D(t_w) is t t_w / (t_w + t), which still depends on t_w where t is not short.
    assert bj_dynamics.score(plotted, window="half", **initial).value > 0.03
    assert bj_dynamics.score_ratio(plotted, "b", "accumulated_noise", "initial_noise").value < 0.2
    assert bj_dynamics.amplitude(plotted, "b").value == pytest.approx(1, abs=0.02)
    assert bj_dynamics.early_prediction(plotted, "b").value == pytest.approx(1, abs=0.02)
    # Before T2 nothing changes: no ageing at all.
    assert bj_dynamics.score(plotted, "exploration", "epoch", "raw", "b").value < 0.01
    assert bj_dynamics.score(plotted, "ageing", "epoch", "raw", "b").value < 0.2


def test_slopes_of_pure_diffusion():
    plotted = numbers("fig4")[1]
    # Lags far below t_w > T2, over which D is constant; D ~ 1/t^2 bends later ones down.
    assert bj_dynamics.slope(plotted, "b", 0).value == pytest.approx(1, abs=0.01)
    assert bj_dynamics.slope(plotted, "b", 3).value < 0.8
    assert bj_dynamics.smallest_slope(plotted, "b").value <= bj_dynamics.slope(plotted, "b", 3).value
    assert np.isnan(bj_dynamics.slope(plotted, "b", 5).value)


def test_characteristic_times_grow_where_the_noise_falls():
    plotted = numbers("fig3")[1]
    # For t_w > T2, D ~ t_w^-2, and the time to a fixed displacement grows at least as fast while it is short.
    assert bj_dynamics.slowdown(plotted, "bottom").value > 1
    early = numbers("fig3")[1].assign(t2=300.0)
    assert abs(bj_dynamics.slowdown(early, "ageing").value) < 0.2


def test_drift_and_its_crossover():
    plotted = numbers("drift")[1]
    assert bj_dynamics.drift_share(plotted, 1000).value == pytest.approx(0.9)
    assert bj_dynamics.drift_share(plotted, 2).value == pytest.approx(0.01)
    assert "outside" in bj_dynamics.share_at_crossover(plotted).reason  # no gradient: t* is beyond any lag
    inside = plotted.assign(crossover_single=(("network", "waiting_time"), [[100.0]]))
    assert bj_dynamics.share_at_crossover(inside).value == pytest.approx(0.5)


def test_crossover_is_that_of_the_network_whose_descent_is_measured():
    """Of four networks the last alone was restarted: its noise and gradient count, not those of the others."""
    trained = training(networks=4)
    trained["gradient_square"] = trained["gradient_square"] * 0 + xr.DataArray([1.0, 1.0, 1.0, 4.0], dims="network")
    descent = beside(np.array([0.01, 0.1, 0.5, 0.9])).assign_coords(seed=("network", [3]))
    module = importlib.import_module("quench.figures.bj.drift")
    plotted = module.compute(FigureInputs({"classifiers": {"b": [trained]}, "drift": {"b": [descent]}}))
    noise = np.interp(np.log(2000), np.log(TIMES[1:]), falling_noise(TIMES)[1:])
    assert plotted["crossover_single"].values.ravel() == pytest.approx([noise * N_WEIGHTS * 5 / (BATCH * 4)], rel=0.02)


def test_flat_directions_and_barriers():
    plotted = numbers("flat")[1]
    assert plotted["flat"].sel(panel="b").values == pytest.approx([0.5, 0.9])
    assert bj_dynamics.flat_gain(plotted, "b").value == pytest.approx(0.4)
    assert bj_dynamics.negative_ratio(plotted, "b").value == pytest.approx(0.05)
    assert bj_dynamics.barrier(plotted, "b", "times").value == 0
    assert bj_dynamics.barrier(plotted, "b", "networks").value == pytest.approx((0.5 - 0.02) / CONSTANT)
    cumulative = plotted.sel(panel="b").isel(measured=1)["cumulative"]
    assert float(cumulative.sel(magnitude=0.5, method="nearest")) == pytest.approx(0.91, abs=0.001)


def test_width_contrasts_and_ends():
    plotted = numbers("width")[1]
    assert plotted["width"].values.tolist() == [5, 9]
    assert bj_learning.width_contrast(plotted, "relative_noise").value == pytest.approx(0)
    noise = falling_noise(TIMES[TIMES >= 2 / 3 * STEPS]).mean() / falling_noise(0)
    np.testing.assert_allclose(plotted["relative_noise_single"], noise)
    np.testing.assert_allclose(plotted["final_loss_single"], 0, atol=1e-9)


def test_plateau_and_constant_noise():
    plotted = numbers("plateau")[1]
    epoch, iid = (bj_dynamics.plateau_slope(plotted, sampling).value for sampling in ("epoch", "iid"))
    assert epoch == pytest.approx(iid)
    assert 0.5 < epoch <= 1.0
    after = falling_noise(TIMES[TIMES > T1 * (T2 / T1) ** 0.1])
    assert bj_learning.noise_range(numbers("fig5")[1]).value == pytest.approx(after.max() / after.min(), rel=0.01)


def test_network_that_learns_nothing_gets_reasons_instead_of_numbers():
    plain = lambda **more: training(networks=1, reached=False, **more)  # noqa: E731
    plotted = numbers("fig2", plain)[1]
    for quantity in (bj_learning.initial_loss, bj_learning.slowing, bj_learning.crossover_ratio):
        assert judge.measure(quantity, [plotted], {"panel": "b"}).reason
    found = judge.measure(bj_dynamics.slowdown, [numbers("fig3", plain)[1]], {"regime": "bottom"})
    assert np.isnan(found.value)
    assert found.reason == "t2 is not reached"


def test_every_waiting_time_is_in_one_panel_as_printed():
    module, plotted = numbers("fig3")
    drawn = module.draw(plotted)
    together, *parts = ([line.get_xydata() for line in ax.lines if line.get_color() != "0.88"] for ax in drawn.axes[:4])
    assert len(together) == sum(map(len, parts)) > 0
