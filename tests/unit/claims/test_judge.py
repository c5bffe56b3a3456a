"""Quantities by name, verdicts, and the rows of the table of claims."""

import math

import pytest
import xarray as xr
from places import CONFIG

from quench.claims import judge
from quench.claims.measured import Measured, size
from quench.config.claims import Claim, load
from quench.config.scenario import load_files
from quench.errors import QuenchError

INF = float("inf")
DECLARED = load(CONFIG / "claims.yaml").claims


@pytest.mark.parametrize("scenario", ["default", "thorough", "cifar"])
def test_every_declared_claim_names_a_known_quantity_and_figure(scenario):
    """A scenario draws what the claims read that it alone can judge; the others read figures that have their kind's name."""
    from quench.provenance.fingerprint import fingerprint

    overlays = [] if scenario == "default" else [CONFIG / f"{scenario}.yaml"]
    figures = load_files([CONFIG / "config.yaml", *overlays]).figures
    for claim in DECLARED:
        judge.find(claim.quantity)
        for figure in claim.reads:
            if claim.scenarios == (scenario,):
                assert figure in figures
            module = figures[figure].module(figure) if figure in figures else figure.replace("_", ".", 1)
            if figure in figures or not claim.scenarios:
                fingerprint(f"quench.figures.{module}")


def test_every_quantity_is_that_of_a_claim():
    known = {f"{module}.{name}" for module, found in judge.QUANTITIES.items() for name in found}
    assert known == {claim.quantity for claim in DECLARED}


@pytest.mark.parametrize("claim", DECLARED, ids=lambda claim: claim.id)
def test_wrong_result_that_a_claim_excludes_is_not_reproduced(claim):
    """With an interval of 2 % of the distance to the limit, as a thorough run would have it."""
    wrong, (low, high) = claim.excludes[1], claim.allowed
    half = 0.02 * min(abs(wrong - end) for end in (low, high) if math.isfinite(end))
    measured = Measured(wrong, wrong - half, wrong + half, 12)
    assert judge.verdict(measured, claim.allowed)[0] == judge.NOT_REPRODUCED


@pytest.mark.parametrize(
    ("measured", "allowed", "outcome", "margin"),
    [
        (Measured(-1.02, -1.08, -0.95), (-1.1, -0.9), judge.REPRODUCED, 0.02),
        (Measured(-1.02, -1.1, -0.9), (-1.1, -0.9), judge.REPRODUCED, 0.0),
        (Measured(-1.02, -1.12, -0.95), (-1.1, -0.9), judge.INCONCLUSIVE, -0.02),
        (Measured(-0.39, -0.42, -0.36), (-0.52, -0.44), judge.NOT_REPRODUCED, 0.02),
        (Measured(-0.39, -0.45, -0.33), (-0.52, -0.44), judge.INCONCLUSIVE, -0.01),
        (Measured(-0.48, -0.9, -0.1), (-0.52, -0.44), judge.INCONCLUSIVE, -0.38),
        (Measured(5.0, 1.0, 90.0), (0.1, INF), judge.REPRODUCED, 0.9),
        (Measured(5.0, -1.0, 90.0), (0.1, INF), judge.INCONCLUSIVE, -1.1),
        (Measured(1e4, 1e4, INF, beyond=True), (3e3, INF), judge.REPRODUCED, 7e3),
        (Measured(1e4, 1e4, INF, beyond=True), (0, 3e3), judge.NOT_REPRODUCED, 7e3),
        (Measured(1e4, 1e4, INF, beyond=True), (3e4, INF), judge.INCONCLUSIVE, -2e4),
        (Measured(4.0, 4.0, 4.0), (4, 4), judge.REPRODUCED, 0.0),
        (Measured(0.2, exact="closed form"), (-INF, 0.1), judge.NOT_REPRODUCED, 0.1),
        (Measured(0.05, exact="closed form"), (-INF, 0.1), judge.REPRODUCED, 0.05),
    ],
)
def test_verdicts(measured, allowed, outcome, margin):
    found = judge.verdict(measured, allowed)
    assert found[:2] == (outcome, pytest.approx(margin))


