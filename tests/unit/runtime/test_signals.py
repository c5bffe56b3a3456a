"""Ctrl-C during a block that defers it."""

import signal

import pytest

from quench.runtime import signals


def test_interrupt_takes_effect_after_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), signals.defer_interrupt():
        signal.raise_signal(signal.SIGINT)
        done.append("the rest of the block")
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_second_ctrl_c_acts_at_once():
    with pytest.raises(KeyboardInterrupt), signals.defer_interrupt():
        signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
