"""``quench pspin`` on hostile command lines: each is solved, solved in part with its reach, or refused in one line."""

from __future__ import annotations

import numpy as np
import pytest

from quench.cli import main
from quench.store import files
from quench.theory.pspin import grid

MIXED = "--terms 3:0.5,4:0.5 --temperature 0"
SHORT = "--times 0,0.1,1 --waiting-times 0 --lags 0.1,1 --resolution fast"
# Words of the message; None: solved to the end.
LINES = [
    ("--p 3 --temperature 0", None),
    ("--p 2 --temperature 0", None),
    ("--p 20 --temperature 0.5", None),
    ("--terms 1:0.25,3:0.5", None),
    (f"{MIXED} --initial-temperature 0.81", None),
    ("--terms 3:0.5,4:0.5 --temperature 5 --initial-temperature 0.77", None),
    # Between T_K and T_SF: a state that is followed.
    (f"{MIXED} --initial-temperature 0.7622", None),
    (f"{MIXED} --initial-temperature 1e6", None),
    ("--terms " + ",".join(f"{k}:0.05" for k in range(1, 21)), None),
    ("--terms 50:0.5 --temperature 0.5", None),
    ("--terms 2:1e-6,3:1e-6 --temperature 0", None),
    ("--temperature 1e6", None),
    # Between 0 and T_K, and at the bounds.
    (f"{MIXED} --initial-temperature 0.7", "not above the static transition T_K = 0.762"),
    ("--p 3 --initial-temperature 0.5", "not above the static transition T_K = 0.58"),
    ("--terms 2:0.5,3:0.1 --initial-temperature 0.9", "not above the static transition T_K = 1"),
    (f"{MIXED} --initial-temperature 0", "--initial-temperature: '0' is out of range: more than 0"),
    (f"{MIXED} --initial-temperature -1", "--initial-temperature"),
    (f"{MIXED} --initial-temperature nan", "--initial-temperature"),
    (f"{MIXED} --initial-temperature inf", "--initial-temperature"),
    ("--terms 1:0.25,3:0.5 --initial-temperature 1", "a random field (a term k = 1) needs an infinite"),
    ("--terms 1:0.5", "needs a term k >= 2"),
    ("--terms 3:-0.5,4:0.5", "--terms"),
    ("--terms 3:0", "--terms"),
    ("--terms 3:nan", "--terms"),
    ("--terms 3:0.5,3:0.5", "the term k = 3 occurs twice"),
    ("--terms 51:0.5", "--terms"),
    ("--terms 0:0.5,3:0.5", "--terms"),
    ("--terms 2.5:0.5", "--terms"),
    ("--terms 3", "--terms"),
    ("--terms 3:0.5:1", "--terms"),
    ("--terms three:0.5", "--terms"),
    ("--terms=", "--terms"),
    ("--p 3 --terms 4:0.5", "give p or terms, not both"),
    ("--temperature -0.1", "--temperature: '-0.1' is out of range"),
    ("--t-max 0", "--t-max"),
    ("--t-max 1e16", "--t-max"),
    ("--accuracy 1e-13", "above the accuracy of 1e-13, before or at the first requested time"),
]


def command(words: str, output: object) -> int:
    # The = form lets a value start with a minus sign.
    options = words.replace(" -", "\n-").split("\n")
    return main(["pspin", *(one.replace(" ", "=", 1) for one in options), "-o", str(output)])


@pytest.mark.parametrize(("words", "message"), LINES, ids=[words for words, _ in LINES])
def test_a_hostile_command_line_is_solved_or_refused_in_one_line(tmp_path, capsys, words, message):
    status = command(f"{words} {SHORT}", tmp_path / "glass.nc")
    error = capsys.readouterr().err
    if message is None:
        assert status == 0, error
        glass = files.read(tmp_path / "glass.nc", "glass")
        assert glass.attrs["end"] == "" and glass.attrs["reach"] == 1.0
        assert np.isfinite(glass.energy).all() and float(glass.energy_error.max()) <= 1e-5
    else:
        assert (status, error.count("\n")) == (2, 1)
        assert message in error
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--t-max 1e7 --times 0.1,1e7 --waiting-times 0 --lags 0.1 --accuracy 10", "the correlation exceeds 1 at t = "),
        ("--times 0.01,1,100 --waiting-times 0 --lags 0.01 --accuracy 1e-3", "above the accuracy of 0.001"),
    ],
)
def test_a_solution_that_ends_early_states_its_reach(tmp_path, capsys, monkeypatch, words, reason):
    monkeypatch.setitem(grid.RESOLUTIONS, "fast", grid.Resolution(2, 3, 0.5, 0.5, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0))
    output = tmp_path / "glass.nc"
    assert command(f"--p 3 --temperature 0.05 {words} --resolution fast", output) == 0
    glass = files.read(output, "glass")
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "took" not in line]
    assert line == f"quench: {output}: solved to t = {glass.attrs['reach']:.4g}: {glass.attrs['end']}"
    assert reason in line
    assert np.isfinite(glass.energy[0]) and np.isnan(glass.energy[-1])
