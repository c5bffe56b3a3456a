"""Rescalings, scores, slopes and exponents of random walks with known noise."""

import numpy as np
import pytest

from quench.dynamics.two_time import TwoTimeSchedule, displacement_of_snapshots
from quench.estimators.rescaling import (
    RESCALINGS,
    TwoTimeCurves,
    accumulated,
    ageing_exponent,
    collapse_score,
    drift_crossover,
    interpolated,
    score_with_interval,
    slopes_per_decade,
    time_to_displacement,
)

RATE, BATCH, N_WEIGHTS = 0.1, 20, 4000
SCHEDULE = TwoTimeSchedule(2000, windows=4)
TIMES = np.unique(np.concatenate([[0], np.round(np.geomspace(1, 2000, 40))])).astype(int)


def falling_noise(t):
    return 3e-3 / (1 + t)  # a power of t + 1: the interpolation in log t is exact


def curves(displacement, gradient_square=1e-30):
    networks = len(displacement)
    return TwoTimeCurves(
        SCHEDULE.waiting_times,
        SCHEDULE.starts,
        SCHEDULE.lags,
        displacement,
        TIMES,
        np.tile(falling_noise(TIMES), (networks, 1)),
        np.full((networks, len(TIMES)), gradient_square),
        RATE,
        BATCH,
        N_WEIGHTS,
    )


def planted(gradient_square=0.0):
    """The exact mean displacement of uncorrelated steps of variance alpha^2 D / B, plus a straight drift."""
    sums = np.concatenate([[0], np.cumsum(falling_noise(np.arange(2000)))])
    table = np.full((1, *SCHEDULE.starts.shape, len(SCHEDULE.lags)), np.nan)
    for pairs in SCHEDULE.pairs.values():
        for w, k, lag in pairs:
            start, t = SCHEDULE.starts[w, k], SCHEDULE.lags[lag]
            drift = gradient_square * t**2 / N_WEIGHTS
            table[0, w, k, lag] = RATE**2 * ((sums[start + t] - sums[start]) / BATCH + drift)
    return table


def test_interpolation_and_sums_are_exact_for_a_power_law():
    at = np.array([0, 3, 17, 1999])
    np.testing.assert_allclose(interpolated(TIMES, falling_noise(TIMES), at), falling_noise(at), rtol=1e-12)
    sums = accumulated(TIMES, falling_noise(TIMES))
    assert len(sums) == 2001
    np.testing.assert_allclose(sums[-1], falling_noise(np.arange(2000)).sum(), rtol=1e-12)
    assert np.isnan(interpolated(TIMES, np.full(len(TIMES), np.nan), at)).all()


def test_accumulated_noise_collapses_diffusion_of_changing_strength():
    found = curves(planted())
    amplitude = found.amplitude()
    np.testing.assert_allclose(amplitude[np.isfinite(amplitude)], 1, rtol=1e-9)
    scores = {name: score_with_interval(found, name, (10, 1000), (1, 1000))[0] for name in ("raw", *RESCALINGS)}
    assert scores["accumulated_noise"] == pytest.approx(0, abs=1e-9)
    assert scores["prediction"] == pytest.approx(0, abs=1e-9)
    # D(t_w) is right at short lags only: D falls by a factor of 90 within the longest.
    assert scores["initial_noise"] > 0.1
    assert score_with_interval(found, "initial_noise", (100, 1000), (1, 10))[0] < 0.02


def test_prediction_includes_a_drift():
    drift = 1e-3
    found = curves(planted(drift), drift)
    prediction = found.rescaled("prediction")
    np.testing.assert_allclose(prediction[np.isfinite(prediction)], 1, rtol=1e-9)
    assert np.nanmax(found.amplitude()) > 10


