"""``quench demo``: the first figure of a new user."""

import numpy as np
import pytest

from quench import demo
from quench.cli import main


@pytest.mark.slow
def test_demo_draws_the_glass_and_the_network_and_says_what_they_show(tmp_path, capsys, monkeypatch):
    numbers = demo.numbers
    kept = []
    monkeypatch.setattr(demo, "numbers", lambda: kept.append(numbers()) or kept[0])
    assert main(["demo", "-o", str(tmp_path / "demo.svg")]) == 0
    told = capsys.readouterr().out
    assert demo.CAPTION in told and "The network: it " in told
    assert (tmp_path / "demo.svg").read_text().startswith("<?xml")
    ((glass, networks),) = kept
    # Ageing: at every lag an older glass remembers more.
    assert (np.diff(glass["correlation"].sel(lag=slice(1, 1000)), axis=0) > 0).all()
    assert networks["overlap_mean"].sel(lag=0).values == pytest.approx(1)
    assert (networks["overlap_mean"].isel(lag=-1) < 0.5).all()


def test_other_formats_are_refused(tmp_path, capsys):
    assert main(["demo", "-o", str(tmp_path / "demo.gif")]) == 2
    assert "give a name ending in .pdf, .png, .svg" in capsys.readouterr().err
