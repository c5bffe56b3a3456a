"""Rescalings, scores, slopes and exponents of random walks with known noise."""

import numpy as np
import pytest

from quench.dynamics.two_time import TwoTimeSchedule, displacement_of_snapshots
from quench.estimators.rescaling import (
    RESCALINGS,
    TwoTimeCurves,
    accumulated,
    collapse_score,
    drift_crossover,
    gradient_size,
    interpolated,
    scores,
    slopes_per_decade,
    time_to_displacement,
)

RATE, BATCH, N_WEIGHTS = 0.1, 20, 4000
SCHEDULE = TwoTimeSchedule(2000, windows=4)
TIMES = np.unique(np.concatenate([[0], np.round(np.geomspace(1, 2000, 40))])).astype(int)


def falling_noise(t):
    return 3e-3 / (1 + t)


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
        np.zeros((networks, len(TIMES))),
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


def test_interpolation_is_exact_at_measurements_and_between_straight_values():
    at = np.array([0, 3, 17, 1999])
    np.testing.assert_allclose(interpolated(TIMES, np.log1p(TIMES), at), np.log1p(at), rtol=1e-12)
    np.testing.assert_allclose(interpolated(TIMES, falling_noise(TIMES), TIMES), falling_noise(TIMES), rtol=1e-12)
    sums = accumulated(TIMES, falling_noise(TIMES))
    assert len(sums) == 2001
    # A convex curve lies below its chords: by (log 10 / 12)^2 / 12 = 0.3 % at 12 measurements per decade.
    assert 0 < sums[-1] / falling_noise(np.arange(2000)).sum() - 1 < 0.004
    assert np.isnan(interpolated(TIMES, np.full(len(TIMES), np.nan), at)).all()


def test_sum_of_a_fluctuating_noise_is_unbiased():
    """D of single updates scatters by half; a geometric interpolation of it lies 4 % and more below its mean."""
    rng = np.random.default_rng(1)
    values = np.exp(0.5 * rng.normal(size=(4000, len(TIMES))) - 0.125)
    arithmetic = np.array([accumulated(TIMES, row)[-1] for row in values]) / 2000
    geometric = np.array(
        [np.exp(np.interp(np.log1p(np.arange(2000)), np.log1p(TIMES), np.log(row))).mean() for row in values]
    )
    error = 4 * arithmetic.std() / np.sqrt(4000)
    assert abs(arithmetic.mean() - 1) < error
    assert geometric.mean() < 1 - 0.04


def test_gradient_with_an_error_is_averaged_before_its_root():
    """|grad L|^2 = 1 with an error as large as itself: roots of clipped values are biased more than those of averages."""
    rng = np.random.default_rng(2)
    square, error = 1 + rng.normal(size=2000), np.ones(2000)
    clipped = np.sqrt(np.maximum(square, 0)).mean()
    # Five neighbours: a relative error of 0.45, and a root 6 % low; the roots of clipped values are 12 % low.
    assert 0.92 < gradient_size(square, error).mean() < 1
    assert clipped < 0.89
    np.testing.assert_array_equal(gradient_size(square, 0 * error), np.sqrt(np.maximum(square, 0)))


def score(found, *more):
    return scores(found, *more)[0]


def test_accumulated_noise_collapses_diffusion_of_changing_strength():
    found = curves(planted())
    amplitude = found.amplitude()
    np.testing.assert_allclose(amplitude[np.isfinite(amplitude)], 1, rtol=0.02)
    by_rescaling = {name: score(found, name, (10, 1000), (1, 1000)) for name in ("raw", *RESCALINGS)}
    assert by_rescaling["accumulated_noise"] == pytest.approx(0, abs=2e-3)
    assert by_rescaling["prediction"] == pytest.approx(0, abs=2e-3)
    # D(t_w) is right at short lags only: D falls by a factor of 90 within the longest.
    assert by_rescaling["initial_noise"] > 0.1
    assert score(found, "initial_noise", (100, 1000), (1, 10)) < 0.02


def test_prediction_includes_a_drift():
    drift = 1e-3
    found = curves(planted(drift), drift)
    prediction = found.rescaled("prediction")
    np.testing.assert_allclose(prediction[np.isfinite(prediction)], 1, rtol=0.02)
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
    both = scores(found, "accumulated_noise", (10, 1000), (1, 1000))
    assert both.shape == (3,)
    assert both[0] < both[1:].mean() < 0.02
    assert both[2] == score(curves(found.displacement[:1]), "accumulated_noise", (10, 1000), (1, 1000))


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
    found = slopes_per_decade(curve * np.exp(rng.normal(0, 0.01, (2, 6, len(lags)))), lags, 4)
    # 1 % noise on some ten points over a decade: 0.5 % in a slope, less in the mean of six curves.
    np.testing.assert_allclose(found[:3], [[1, 1], [1.5, 1.5], [1.5, 1.5]], atol=0.02)
    assert np.isnan(found[3]).all()


def test_time_to_a_displacement_of_a_power_law_is_exact():
    waiting_times = np.array([0, 1, 3, 10, 30, 100, 300])
    lags = np.unique(np.round(np.geomspace(1, 10_000, 60)))
    ageing = lags / np.maximum(waiting_times, 1)[:, None] ** 0.7
    np.testing.assert_allclose(time_to_displacement(ageing, lags, 2.5), 2.5 * np.maximum(waiting_times, 1) ** 0.7)
    assert np.isnan(time_to_displacement(ageing, lags, 1e9)).all()


def test_drift_overtakes_diffusion_at_the_crossover():
    noise, gradient_square = 2e-5, 3e-4
    t = drift_crossover(noise, gradient_square, BATCH, N_WEIGHTS)
    assert noise * t / BATCH == pytest.approx(gradient_square * t**2 / N_WEIGHTS, abs=0)
    assert drift_crossover(noise, 0.0, BATCH, N_WEIGHTS) == np.inf


def test_unknown_rescaling_is_an_error():
    with pytest.raises(ValueError, match="no rescaling"):
        curves(planted()).rescaled("noise")
