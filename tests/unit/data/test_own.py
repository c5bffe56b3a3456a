"""A dataset of one's own: what its labels become, what is refused, and that nothing of its content is lost."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from quench.config.backends import Engines
from quench.config.scenario import resolve
from quench.cost.model import Costs
from quench.data import own
from quench.data.prepare import prepare
from quench.errors import QuenchError
from quench.pipeline.rules import Rules


def saved(path, **arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        names = {"x": ("sample", "row", "column"), "y": "sample", "x_test": ("one", "row", "column"), "y_test": "one"}
        xr.Dataset({name: (names[name], values) for name, values in arrays.items()}).to_netcdf(path)
    return str(path)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("suffix", [".npz", ".nc"])
def test_both_formats_give_the_samples_in_any_shape(tmp_path, rng, suffix):
    x, y = rng.normal(size=(12, 2, 3)), np.arange(12) % 3
    given = {"x": x, "y": y, "x_test": x[:4], "y_test": y[:4]}
    path = saved(tmp_path / f"mine{suffix}", **given)
    found = prepare(path, components=6, standardise="none")
    assert found["y"].values.tolist() == [1, -1, 1] * 4 and found["y"].dtype == np.int8
    assert found["class_index"].values.tolist() == y.tolist()
    # Six components of six features are a rotation: distances between samples stay, to float32.
    distances = np.linalg.norm(x.reshape(12, -1)[:, None] - x.reshape(12, -1), axis=-1)
    scores = found["x"].values.astype(float)
    np.testing.assert_allclose(np.linalg.norm(scores[:, None] - scores, axis=-1), distances, atol=1e-5)
    assert np.array_equal(found["x_test"], found["x"][:4]) and np.array_equal(found["y_test"], found["y"][:4])


def test_signs_stay_what_they_are(tmp_path, rng):
    y = rng.choice([-1.0, 1.0], 20)
    path = saved(tmp_path / "mine.npz", x=rng.normal(size=(20, 3)), y=y)
    for labels in ("parity", "given"):
        assert np.array_equal(prepare(path, components=2, labels=labels)["y"], y)


def test_numbers_to_regress_are_kept_exactly_and_are_no_classes(tmp_path, rng):
    y = rng.normal(size=20)
    path = saved(tmp_path / "mine.npz", x=rng.normal(size=(20, 3)), y=y)
    assert np.array_equal(prepare(path, components=2, labels="given")["y"], y)
    # The first samples, since there is one class.
    assert np.array_equal(prepare(path, components=2, labels="given", subset=7)["y"], y[:7])
    with pytest.raises(QuenchError, match="use 'given'"):
        prepare(path, components=2)


def test_subset_takes_the_first_of_each_class_and_tests_on_the_rest(tmp_path, rng):
    y = np.array([3, 8, 8, 3, 3, 8, 8, 8])
    path = saved(tmp_path / "mine.npz", x=rng.normal(size=(8, 3)), y=y)
    found = prepare(path, components=2, subset=4)
    assert found["source_index"].values.tolist() == [0, 1, 2, 3]
    assert found["y"].values.tolist() == [-1, 1, 1, -1] and found["y_test"].values.tolist() == [-1, 1, 1, 1]
    with pytest.raises(QuenchError, match="multiple of the 2 classes"):
        prepare(path, components=2, subset=5)


@given(st.lists(st.integers(-3, 3) | st.floats(-3, 3), min_size=1, max_size=8))
def test_classes_are_whole_and_even_means_plus(values):
    y = np.array(values, dtype=float)
    classes = own.Samples(np.zeros((len(y), 1)), y).classes
    assert classes.min() >= 0
    if set(values) <= {-1, 1}:
        assert np.array_equal(np.where(classes % 2 == 0, 1, -1), y)
    elif own.are_classes(y):
        assert np.array_equal(classes, y)
    else:
        assert not classes.any()


def test_known_sources_give_no_numbers():
    with pytest.raises(QuenchError, match="needs a file of your own"):
        prepare("mnist5k", labels="given", subset=100)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones((3, 2))}, "no array 'y'"),
        ({"X": np.ones((3, 2)), "y": np.ones(3)}, "no array 'x', only X, y; x and y are needed"),
        ({"x": np.ones((3, 2)), "y": np.ones(4)}, r"not \(3, 2\), \(4,\)"),
        ({"x": np.ones(3), "y": np.ones(3)}, "must be"),
        ({"x": np.full((3, 2), np.nan), "y": np.ones(3)}, "finite numbers"),
        ({"x": np.full((3, 2), "a"), "y": np.ones(3)}, "finite numbers"),
        ({"x": np.ones((3, 2)), "y": np.ones(3), "x_test": np.ones((2, 2))}, "no array 'y_test'"),
    ],
)
def test_files_that_cannot_be_learnt_are_told(tmp_path, arrays, message):
    path = saved(tmp_path / "mine.npz", **arrays)
    with pytest.raises(QuenchError, match=message):
        prepare(path, components=1)


def test_unreadable_files_are_told(tmp_path):
    with pytest.raises(QuenchError, match="no such file"):
        own.read(tmp_path / "absent.npz")
    for name in ("mine.npz", "mine.nc"):
        (tmp_path / name).write_bytes(b"not an archive")
        with pytest.raises(QuenchError, match="cannot be read"):
            own.read(tmp_path / name)
    np.savez(tmp_path / "objects.npz", x=np.array([[{}]], dtype=object), y=np.ones(1))
    with pytest.raises(QuenchError, match="cannot be read"):
        own.read(tmp_path / "objects.npz")


@pytest.fixture
def plain(tmp_path, rng):
    """A scenario on a file of one's own."""
    path = saved(tmp_path / "mine.npz", x=rng.normal(size=(20, 3)), y=rng.choice([-1, 1], 20))
    sgd = {"learning_rate": 0.1, "epochs": 1}
    run = {"ensemble": "a", "temperatures": [0.1], "waiting_times": [5], "lag_max": 9, "chi": 1}
    descent = {**run, "dynamics": "sgd", "temperatures": [], "batch_sizes": [5]}
    return {
        "data": {"mine": {"source": path, "components": 3}},
        "ensembles": {
            "a": {"dataset": "mine", "width": 4, "sgd": sgd},
            "b": {"dataset": "mine", "width": 4, "sgd": sgd, "loss": "logistic"},
        },
        "runs": {
            "cold": {**run, "anneal": {"start": 1, "updates": 4}},
            "plain": descent,
            "heavy": {**descent, "momentum": 0.9},
            "adam": {**descent, "dynamics": "adam", "betas": [0.8, 0.9]},
            "other": {**run, "ensemble": "b"},
        },
    }


