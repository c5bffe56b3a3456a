"""Devices that torch can use."""

import torch

from quench.runtime.device import usable_device


def test_a_device_that_is_there_is_taken(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert usable_device("cpu") == ("cpu", "")
    assert usable_device("cuda") == ("cuda", "")
    assert usable_device("cuda:1") == ("cuda:1", "")
    assert usable_device("cuda:2") == ("cpu", "torch finds 2 CUDA device(s) here, numbered from 0")
