"""A scenario that cannot come out is found before it runs, with the place and the reason."""

import pytest
from places import CONFIG

from quench.cli import main
from quench.config import claims
from quench.config.scenario import overlay, read_file, resolve
from quench.cost.chunks import declare
from quench.pipeline.consistency import Limits, findings

CLAIMS = claims.load(CONFIG / "claims.yaml")


def obstacles(names, changes=None, **limits):
    """What cannot come out of the default with overlays; raw images, which a machine may lack, are left out."""
    merged = {}
    for name in ("config", *names):
        overlay(merged, read_file(CONFIG / f"{name}.yaml"))
    scenario = declare(resolve(overlay(merged, changes or {})))
    _, found = findings(scenario, CLAIMS, Limits(**limits))
    return [one.text for one in found if one.fatal and not one.text.startswith("dataset ")]


@pytest.mark.parametrize("names", [(), ("smoke",), ("cifar",), ("thorough",), ("laptop",), ("paper",)])
def test_shipped_scenarios_are_consistent(names):
    assert obstacles(names) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"runs": {"overparameterised": {"temperatures": [1, 1e-6]}}},
            "needs T = 0, which is not among the temperatures",
        ),
        ({"figures": {"kwj_fig1": None}}, "reads kwj_fig1, which this scenario does not draw"),
        (
            {"figures": {"kwj_fig3": {"runs": ["regularised"]}}},
            "needs 'overparameterised', which kwj_fig3 does not show",
        ),
        ({"figures": {"kwj_fig7": {"lags": [5, 5, 5]}}}, "5 is not among the motility_lags of runs.regularised"),
        ({"figures": {"kwj_fig8": {"fit": [1e5, 2e5]}}}, "only 2 waiting times of runs.regularised_ageing"),
        (
            {"classifiers": {"resnet": {"stem": "cifar", "steps": 10**7}}},
            "give it threads or a device, or raise the limit",
        ),
    ],
)
def test_what_cannot_come_out_of_the_paper_scenario_is_named(changes, reason):
    assert any(reason in text for text in obstacles(["paper"], changes))


def test_threads_and_devices_remove_the_obstacle_of_a_long_training():
    long = {"stem": "cifar", "steps": 10**7}
    for remedy in ({"device": "cuda"}, {"threads": 10, "steps": 2 * 10**6}):
        assert obstacles(["paper"], {"classifiers": {"resnet": long | remedy}}) == []


def test_a_device_for_everything_is_noted():
    merged = {}
    for name in ("config", "smoke"):
        overlay(merged, read_file(CONFIG / f"{name}.yaml"))
    _, found = findings(resolve(overlay(merged, {"compute": {"device": "cuda"}})), CLAIMS)
    assert [one.text for one in found if "takes all 4 runs to the reference backend" in one.text and not one.fatal]


def test_memory_of_a_node_counts_where_it_is_known():
    assert any("more than the 4,000 MB of a node" in text for text in obstacles(["paper"], memory_mb=4000))


def test_the_command_prints_a_summary_and_its_status(monkeypatch, capsys):
    monkeypatch.chdir(CONFIG.parent)
    assert main(["check", "--scenario", "smoke"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("core-hours; obstacles: none")
    assert main(["check", "--scenario", "smoke", "--memory", "1"]) == 1
    assert "cannot: results/smoke/" in capsys.readouterr().out
