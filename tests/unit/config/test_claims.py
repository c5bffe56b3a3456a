"""The declared list of claims: mistakes are reported by claim and key."""

import re

import pytest
import yaml
from places import CONFIG, DOCS

from quench.claims import judge
from quench.claims.measured import Measured
from quench.config.claims import load
from quench.errors import QuenchError

ENTRY = {"id": "kwj-x", "paper": "KWJ", "figure": "1", "statement": "s", "quantity": "kwj_phases.regions"}
ENTRY |= {"reads": ["kwj_fig1"], "expected": 1, "tolerance": 0.1, "why": "w", "excludes": ["x", 2]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"at_least": 1}, "exactly one"),
        ({"tolerance": None}, "belong together"),
        ({"scenarios": ["paper"]}, "elsewhere"),
        ({"excludes": ["x", 1.05]}, "cannot fail"),
        ({"excludes": None}, "Field required"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_claims_are_reported(tmp_path, change, message):
    entry = {key: value for key, value in (ENTRY | change).items() if value is not None}
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump({"claims": [entry]}))
    with pytest.raises(QuenchError, match=f"claim kwj-x.*{message}"):
        load(path)


def test_repeated_claim_is_reported(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump({"claims": [ENTRY, ENTRY]}))
    with pytest.raises(QuenchError, match="'kwj-x' is repeated"):
        load(path)


CELLS = re.compile(r"(?P<beyond>> )?(?P<value>\S+)(?: \[(?P<low>\S+), (?P<high>\S+)\])?")


def mistakes(page, claims):
    """Rows of a table of verdicts that are not what the declared claims and their own intervals say."""
    for line in page.splitlines():
        identity, *cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] or [""]
        if len(cells) != 5 or identity.strip("`") not in claims:
            continue
        claim = claims[identity.strip("`")]
        declared = judge.row(claim, {}, "default", {})
        statement, allowed, here, _, verdict = cells
        if (statement.replace(r"\|", "|"), allowed) != (claim.statement, declared["allowed"]):
            yield f"{claim.id}: statement or range"
        given = CELLS.fullmatch(here)
        plain = verdict.partition("(plain: ")[2].rstrip(")") or verdict
        if given and given["low"]:
            measured = Measured(*(float(given[name]) for name in ("value", "low", "high")))
            if judge.verdict(measured, claim.allowed)[0] != plain:
                yield f"{claim.id}: {plain}"


DECLARED = {claim.id: claim for claim in load(CONFIG / "claims.yaml").claims}


@pytest.mark.parametrize("page", ["bj.md", "kwj.md"])
def test_verdicts_on_record_are_those_of_their_intervals(page):
    assert list(mistakes((DOCS / page).read_text(encoding="utf-8"), DECLARED)) == []


def test_wrong_verdict_on_record_is_seen():
    start = f"| `bj-4-collapse-b` | {DECLARED['bj-4-collapse-b'].statement} | "
    assert list(mistakes(start + "≤ 0.1 | 0.06 [0.05, 0.07] | 8 | reproduced |", DECLARED)) == []
    assert list(mistakes(start + "≤ 0.1 | 0.06 [0.05, 0.07] | 8 | inconclusive (plain: reproduced) |", DECLARED)) == []
    assert list(mistakes(start + "≤ 0.1 | 0.06 [0.05, 0.17] | 8 | reproduced |", DECLARED))
    assert list(mistakes(start + "≤ 0.2 | 0.06 [0.05, 0.07] | 8 | reproduced |", DECLARED))
    assert list(mistakes(start.replace("B:", "C:") + "≤ 0.1 | | | inconclusive |", DECLARED))


def test_pages_name_declared_claims_and_that_on_bj_names_all_of_his():
    for page in ("bj.md", "kwj.md"):
        text = (DOCS / page).read_text(encoding="utf-8").partition("### How the allowed ranges were set")
        named = set(re.findall(r"`((?:bj|kwj|ours)-[a-z0-9.-]+)`", text[0] if page == "kwj.md" else "".join(text)))
        assert named <= DECLARED.keys()
        if page == "bj.md":
            assert named >= {name for name, claim in DECLARED.items() if claim.paper == "BJ"}
