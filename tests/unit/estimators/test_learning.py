"""Crossover times of curves with known crossovers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.estimators.learning import arrival, crossovers, final_loss, noise_arrival, onset, smoothed

TIMES = np.unique(np.round(np.geomspace(1, 1e6, 400)))


def three_regimes(onset_at, arrival_at, constant=2.3, final=0.0):
    """Flat, linear in log t, flat."""
    share = np.clip(np.log(TIMES / onset_at) / np.log(arrival_at / onset_at), 0, 1)
    return constant + (final - constant) * share


@given(st.floats(5, 200), st.floats(20, 300), st.floats(0, 0.04))
@settings(max_examples=50, deadline=None)
def test_crossovers_of_a_piecewise_linear_curve(first, ratio, remainder):
    constant = 2.3
    final = remainder * constant
    loss = three_regimes(first, first * ratio, constant, final)
    # L = L_c + (L_f - L_c) s: t1 at s = 0.1 L_c / (L_c - L_f), t2 at s = 0.98, linear in log t as is the interpolation.
    # Near the kinks a grid cell of ratio 1.035 may straddle one.
    t1 = first * ratio ** (0.1 / (1 - remainder))
    assert onset(TIMES, loss, constant) == pytest.approx(t1, rel=0.04)
    assert arrival(TIMES, loss, constant) == pytest.approx(first * ratio**0.98, rel=0.04)
    assert final_loss(TIMES, loss) == pytest.approx(final, abs=1e-12)


def test_final_loss_is_the_mean_over_the_last_third():
    times = np.arange(91.0)
    assert final_loss(times, times) == 75
    assert final_loss(times, np.where(times < 60, 9.0, 1.0)) == 1


def test_a_single_spike_moves_neither():
    loss = three_regimes(30, 3000)
    spiked = loss.copy()
    spiked[np.searchsorted(TIMES, 5)] = 0.0  # would be an onset
    spiked[np.searchsorted(TIMES, 20000)] = 2.0  # after the arrival
    assert onset(TIMES, spiked, 2.3) == onset(TIMES, loss, 2.3)
    assert arrival(TIMES, spiked, 2.3) == arrival(TIMES, loss, 2.3)
    assert smoothed(spiked)[np.searchsorted(TIMES, 5)] == 2.3


def test_loss_that_stays_high_has_no_arrival():
    loss = three_regimes(30, 3000, final=0.06 * 2.3)
    t1, t2 = crossovers(TIMES, loss[None], 2.3)
    assert t1.reached
    assert not t2.reached
    # The bottom is a final loss below 5 % of the constant predictor's.
    assert crossovers(TIMES, three_regimes(30, 3000, final=0.049 * 2.3)[None], 2.3)[1].reached
    assert not crossovers(TIMES, np.full((1, len(TIMES)), 2.3), 2.3)[0].reached


def test_intervals_contain_the_nominal_time_and_grow_with_the_scatter_of_networks():
    rng = np.random.default_rng(0)
    losses = np.stack([three_regimes(30 * f, 3000 * f) for f in np.exp(rng.normal(0, 0.3, 16))])
    t1, t2 = crossovers(TIMES, losses, 2.3)
    for crossover in (t1, t2):
        low, high = crossover.sensitivity
        assert low < crossover.time < high
        low, high = crossover.interval
        assert low < crossover.time < high
        assert len(crossover.single) == 16
    # 16 networks that scatter by 30 %: the mean is known to about 7.5 %, so 95 % of it is about 30 % wide.
    assert 0.1 < np.log(t2.interval[1] / t2.interval[0]) < 0.6
    assert t1.single[3] == onset(TIMES, losses[3], 2.3)
    mean = losses.mean(axis=0)
    assert t1.sensitivity == (onset(TIMES, mean, 2.3, 0.95), onset(TIMES, mean, 2.3, 0.85))
    assert t2.sensitivity == (arrival(TIMES, mean, 2.3, 0.05), arrival(TIMES, mean, 2.3, 0.01))
    alone = crossovers(TIMES, losses[:1], 2.3)[0]
    assert np.isnan(alone.interval).all()
    assert np.isfinite(alone.sensitivity).all()


def test_diverged_networks_are_left_out():
    losses = np.stack([three_regimes(30, 3000), np.full(len(TIMES), np.nan)])
    assert crossovers(TIMES, losses, 2.3)[1].time == arrival(TIMES, losses[0], 2.3)
    assert not crossovers(TIMES, losses[1:], 2.3)[0].reached


def test_measurement_at_time_zero_is_left_out():
    times = np.concatenate([[0], TIMES])
    loss = np.concatenate([[2.3], three_regimes(30, 3000)])
    assert onset(times, loss, 2.3) == onset(TIMES, loss[1:], 2.3)


def test_noise_that_falls_after_its_maximum():
    noise = np.where(TIMES < 100, TIMES, 1e4 / TIMES)  # rises to 100, then falls as 1/t
    assert noise_arrival(TIMES, noise) == pytest.approx(1000, rel=0.05)
    assert np.isnan(noise_arrival(TIMES, np.ones(len(TIMES))))
