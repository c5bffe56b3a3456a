"""Devices that torch can use."""

import pytest
import torch

from quench.errors import QuenchError
from quench.runtime.device import usable_device


def test_an_available_device_is_taken(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [usable_device(name) for name in ("cpu", "cuda", "cuda:1")] == ["cpu", "cuda", "cuda:1"]
    assert capsys.readouterr().err == ""
    assert usable_device("cuda:2") == "cpu"
    assert (
        "--device cuda:2: torch finds 2 CUDA device(s) here, numbered from 0; the CPU is used"
        in capsys.readouterr().err
    )


def test_a_device_that_is_not_there_is_the_cpu_with_a_reason(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert usable_device("cuda:0") == "cpu"
    assert "--device cuda:0: torch finds no CUDA device here; the CPU is used" in capsys.readouterr().err
    assert usable_device("mps", float64=True) == "cpu"
    assert "mps has no float64, which the master weights need" in capsys.readouterr().err
    assert usable_device("cpu", float64=True) == "cpu"
    assert usable_device("mps") == "mps"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:-1", "cuda:", "cpu:1", ""])
def test_a_name_that_is_no_device_is_an_error(name):
    with pytest.raises(QuenchError, match=r"--device: .* is not one of cpu, cuda, cuda:N, mps"):
        usable_device(name)
