"""Progress reports: lines in a log, a bar on a terminal."""

import fcntl
import io
import os
import struct
import termios

import pytest

from quench.runtime.progress import LOG_EVERY_SECONDS, Progress


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def drive(progress, clock, pace, steps, phase="SGD", start=0):
    """Report every second of work at ``pace`` steps per second."""
    for step in range(start, start + steps + 1, pace):
        progress.report(step, phase, 0.25)
        clock.now += 1.0


def test_a_log_gets_a_line_every_thirty_seconds():
    clock, stream = Clock(), io.StringIO()
    progress = Progress("pretrain 0-3", 6000, stream, clock)
    drive(progress, clock, pace=10, steps=1000)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 100 // LOG_EVERY_SECONDS
    assert lines[0] == "pretrain 0-3: SGD, step 300 of 6,000, loss 0.25, 10 steps/s, 9:30 left"
    assert lines[-1] == "pretrain 0-3: SGD, step 900 of 6,000, loss 0.25, 10 steps/s, 8:30 left"


def test_the_pace_is_that_of_this_phase_and_of_the_last_minute():
    clock, stream = Clock(), io.StringIO()
    progress = Progress("run", 100_000, stream, clock)
    drive(progress, clock, pace=1000, steps=50_000)
    drive(progress, clock, pace=10, steps=400, phase="descent", start=50_010)
    assert stream.getvalue().splitlines()[-1].endswith(" 10 steps/s, 1:22:40 left")
    drive(progress, clock, pace=100, steps=10_000, phase="descent", start=50_510)
    assert stream.getvalue().splitlines()[-1].split(", ")[-2] == "100 steps/s"


def test_steps_of_an_earlier_process_do_not_count_as_pace():
    clock, stream = Clock(), io.StringIO()
    progress = Progress("run", 2000, stream, clock)
    drive(progress, clock, pace=5, steps=155, start=1000)
    assert "step 1,150 of 2,000, loss 0.25, 5 steps/s, 2:50 left" in stream.getvalue()
    progress.close()
    assert stream.getvalue().splitlines()[-1] == "run: 155 steps in 0:32, loss 0.25, 4.8 steps/s"


def test_a_loss_that_is_not_finite_and_an_unknown_pace_are_left_out():
    clock, stream = Clock(), io.StringIO()
    progress = Progress("run", 10, stream, clock)
    clock.now += 31
    progress.report(0, "langevin")
    assert stream.getvalue() == "run: langevin, step 0 of 10, 0 steps/s, unknown time left\n"


def test_interrupted_work_reports_no_end():
    clock, stream = Clock(), io.StringIO()
    with pytest.raises(KeyboardInterrupt), Progress("run", 10, stream, clock) as progress:
        progress.report(3, "langevin")
        raise KeyboardInterrupt
    assert stream.getvalue() == ""
    with Progress("run", 10, stream, clock):
        pass
    assert stream.getvalue() == "", "nothing to report"


def test_a_terminal_gets_one_bar_that_never_wraps():
    main, side = os.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    clock = Clock()
    with os.fdopen(side, "w") as stream:
        with Progress("run", 1000, stream, clock) as progress:
            for step in range(0, 501, 50):
                clock.now += 0.1
                progress.report(step, "langevin", 0.5)
        shown = ""
        while not shown.endswith("\n"):
            shown += os.read(main, 10_000).decode()
    os.close(main)
    drawn = shown.replace("\r\n", "\n").split("\r\x1b[K")[1:]
    assert 3 <= len(drawn) <= 7, "one every 0.2 s, and the last state"
    assert all(len(line.rstrip("\n")) <= 59 and "\n" not in line[:-1] for line in drawn)
    assert drawn[-1].startswith("[############............] run: langevin, step 500 of 1,00")
