"""Trajectories: the same bits however they are cut; pauses often enough to notice a signal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.cli import training
from quench.dynamics.recorders import Snapshots
from quench.dynamics.trajectory import SEGMENT_SECONDS, Leg, State, follow, next_pace
from quench.numerics.random import normals
from quench.runtime.checkpoint import Checkpoint

N_WEIGHTS = 7
SEEDS = (3, 5)


class Well:
    """A harmonic well in place of the training problem: the loss of a network is |w|^2 / 2."""

    class architecture:
        n_weights = N_WEIGHTS

    def loss(self, weights):
        return np.square(weights).sum(axis=1) / 2, np.ones(len(weights))


def walk(weights, first_step, n_steps):
    """Noisy descent keyed by step; the second network is lost at step 37."""
    lost = np.full(len(weights), -1)
    for step in range(first_step, first_step + n_steps):
        for network, seed in enumerate(SEEDS):
            if np.isfinite(weights[network]).all():
                weights[network] += -0.1 * weights[network] + 0.01 * normals(seed, 1, step, N_WEIGHTS)
                if network == 1 and step == 37:
                    weights[network, 0] = np.nan
                    lost[network] = step + 1
    return lost


LEGS = [Leg("first", 20, walk), Leg("none", 0, walk), Leg("second", 60, walk)]
TIMES = [0, 1, 2, 19, 20, 50, 80]


def start():
    return State(np.ones((2, N_WEIGHTS))), Snapshots(Well(), 0.1, 2, len(TIMES))


def result(state, recorder):
    return recorder.weights.tobytes(), recorder.table()["loss"].tobytes(), state.diverged_at.tolist(), state.step


def unbroken():
    state, recorder = start()
    follow(state, LEGS, TIMES, recorder.look)
    return result(state, recorder)


def test_looks_are_at_the_declared_times_and_the_lost_network_is_dated():
    state, recorder = start()
    steps = []
    follow(state, LEGS, TIMES, lambda state: steps.append(state.step) or recorder.look(state))
    assert steps == TIMES
    assert state.diverged_at.tolist() == [-1, 58], "20 steps of the first leg and 38 of the second"
    assert np.isfinite(recorder.weights[0]).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 25), max_size=6), st.integers(1, 9))
def test_cut_anywhere_it_gives_the_same_bits(tmp_path_factory, stops, seconds_a_step):
    """Each life ends at its n-th pause; ``seconds_a_step`` makes the stretches between pauses long or short."""
    output = tmp_path_factory.mktemp("cut") / "run.nc"
    now = [0.0]

    def slow(weights, first_step, n_steps):
        now[0] += n_steps * seconds_a_step / 30
        return walk(weights, first_step, n_steps)

    legs = [Leg(leg.name, leg.n_steps, slow) for leg in LEGS]
    for stop in [*stops, None]:
        state, recorder = start()
        with Checkpoint(output, {}) as checkpoint:
            saved = checkpoint.load()
            if saved is not None:
                training._restore(state, recorder, saved)
            left = [stop]

            def pause(state, leg, left=left, checkpoint=checkpoint, recorder=recorder):
                if left[0] is not None:
                    if left[0] == 0:
                        training._save(checkpoint, state, recorder)
                        raise KeyboardInterrupt
                    left[0] -= 1

            try:
                follow(state, legs, TIMES, recorder.look, pause, clock=lambda: now[0])
            except KeyboardInterrupt:
                continue
        assert result(state, recorder) == unbroken()
        return


def test_a_signal_never_waits_much_longer_than_a_segment():
    """The cost of a step jumps tenfold now and then, as when a network leaves its minimum and more samples count."""
    now, stretches = [0.0], []
    cost = {0: 1e-5, 30_000: 1e-4, 40_000: 1e-3, 41_000: 1e-5}

    def advance(weights, first_step, n_steps):
        each = cost[max(start for start in cost if start <= first_step)]
        now[0] += n_steps * each
        stretches.append((first_step, n_steps, n_steps * each))
        return np.full(2, -1)

    follow(State(np.ones((2, 3))), [Leg("leg", 90_000, advance)], [], lambda state: None, clock=lambda: now[0])
    assert sum(n_steps for _, n_steps, _ in stretches) == 90_000
    # A jump is noticed after one stretch, which was planned for the old cost.
    long = [seconds for first, _, seconds in stretches if seconds > 1.01 * SEGMENT_SECONDS]
    assert len(long) <= 2
    assert max(long, default=0) <= 10 * SEGMENT_SECONDS
    assert len(stretches) < 60, "and pauses cost little"


@pytest.mark.parametrize(
    ("pace", "n_steps", "seconds", "expected"),
    [
        (1, 1, 0.0, 4),
        (100, 100, SEGMENT_SECONDS / 2, 200),
        (100, 100, 10 * SEGMENT_SECONDS, 10),
        (100, 5, 0.01, 100),
        (100, 50, 2 * SEGMENT_SECONDS, 25),
        (3, 3, 1000.0, 1),
    ],
)
def test_pace(pace, n_steps, seconds, expected):
    assert next_pace(pace, n_steps, seconds) == expected
