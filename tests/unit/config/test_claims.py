"""The declared list of claims: mistakes are reported by claim and key."""

import pytest
import yaml

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