def test_without_an_interval_nothing_is_judged():
    """A value alone, well inside or outside, is no verdict: it was one for 78 claims."""
    for value in (-1.0, 7.0):
        outcome, margin, reason = judge.verdict(Measured(value, reason="no interval: 1 network"), (-1.1, -0.9))
        assert outcome == judge.INCONCLUSIVE and math.isnan(margin) and reason == "no interval: 1 network"
    assert judge.verdict(Measured(math.nan, reason="not measured"), (0, 1))[::2] == (judge.INCONCLUSIVE, "not measured")


def test_size_of_a_number_keeps_its_interval():
    found = size(Measured(-0.3, -0.5, 0.1, 4))
    assert (found.value, found.low, found.high) == (0.3, -0.1, 0.5)
    assert size(Measured(0.3, 0.1, 0.5)) == Measured(0.3, 0.1, 0.5)


def panel(name="regularised", **values):
    return xr.Dataset(values).expand_dims(panel=[name])


def test_missing_phase_is_a_reason_and_no_error():
    found = judge.measure(judge.find("kwj_collapse.collapse_gain"), [panel("other")], {"panel": "regularised"})
    assert math.isnan(found.value)
    assert "regularised" in found.reason


def test_mistake_in_a_quantity_is_not_taken_for_a_missing_phase():
    with pytest.raises(KeyError):
        judge.measure(judge.find("kwj_collapse.collapse_gain"), [panel()], {"panel": "regularised"})


def test_unknown_quantities_name_the_nearest():
    with pytest.raises(QuenchError, match="noise_slope"):
        judge.find("kwj_relaxation.noise_slop")
    with pytest.raises(QuenchError, match="kwj_relaxation"):
        judge.find("kwj_relaxatio.noise_slope")


def claim(**changes):
    entry = {"id": "kwj-x", "paper": "KWJ", "figure": "4a", "statement": "s", "quantity": "kwj_collapse.collapse_gain"}
    entry |= {"reads": ("kwj_fig4",), "at_most": 0.25, "why": "w", "excludes": ("no gain", 1.0)}
    return Claim(**entry | changes)


@pytest.mark.parametrize(
    ("changes", "scenario", "verdict", "plain", "reason"),
    [
        ({}, "default", judge.REPRODUCED, judge.REPRODUCED, ""),
        ({"at_most": 0.01}, "default", judge.NOT_REPRODUCED, judge.NOT_REPRODUCED, ""),
        ({"reads": ("kwj_figa6",)}, "default", judge.INCONCLUSIVE, judge.INCONCLUSIVE, "draws no kwj_figa6"),
        (
            {"scenarios": ("paper",), "elsewhere": "too small"},
            "default",
            judge.INCONCLUSIVE,
            judge.REPRODUCED,
            "too small",
        ),
        ({}, "smoke", judge.INCONCLUSIVE, judge.REPRODUCED, "a few epochs"),
    ],
)
def test_row_of_a_claim(changes, scenario, verdict, plain, reason):
    scores = [[0.010, 0.2], [0.009, 0.2], [0.011, 0.2]]
    numbers = xr.Dataset(
        {"scores": (("left_out", "axis"), scores), "n_networks": 2}, coords={"axis": ["scaled", "raw"]}
    )
    row = judge.row(claim(**changes), {"kwj_fig4": numbers}, scenario, {"smoke": "a few epochs"})
    assert row["verdict"] == verdict and row["plain"] == plain and reason in row["reason"]
    assert row["excludes"] == "no gain (1)"
    if plain != judge.INCONCLUSIVE:
        assert row["value"] == 0.05 and row["low"] < 0.05 < row["high"] and row["n_networks"] == 2
        assert row["margin"] > 0


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "≤ 0.25"),
        ({"at_most": None, "at_least": 0.5, "excludes": ("x", 0)}, "≥ 0.5"),
        ({"at_most": None, "between": (0.5, 2), "excludes": ("x", 3)}, "0.5 … 2"),
        ({"at_most": None, "expected": 4, "tolerance": 0}, "4"),
    ],
)
def test_allowed_range_as_text(changes, text):
    assert judge.row(claim(**changes), {}, "default", {})["allowed"] == text


def test_range_that_cannot_fail_is_refused():
    with pytest.raises(ValueError, match="cannot fail"):
        claim(excludes=("no gain", 0.2))
