"""Scenarios: mistakes in one line with their place and reason; overlays and nulls; the YAML round trip."""

import copy

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from places import CONFIG

from quench.config.scenario import as_yaml, load_files, overlay, resolve
from quench.errors import QuenchError

SHIPPED = [[], ["smoke.yaml"], ["cifar.yaml"], ["thorough.yaml"], ["laptop.yaml"], ["paper.yaml"]]


def plain():
    """A small correct scenario."""
    return {
        "scenario": "tiny",
        "data": {"digits": {"source": "mnist5k", "subset": 100}},
        "ensembles": {
            "warm": {"dataset": "digits", "width": 4, "sgd": {"learning_rate": 0.05, "epochs": 1}, "weight_decay": 0.01}
        },
        "runs": {
            "hot": {"ensemble": "warm", "temperatures": [0.1, 0], "waiting_times": [5, 10], "lag_max": 50, "chi": 30},
            "batches": {
                "ensemble": "warm", "dynamics": "sgd", "batch_sizes": [1, 10], "waiting_times": [5], "lag_max": 9, "chi": 1,
            },
        },
        "classifiers": {"b": {"model": "B", "batch_size": 10, "rate": 0.1, "steps": 10}},
        "figures": {"kwj_fig3": {"runs": ["hot"]}},
    }  # fmt: skip


def changed(path, value):
    config = plain()
    section = config
    *above, last = path.split(".")
    for name in above:
        section = section.setdefault(name, {})
    section[last] = value
    return config


def mistake(config):
    with pytest.raises(QuenchError) as caught:
        resolve(config)
    message = str(caught.value)
    assert all(line.startswith("config: ") for line in message.splitlines())
    return message


def test_the_small_scenario_is_correct():
    scenario = resolve(plain())
    assert scenario.runs["hot"].temperatures == (0.1, 0.0)
    assert scenario.ensembles["warm"].depth == 6


def test_a_figure_takes_glass_solved_and_simulated():
    config = plain()
    config["quenches"] = {"ck": {"times": "0,1:100:3"}}
    config["simulations"] = {"spins": {"spins": 10, "times": [1]}}
    config["figures"]["theory_finite_size"] = {"glass": ["ck", "spins"]}
    assert resolve(config).figures["theory_finite_size"].glass == ("ck", "spins")
    config["quenches"]["spins"] = config["quenches"].pop("ck")
    assert "no 'ck'" in mistake(config | {"quenches": {"cool": {}}})
    assert "quenches has an entry of this name" in mistake(config)


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({"times": "1,two"}, "times: 'two' is neither"),
        ({"lags": "0:1:5"}, "lags: '0:1:5' is neither"),
        ({"t_max": 10.0}, "t_max = 10 is before the latest requested time, 1000"),
        ({"p": 1}, "greater than or equal to 2"),
        ({"temperature": -1}, "greater than or equal to 0"),
        ({"p": 3, "terms": [[4, 0.5]]}, "not both"),
        ({"terms": [[3, -0.5]]}, "greater than 0"),
        ({"terms": [[1, 0.5]]}, "needs a term k >= 2"),
        ({"initial_temperature": 0.5}, "not above the static transition"),
        ({"resolution": "standart"}, "'standard'"),
    ],
)
def test_mistakes_of_a_quench(section, reason):
    message = mistake(plain() | {"quenches": {"ck": section}})
    assert "quenches.ck" in message
    assert reason in message


def test_resolutions_are_those_of_the_solver():
    import typing

    from quench.config.glass import Quench
    from quench.theory.pspin.grid import RESOLUTIONS

    assert typing.get_args(Quench.model_fields["resolution"].annotation) == tuple(RESOLUTIONS)