def test_engine_is_the_fused_one_where_it_can(plain):
    scenario = resolve(plain)
    engines = Engines(scenario)
    assert {name: engines.ensemble(name) for name in scenario.ensembles} == {"a": "fused", "b": "reference"}
    backends = {name: engines.run(name) for name in scenario.runs}
    slow = dict.fromkeys(("heavy", "adam", "other"), "reference")
    assert backends == {"cold": "fused", "plain": "fused", **slow}
    assert engines.beyond_fused() == ["ensembles.b", *(f"runs.{name}" for name in slow)]
    rules = Rules(scenario)
    assert rules.paths.raw("mine") == [plain["data"]["mine"]["source"]]
    prepared = rules.options("pretrain")({"ensemble": "b", "seeds": "0-3"})
    assert "--loss logistic" in prepared and "--backend reference" in prepared

    def options(run, point):
        return rules.options("run")({"run": run, "point": point, "seeds": "0-3"})

    assert "--anneal-start 1.0 --anneal-updates 4 --anneal-form linear" in options("cold", "T0.1")
    assert "--momentum 0.9" in options("heavy", "B5") and "--momentum 0.0" in options("plain", "B5")
    assert "--betas 0.8,0.9" in options("adam", "B5")
    # The slower backend is reckoned with.
    costs = Costs(scenario)
    assert costs.pretrain("b", "0-3").seconds > costs.pretrain("a", "0-3").seconds
    assert (
        engines.scans() == "fused"
        and Engines(resolve(plain | {"compute": {"backend": "reference"}})).beyond_fused() == []
    )


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("compute", {"backend": "fused"}, "ensembles.b: the fused engine has no loss logistic"),
        ("data.mine.source", "absent.npz", "absent.npz: no such file"),
        (
            "data.mine.source",
            "mine.csv",
            r"data.mine.source: input should be .*'cifar100', or String should match .*npz",
        ),
        ("data.mine.labels", "classes", "loss quadratic_hinge needs labels: parity"),
        ("ensembles.b.loss", "hinge", "ensembles.b.loss"),
        ("runs.cold.momentum", 0.5, "'langevin' takes no momentum"),
        ("runs.adam.momentum", 0.5, "'adam' takes no momentum"),
        ("runs.heavy.momentum", 1.0, "runs.heavy.momentum"),
        ("runs.heavy.anneal", {"start": 1, "updates": 4}, "no temperature to anneal"),
        ("runs.cold.anneal", {"start": 0, "updates": 4, "form": "exponential"}, "take the linear form"),
        ("runs.cold.anneal", {"start": 1, "updates": 4, "from": 2}, "known here: start, updates, form"),
    ],
)
def test_mistakes_in_the_scenario_are_told(plain, place, value, message):
    section = plain
    *path, last = place.split(".")
    for name in path:
        section = section[name]
    section[last] = value
    with pytest.raises(QuenchError, match=message):
        resolve(plain)
