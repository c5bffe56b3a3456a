"""Quantities of BJ's claims on planted numbers: cases in which an average over too much gave another verdict."""

import dataclasses
import math

import numpy as np
import pytest
import xarray as xr

from quench.claims import bj_dynamics, bj_learning, judge
from quench.claims.measured import Missing
from quench.dynamics.two_time import TwoTimeSchedule
from quench.estimators.rescaling import TwoTimeCurves
from quench.figures.bj import flat, panels

TIMES = np.unique(np.round(np.geomspace(1, 1e5, 200))).astype(int)
SPEEDS = np.array([1.0, 1.1, 0.9])


def learning(loss, t1=100.0, t2=1000.0, **more):
    """Fig. 2 of three networks that learn alike but for their speed: ``loss`` (updates)."""
    table = np.array([loss(TIMES * speed) for speed in SPEEDS])
    coords = {"time": TIMES, "network": np.arange(3)}
    numbers = {
        "train_loss_single": (("network", "time"), table),
        "t1_single": ("network", t1 / SPEEDS),
        "t2_single": ("network", t2 / SPEEDS),
        "final_loss_single": ("network", table[:, -1]),
    }
    return xr.Dataset(
        numbers | more | {"t1": t1, "t2": t2, "constant_loss": 1.0, "steps": 1e5}, coords=coords
    ).expand_dims(panel=["b"])


def log_linear(times):
    return 1 - np.clip(np.log(times / 100) / np.log(10), 0, 1) * 0.99


def test_linearity_is_judged_from_t1_to_t2_as_stated():
    assert bj_learning.log_linearity(learning(log_linear), "b").value == pytest.approx(1)
    # Straight over nine tenths of the fall, then a long tail that lies before t2, too.
    bent = lambda t: np.where(t < 1e3, log_linear(t) * 0.9 + 0.1, 0.1 * (1e3 / np.maximum(t, 1e3)) ** 0.5)  # noqa: E731
    found = bj_learning.log_linearity(learning(bent, t2=3e4), "b")
    assert found.value < 0.9
    assert judge.verdict(found, (0.95, math.inf))[0] == judge.NOT_REPRODUCED


def test_loss_that_still_falls_has_no_asymptote():
    falling = learning(lambda t: 0.5 * (1e4 / np.maximum(t, 10)) ** 0.19)
    assert bj_learning.final_loss(falling, "b").value > 0.05
    found = bj_learning.final_decay(falling, "b")
    assert found.value == pytest.approx(-0.19)
    assert judge.verdict(found, (-0.05, math.inf))[0] == judge.NOT_REPRODUCED
    assert bj_learning.final_decay(learning(lambda t: 0 * t + 0.3), "b").value == pytest.approx(0)


def test_noise_that_rises_sixfold_is_not_constant():
    """At the end it is its own maximum, which the old quantity called constant."""
    noise = np.array([1e-3 * (1 + 5 * np.clip(np.log(TIMES / 100) / np.log(1e3), 0, 1))] * 3)
    numbers = learning(log_linear, noise_single=(("network", "time"), noise))
    found = bj_learning.noise_range(numbers, "b")
    assert found.value == pytest.approx(6, rel=0.05)
    assert judge.verdict(found, (-math.inf, 2))[0] == judge.NOT_REPRODUCED


def test_crossover_that_is_not_reached_is_a_bound():
    numbers = learning(log_linear).assign(t2_single=("network", [np.nan] * 3))
    found = bj_learning.crossover_ratio(numbers, "b")
    assert found.beyond and found.value == pytest.approx(1e5 / 100 * np.prod(SPEEDS) ** (1 / 3))
    assert judge.verdict(found, (100, math.inf))[0] == judge.REPRODUCED
    assert (
        judge.verdict(bj_learning.crossover_ratio(learning(log_linear), "b"), (100, math.inf))[0]
        == judge.NOT_REPRODUCED
    )


def test_contrast_of_widths_is_between_independent_networks():
    numbers = xr.Dataset(
        {"relative_loss_single": (("width", "network"), [[0.5, 0.6, 0.4], [0.01, 0.02, 0.005]])},
        coords={"width": [2, 9]},
    )
    found = bj_learning.width_contrast(numbers, "relative_loss")
    assert found.low < found.value < found.high and found.n_networks == 3


def power(exponent):
    return lambda t: np.where(t < 100, 1, (np.maximum(t, 100) / 100.0) ** -exponent)


def models(**losses):
    parts = [learning(loss).assign_coords(panel=[name]) for name, loss in losses.items()]
    return xr.concat(parts, "panel")