def test_a_simulated_walk_is_judged_as_the_planted_one():
    rng = np.random.default_rng(3)
    scale = RATE * np.sqrt(falling_noise(np.arange(2000)) / BATCH)
    walks = []
    for _ in range(2):
        steps = rng.normal(size=(2000, N_WEIGHTS)) * scale[:, None]
        path = np.concatenate([np.zeros((1, N_WEIGHTS)), np.cumsum(steps, axis=0)])[SCHEDULE.times]
        walks.append(displacement_of_snapshots(SCHEDULE, SCHEDULE.times, path))
    found = curves(np.stack(walks))
    amplitude = found.amplitude()
    # A mean of 4000 squares scatters by sqrt(2 / 4000) = 2.2 %, less for the average over networks and starts.
    np.testing.assert_allclose(amplitude[np.isfinite(amplitude)], 1, atol=0.1)
    score, low, high = score_with_interval(found, "accumulated_noise", (10, 1000), (1, 1000))
    assert low <= score <= high < 0.02


def test_score_of_shifted_curves_is_their_standard_deviation_in_decades():
    lags = np.array([1, 3, 10, 30, 100])
    shifts = np.array([0.0, 0.1, 0.5])
    shifted = 10.0 ** shifts[:, None] * lags**0.7
    assert collapse_score(shifted, lags, (1, 100)) == pytest.approx(shifts.std(ddof=1), rel=1e-12)
    short = shifted.copy()
    short[0, -1] = np.nan
    assert np.isnan(collapse_score(short, lags, (1, 100)))  # two curves cover the range: not enough
    assert collapse_score(short, lags, (1, 30)) == pytest.approx(shifts.std(ddof=1))


def test_slopes_of_a_broken_power_law():
    lags = np.unique(np.round(np.geomspace(1, 1000, 40)))
    curve = np.where(lags < 10, lags, lags**1.5 / 10**0.5)
    rng = np.random.default_rng(0)
    found = slopes_per_decade(curve * np.exp(rng.normal(0, 0.01, (6, len(lags)))), lags)
    assert [(s.low_lag, s.high_lag) for s in found] == [(1, 10), (10, 100), (100, 1000)]
    for slope, expected in zip(found, (1, 1.5, 1.5), strict=True):
        # 1 % noise on some ten points over a decade: 0.5 % in a slope, less in the mean of six curves.
        assert slope.slope == pytest.approx(expected, abs=0.02)
        assert slope.low < slope.slope < slope.high
        assert slope.n_curves == 6


def test_ageing_exponent_of_planted_curves():
    waiting_times = np.array([0, 1, 3, 10, 30, 100, 300])
    lags = np.unique(np.round(np.geomspace(1, 10_000, 60)))
    ageing = lags / np.maximum(waiting_times, 1)[:, None] ** 0.7
    reach = time_to_displacement(ageing, lags, 2.5)
    exponent = ageing_exponent(waiting_times, reach, 1)
    # Delta is a power law of lag: log-log interpolation is exact.
    assert exponent.value == pytest.approx(0.7, abs=1e-9)
    assert exponent.high - exponent.low < 1e-6
    flat = time_to_displacement(np.tile(lags, (7, 1)), lags, 2.5)
    assert ageing_exponent(waiting_times, flat, 1).value == pytest.approx(0, abs=1e-9)
    assert np.isnan(time_to_displacement(ageing, lags, 1e9)).all()
    assert np.isnan(ageing_exponent(waiting_times, reach, 100).value)


def test_drift_overtakes_diffusion_at_the_crossover():
    noise, gradient_square = 2e-5, 3e-4
    t = drift_crossover(noise, gradient_square, BATCH, N_WEIGHTS)
    assert noise * t / BATCH == pytest.approx(gradient_square * t**2 / N_WEIGHTS)
    assert drift_crossover(noise, 0.0, BATCH, N_WEIGHTS) == np.inf


def test_unknown_rescaling_is_an_error():
    with pytest.raises(ValueError, match="no rescaling"):
        curves(planted()).rescaled("noise")