@pytest.mark.parametrize(
    "path, nearest",
    [
        ("scenaro", "scenario"),
        ("data.digits.subsets", "subset"),
        ("ensembles.warm.weigth_decay", "weight_decay"),
        ("ensembles.warm.sgd.epoch", "epochs"),
        ("runs.hot.temperature", "temperatures"),
        ("figures.kwj_fig3.run", "runs"),
        ("compute.chunks", "chunk"),
    ],
)
def test_unknown_key_names_the_nearest(path, nearest):
    message = mistake(changed(path, 1))
    assert f"{path}: no such key (did you mean {nearest!r}?)" in message
    assert nearest in message.split("known here: ")[1]


@pytest.mark.parametrize(
    "path, value, reason",
    [
        # Wrong type.
        ("ensembles.warm.width", "wide", "valid integer"),
        ("ensembles.warm.width", 4.5, "valid integer"),
        ("ensembles.warm.width", [4], "valid integer"),
        ("runs.hot.temperatures", 0.1, "a list is needed: [0.1]"),
        ("runs.hot.temperatures", "1e-3", "a list is needed: [1e-3]"),
        ("runs.hot.lag_max", "1e-3", "valid integer"),
        ("runs.hot.waiting_times", ["1.5e0"], "valid integer"),
        ("runs.hot.temperatures", ["warm"], "valid number"),
        ("runs.hot.chi", "big", "valid number"),
        ("data.digits", "mnist", "valid dictionary"),
        ("data", ["mnist"], "valid dictionary"),
        ("compute", 2, "valid dictionary"),
        # Out of bounds.
        ("runs.hot.temperatures", [0.1, -1e-9], "greater than or equal to 0"),
        ("runs.hot.temperatures", [float("nan")], "finite number"),
        ("runs.hot.temperatures", [float("inf")], "finite number"),
        ("runs.hot.temperatures", [], "needs temperatures"),
        ("runs.hot.temperatures", [0.1, 0.1], "contains a value twice"),
        ("runs.hot.waiting_times", [], "at least 1 item"),
        ("runs.hot.waiting_times", [-1], "greater than or equal to 0"),
        ("runs.hot.lag_max", 0, "greater than or equal to 1"),
        ("runs.hot.step_size", 0, "greater than 0"),
        ("runs.hot.chi", 0, "greater than 0"),
        ("runs.hot.chi", 1e15, "below the resolution of float64"),
        ("runs.hot.more_chi", [10, 1e300], "below the resolution of float64"),
        ("runs.hot.motility_lags", [51], "beyond lag_max = 50"),
        ("runs.hot.batch_sizes", [5], "takes no batch sizes"),
        ("runs.batches.temperatures", [0.1], "takes no temperatures"),
        ("ensembles.warm.weight_decay", -0.1, "greater than or equal to 0"),
        ("ensembles.warm.seeds", 0, "greater than or equal to 1"),
        ("ensembles.warm.sgd.polish", [[5, 0]], "greater than 0"),
        ("compute.chunk", 0, "greater than or equal to 1"),
        ("compute.backend", "gpu", "'auto', 'reference' or 'fused'"),
        ("compute.device", "cuda:x", "match pattern"),
        ("data.digits.subset", 5010, "P_D = 5010 is more than the 5000 training images"),
        ("data.digits.subset", 105, "multiple of the 10 classes"),
        ("data.digits.components", 101, "more than the 100 samples"),
        ("data.digits.source", "imagenet", "'mnist5k'"),
        ("scenario", "../elsewhere", "match pattern"),
        # References.
        ("ensembles.warm.dataset", "digit", "no 'digit' (did you mean 'digits'?)"),
        ("runs.hot.ensemble", "warn", "no 'warn' (did you mean 'warm'?)"),
        ("figures.kwj_fig3.runs", ["hott"], "no 'hott' (did you mean 'hot'?)"),
        ("figures.kwj_fig3.ensembles", ["x"], "known: warm"),
        ("figures.kwj_fig3.waiting_time", 7, "t_w = 7 is not on the schedule of run 'hot': [5, 10]"),
        ("figures.kwj_fig3.chi", 31, "run 'hot' does not measure 31; add it to its more_chi (now 30)"),
        ("figures.kwj_fig3.temperatures", [0.2], "run 'hot' does not measure 0.2; its temperatures are 0.1, 0"),
        ("figures.bj_drift", {"drift": ["b"]}, "classifiers.b has no drift section"),
    ],
)  # fmt: skip
def test_mistake_is_one_line_with_its_place(path, value, reason):
    message = mistake(changed(path, value))
    # The place is the key, or its entry where several keys disagree.
    assert path.rpartition(".")[0] in message
    assert reason in message