def test_several_slow_descents_need_two_models():
    numbers = models(a=power(0.9), b=power(0.3), c=power(0.5))
    assert bj_learning.slow_descent(numbers, 1).value == pytest.approx(0.3)
    assert bj_learning.slow_descent(numbers, 2).value == pytest.approx(0.5)
    assert judge.verdict(bj_learning.slow_descent(numbers, 3), (-math.inf, 0.6))[0] == judge.NOT_REPRODUCED
    with pytest.raises(Missing):
        bj_learning.slow_descent(numbers, 4)


def test_blunt_crossover_is_wider_than_every_other():
    """A power law goes from 0.95 to 0.85 and from 5 % to 1 % in log(95/85) / a and log(5) / a; it ends near zero."""
    numbers = models(a=power(2.0), b=power(3.0), c=power(4.0))
    expected = (1 / 2.0 - 1 / 3.0) * np.log10(95 / 85 * 5)
    assert bj_learning.blunter(numbers, "a").value == pytest.approx(expected, rel=0.05)
    assert bj_learning.blunter(numbers, "c").value < 0
    with pytest.raises(Missing):
        bj_learning.blunter(numbers.isel(panel=[0]), "a")


def test_change_of_a_crossover_is_that_of_the_same_network():
    numbers = models(a=log_linear, b=log_linear)
    numbers["t2_single"][0] *= 3
    found = bj_learning.crossover_change(numbers, "a", "b", "t2")
    assert (found.value, found.low, found.high) == pytest.approx((3, 3, 3))
    assert bj_learning.crossover_change(numbers, "a", "b", "t1").value == pytest.approx(1)


def lines(height, weights):
    """One line between times, flat, and three between networks with their barrier in the middle."""
    loss = np.array([[0.1, 0.1, 0.1], *([0.1, 0.1 + own, 0.1] for own in height * SPEEDS)])
    return xr.Dataset(
        {
            "line_loss": (("line", "point"), loss),
            "line_seeds_differ": ("line", [0.0, 1, 1, 1]),
            "line_start": ("line", [10, 20, 20, 20]),
            "constant_loss": 2.0,
            "n_weights": weights,
        }
    )


def test_barriers_shrink_with_size_as_a_power():
    parts = [lines(1.0, 100).expand_dims(panel=["small"]), lines(0.25, 1600).expand_dims(panel=["large"])]
    numbers = xr.concat(parts, "panel")
    assert bj_dynamics.barrier(numbers, "small", "networks").value == pytest.approx(0.5)
    assert bj_dynamics.barrier(numbers, "small", "times").value == 0
    found = bj_dynamics.barrier_exponent(numbers, "small", "large")
    assert found.value == pytest.approx(-0.5) and found.low < -0.5 < found.high
    assert bj_dynamics.barrier_exponent(numbers, "large", "small").value == pytest.approx(-0.5)
    grown = numbers.assign(line_loss=0.1 + (numbers["line_loss"] - 0.1) * xr.DataArray([1.0, 8.0], dims="panel"))
    assert bj_dynamics.barrier_exponent(grown, "small", "large").value == pytest.approx(0.25)


def spectrum(largest, flat_value):
    """Spectra at three times: the largest eigenvalue and the size of the others, for two networks of 100 weights."""
    nodes = np.array([[np.full(100, size) for size in flat_value]] * 2)
    nodes[:, :, -1] = largest
    return xr.Dataset(
        {
            "edges": (("network", "time", "edge"), [[[0.0, top] for top in largest]] * 2),
            "nodes": (("network", "time", "probe", "node"), nodes[:, :, None]),
            "node_weights": (("network", "time", "probe", "node"), np.full((2, 3, 1, 100), 0.01)),
        },
        coords={"time": [0, 300, 20_000]},
    )


def gain(shares):
    numbers = xr.Dataset(shares).rename(time="measured").expand_dims(panel=["tiny"])
    return bj_dynamics.flat_gain(numbers, "tiny").value


def test_flat_directions_are_counted_with_one_threshold():
    """The largest eigenvalue swings by twenty and the others stay: relative to it some are flat for a while, none is new."""
    found = spectrum([0.4, 8.0, 0.4], [1e-3, 1e-3, 1e-3])
    shares = flat._shares_of(found)
    assert shares["flat"].values == pytest.approx([0, 0, 0])
    relative = (abs(found["nodes"]) < flat.THRESHOLD * found["edges"].isel(edge=1)).mean("node")
    assert relative.mean("network").values.ravel() == pytest.approx([0, 0.99, 0])
    assert gain(shares) == pytest.approx(0)
    assert gain(flat._shares_of(spectrum([0.4, 8.0, 0.4], [1e-3, 1e-3, 1e-6]))) == pytest.approx(0.99)


