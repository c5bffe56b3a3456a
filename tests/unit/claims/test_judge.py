"""Quantities by name, verdicts, and the rows of the table of claims."""

import math

import pytest
import xarray as xr
from places import CONFIG

from quench.claims import judge
from quench.claims.measured import Measured
from quench.config.claims import Claim, load
from quench.errors import QuenchError

INF = float("inf")


def test_every_declared_claim_names_a_known_quantity_and_figure():
    from quench.provenance.fingerprint import fingerprint

    declared = load(CONFIG / "claims.yaml").claims
    assert sum(claim.paper in ("KWJ", "ours") for claim in declared) >= 40
    for claim in declared:
        judge.find(claim.quantity)
        for figure in claim.reads:
            fingerprint("quench.figures." + figure.replace("_", ".", 1))


@pytest.mark.parametrize(
    ("measured", "allowed", "outcome"),
    [
        (Measured(-1.02), (-1.1, -0.9), judge.REPRODUCED),
        (Measured(-1.02, -1.1, -0.95), (-1.1, -0.9), judge.REPRODUCED),
        (Measured(-0.39, -0.42, -0.36), (-0.52, -0.44), judge.NOT_REPRODUCED),
        (Measured(-0.39, -0.48, -0.30), (-0.52, -0.44), judge.CANNOT),
        (Measured(-0.48, -0.9, -0.1), (-0.52, -0.44), judge.CANNOT),
        (Measured(5.0, 1.0, 90.0), (0.1, INF), judge.REPRODUCED),
        (Measured(5.0, -1.0, 90.0), (0.1, INF), judge.CANNOT),
        (Measured(INF), (1e6, INF), judge.REPRODUCED),
        (Measured(0.2), (-INF, 0.1), judge.NOT_REPRODUCED),
        (Measured(math.nan, reason="not measured"), (0, 1), judge.CANNOT),
    ],
)
def test_verdicts(measured, allowed, outcome):
    assert judge.verdict(measured, allowed)[0] == outcome


def panel(name="regularised", **values):
    return xr.Dataset(values).expand_dims(panel=[name])


def test_missing_phase_is_a_reason_and_no_error():
    found = judge.measure(judge.find("kwj_collapse.collapse_gain"), [panel("other")], {"panel": "regularised"})
    assert math.isnan(found.value)
    assert "regularised" in found.reason


def test_unknown_quantities_name_the_nearest():
    with pytest.raises(QuenchError, match="noise_slope"):
        judge.find("kwj_relaxation.noise_slop")
    with pytest.raises(QuenchError, match="kwj_relaxation"):
        judge.find("kwj_relaxatio.noise_slope")


def claim(**changes):
    entry = {"id": "kwj-x", "paper": "KWJ", "figure": "4a", "statement": "s", "quantity": "kwj_collapse.collapse_gain"}
    return Claim(**{**entry, "reads": ("kwj_fig4",), "at_most": 0.25, "why": "w"} | changes)


@pytest.mark.parametrize(
    ("changes", "scenario", "verdict", "reason"),
    [
        ({}, "default", judge.REPRODUCED, ""),
        ({"at_most": 0.01}, "default", judge.NOT_REPRODUCED, ""),
        ({"reads": ("kwj_figa6",)}, "default", judge.CANNOT, "draws no kwj_figa6"),
        ({"scenarios": ("paper",), "elsewhere": "too small"}, "default", judge.CANNOT, "too small"),
        ({}, "smoke", judge.CANNOT, "a few epochs"),
    ],
)
def test_row_of_a_claim(changes, scenario, verdict, reason):
    figures = {"kwj_fig4": xr.Dataset({"score_scaled": 0.01, "score_raw": 0.2, "n_networks": 4})}
    row = judge.row(claim(**changes), figures, scenario, {"smoke": "a few epochs"})
    assert row["verdict"] == verdict and reason in row["reason"]
    if verdict != judge.CANNOT:
        assert (row["value"], row["low"], row["n_networks"]) == (0.05, None, 4)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "≤ 0.25"),
        ({"at_most": None, "at_least": 0.5}, "≥ 0.5"),
        ({"at_most": None, "between": (0.5, 2)}, "0.5 … 2"),
        ({"at_most": None, "expected": 4, "tolerance": 0}, "4"),
    ],
)
def test_allowed_range_as_text(changes, text):
    assert judge.row(claim(**changes), {}, "default", {})["allowed"] == text