def test_an_engine_without_the_networks_of_a_classifier_is_a_mistake():
    config = changed("compute.backend", "fused")
    resolve(config)
    config["classifiers"]["b"] |= {"model": "C", "widths": None}
    assert mistake(config).startswith("config: classifiers.b: the fused engine has no convolutional networks")


def test_labels_that_the_loss_cannot_take_are_named_with_the_dataset():
    message = mistake(changed("data.digits.labels", "classes"))
    assert "ensembles.warm" in message and "needs labels: parity in data.digits" in message


@pytest.mark.parametrize("path", ["ensembles.warm.width", "runs.hot.chi", "ensembles.warm.sgd.epochs"])
def test_missing_required_key_is_named(path):
    config = plain()
    section = config
    *above, last = path.split(".")
    for name in above:
        section = section[name]
    del section[last]
    assert mistake(config) == f"config: {path}: field required"


def test_all_mistakes_are_listed_with_the_figures_to_leave_out():
    config = changed("figures", {
        "kwj_fig3": {"runs": ["hot"], "chi": 10},
        "kwj_fig2": {"runs": ["hot"], "temperatures": [0.1, 1e-3, 1e-5]},
        "ours_immobile": {"mobility": ["hot"], "temperatures": [1e-8]},
        "bj_fig3": {"classifiers": ["small_net"]},
    })  # fmt: skip
    assert mistake(config).splitlines() == [
        "config: figures.kwj_fig3.chi: run 'hot' does not measure 10; add it to its more_chi (now 30)",
        "config: figures.kwj_fig2.temperatures: run 'hot' does not measure 0.001, 1e-05; its temperatures are 0.1, 0",
        "config: figures.ours_immobile.temperatures: run 'hot' does not measure 1e-08; its temperatures are 0.1, 0",
        "config: figures.bj_fig3.classifiers: no 'small_net'; known: b",
        "config: to leave these figures out, add figures: {kwj_fig3: null, kwj_fig2: null, ours_immobile: null,"
        " bj_fig3: null}",
    ]
    config["runs"]["hot"] |= {"chi": -1, "lag_max": "many"}
    assert [line.split(": ")[1] for line in mistake(config).splitlines()] == ["runs.hot.lag_max", "runs.hot.chi"]


def test_many_mistakes_are_cut_short():
    config = plain()
    config["figures"] = {f"kwj_fig{i}": {"kind": "kwj_fig3", "runs": [f"no{i}"]} for i in range(30)}
    lines = mistake(config).splitlines()
    assert len(lines) == 22
    assert lines[20] == "config: and 10 more mistakes"


def test_misspelt_entry_of_an_overlay_is_recognised():
    config = plain()
    config["ensembles"]["worm"] = {"weight_decay": 0.1}
    expected = "config: ensembles.worm: a new entry (did you mean 'warm'?) needs dataset, width, sgd"
    assert mistake(config) == expected


def test_integers_in_scientific_notation_are_read():
    # YAML takes 1e4 for text.
    config = changed("runs.hot.lag_max", "1e4")
    config["runs"]["hot"]["waiting_times"] = ["1e3", "2.5E+3"]
    run = resolve(config).runs["hot"]
    assert (run.lag_max, run.waiting_times) == (10_000, (1000, 2500))