def test_plateau_is_judged_on_old_ages_and_its_own_lags():
    """A plateau within an epoch of t_w late in the run; early ages and other lags do not show it."""
    waiting, lags = np.array([100, 8_000, 16_000]), np.unique(np.round(np.geomspace(1, 1e4, 60)))
    flat_one = np.interp(np.log(lags), np.log([1, 18, 41, 1e4]), np.log([1, 10, 12, 1e3]))
    table = np.exp([np.log(lags), flat_one, flat_one])
    one = xr.Dataset(
        {
            "displacement_single": (("network", "waiting_time", "lag"), SPEEDS[:, None, None] * table),
            "epoch": 40.0,
            "steps": 30_000,
        },
        coords={"waiting_time": waiting, "lag": lags},
    )
    free = one.assign(displacement_single=one["displacement_single"] * 0 + lags)
    numbers = xr.concat([one, free], "sampling").assign_coords(sampling=["epoch", "iid"])
    assert bj_dynamics.plateau_slope(numbers, "epoch").value < 0.35
    assert bj_dynamics.plateau_slope(numbers, "iid").value == pytest.approx(1)
    assert bj_dynamics.plateau_slope(numbers, "epoch", age=0.0).value > 0.4
    with pytest.raises(Missing):
        bj_dynamics.plateau_slope(numbers, "other")


def test_curves_flatten_when_the_bottom_is_reached():
    waiting, lags = np.array([100, 300, 3000]), np.unique(np.round(np.geomspace(1, 1e5, 80)))
    table = np.array([np.minimum(lags, 1000 - w if w < 1000 else 1e6) for w in waiting])
    numbers = xr.Dataset(
        {
            "displacement_single": (("network", "waiting_time", "lag"), SPEEDS[:, None, None] * table),
            "t1": 50.0,
            "t2": 1e3,
        },
        coords={"waiting_time": waiting, "lag": lags},
    )
    assert bj_dynamics.flattening(numbers).value == pytest.approx(0, abs=1e-9)
    growing = numbers.assign(displacement_single=numbers["displacement_single"] * 0 + lags)
    assert judge.verdict(bj_dynamics.flattening(growing), (-math.inf, 0.4))[0] == judge.NOT_REPRODUCED


def curves_of_exploration():
    """Displacements that agree for t_w <= t1 / 2 and lie a factor of three higher for t_w between t1 / 2 and t1."""
    schedule = TwoTimeSchedule(2000, windows=1)
    t1 = 300.0
    table = np.full((3, *schedule.starts.shape, len(schedule.lags)), np.nan)
    for pairs in schedule.pairs.values():
        for w, k, lag in pairs:
            table[:, w, k, lag] = SPEEDS * schedule.lags[lag] * (3 if schedule.waiting_times[w] > t1 / 2 else 1)
    times = np.arange(0, 2001, 100)
    noise = np.ones((3, len(times)))
    shape = (schedule.waiting_times, schedule.starts, schedule.lags, table, times, noise, noise, 0 * noise)
    return TwoTimeCurves(*shape, 0.1, 10, 50), t1


def test_exploration_is_judged_up_to_t1_as_stated():
    curves, t1 = curves_of_exploration()
    score = panels.collapse(curves, t1, np.inf, 100, 2000)
    numbers = xr.Dataset({"score": score, "n_networks": 3})
    found = bj_dynamics.score(numbers, "exploration", "epoch", "raw")
    assert found.value > 0.1 and found.n_networks == 3
    early = curves.waiting_times <= t1 / 2
    assert np.ptp(np.log(curves.rescaled("raw")[early][:, 3])) < 1e-12


def test_scatter_of_one_network_has_no_interval():
    curves, t1 = curves_of_exploration()
    names = ("displacement", "noise", "gradient_square", "gradient_square_error")
    single = dataclasses.replace(curves, **{name: getattr(curves, name)[:1] for name in names})
    numbers = xr.Dataset({"score": panels.collapse(single, t1, np.inf, 100, 2000), "n_networks": 1})
    found = bj_dynamics.score(numbers, "exploration", "epoch", "raw")
    assert found.reason == "no interval: 1 network"
    with pytest.raises(Missing, match="t2"):
        bj_dynamics.slowdown(numbers.assign(t1=t1, t2=np.nan, waiting_time=[1], lag=[1]), "bottom")