def test_a_complete_scenario_starts_from_nothing(tmp_path):
    for name, content in {
        "default": plain(),
        "mine": {"base": "none", "scenario": "mine"},
        "more": {"scale": "full"},
    }.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
    mine = load_files([tmp_path / f"{name}.yaml" for name in ("default", "mine", "more")])
    assert (mine.scenario, mine.scale, mine.base, mine.runs) == ("mine", "full", "none", {})
    # So does the file beside its results.
    (tmp_path / "config.yaml").write_text(as_yaml(mine))
    assert load_files([tmp_path / "default.yaml", tmp_path / "config.yaml"]) == mine
    assert "base" in mistake({"base": "smoke"})


def test_null_drops_a_named_entry_and_stays_a_value_elsewhere():
    config = overlay(plain(), {"runs": {"batches": None}, "data": {"digits": {"subset": None}}})
    scenario = resolve(config)
    assert list(scenario.runs) == ["hot"]
    assert scenario.data["digits"].subset is None


def test_dropped_entry_that_others_name_is_a_mistake():
    assert "runs.hot.ensemble: no 'warm'" in mistake(overlay(plain(), {"ensembles": {"warm": None}}))


def test_null_where_a_value_is_required_is_a_mistake():
    assert "ensembles.warm.width" in mistake(changed("ensembles.warm.width", None))


names = st.text("abc", min_size=1, max_size=2)
trees = st.recursive(
    st.integers() | st.none() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)
mappings = st.dictionaries(names, trees, max_size=4)


def leaves(tree, path=()):
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value


@given(mappings, mappings)
def test_overlay_replaces_its_own_keys_and_no_others(base, upper):
    before = copy.deepcopy(upper)
    merged = overlay(copy.deepcopy(base), upper)
    assert upper == before
    for path, value in leaves(upper):
        found = merged
        for name in path:
            found = found[name]
        assert found == value or (value == {} and isinstance(found, dict))
    assert set(merged) == set(base) | set(upper)
    assert overlay(copy.deepcopy(merged), upper) == merged
    for name in set(base) - set(upper):
        assert merged[name] == base[name]


@pytest.mark.parametrize("overlays", SHIPPED, ids=lambda names: names[-1] if names else "config.yaml")
def test_shipped_scenarios_resolve_and_their_yaml_resolves_to_the_same(overlays):
    scenario = load_files([CONFIG / name for name in ["config.yaml", *overlays]])
    assert resolve(yaml.safe_load(as_yaml(scenario))) == scenario
    # Snakemake hands over what YAML gives; a second round trip changes nothing.
    assert as_yaml(resolve(yaml.safe_load(as_yaml(scenario)))) == as_yaml(scenario)


def test_paper_scenario_states_the_papers_numbers():
    # Kerr Winter & Janssen 2024, Sec. II-III: n, lambda, chi, T, t_w and P_D as the text has them.
    paper = load_files([CONFIG / "config.yaml", CONFIG / "paper.yaml"])
    stated = {"regularised": (30, 0.01, 300), "underparameterised": (30, 0, 500), "overparameterised": (72, 0, 6000)}
    for name, (width, weight_decay, chi) in stated.items():
        ensemble, run = paper.ensembles[name], paper.runs[name]
        assert (ensemble.width, ensemble.weight_decay, ensemble.depth, run.chi) == (width, weight_decay, 6, chi)
        assert 20_000 in run.waiting_times and run.lag_max == 300_000 and run.step_size == 1e-3
        assert 1 in run.temperatures and 1e-6 in run.temperatures
    assert paper.data["mnist"].subset is None and paper.scale == "full"


@pytest.mark.parametrize(
    "content, reason",
    [
        ("a: [1", "not a readable YAML file"),
        ("- just\n- a list\n", "must contain keys and values"),
        ("", "must contain keys and values"),
        ("\x00", "not a readable YAML file"),
    ],
)
def test_unreadable_files_are_named(tmp_path, content, reason):
    path = tmp_path / "broken.yaml"
    path.write_text(content)
    with pytest.raises(QuenchError, match=rf"broken\.yaml: .*{reason}") as caught:
        load_files([path])
    assert "\n" not in str(caught.value)
    with pytest.raises(QuenchError, match="no such config file"):
        load_files([tmp_path / "absent.yaml"])
