"""A dataset of one's own: what its labels become, what is refused, and that nothing of its content is lost."""

import os

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


@pytest.mark.parametrize("labels", ["parity", "classes"])
def test_one_coding_of_labels_holds_for_training_and_test(tmp_path, rng, labels):
    """A test set of one class does not tell its coding; nor does a training set."""
    x, y = rng.normal(size=(12, 3)), np.arange(12) % 2
    one = np.ones(4, int)
    expected = one if labels == "classes" else -one
    found = prepare(saved(tmp_path / "a.npz", x=x, y=y, x_test=x[:4], y_test=one), components=2, labels=labels)
    assert np.array_equal(found["y_test"], expected) and np.array_equal(found["y"][y == 1], [expected[0]] * 6)
    found = prepare(saved(tmp_path / "b.npz", x=x[:4], y=one, x_test=x, y_test=y), components=2, labels=labels)
    assert np.array_equal(found["y"], expected) and np.array_equal(found["y_test"][y == 1], [expected[0]] * 6)


@pytest.mark.parametrize("test", [np.arange(12) % 2, np.linspace(0, 1, 12), np.full(12, -2)])
def test_labels_coded_differently_are_refused(tmp_path, rng, test):
    x, signs = rng.normal(size=(12, 3)), np.tile([-1, 1], 6)
    path = saved(tmp_path / "mine.npz", x=x, y=signs, x_test=x, y_test=test)
    for labels in ("parity", "classes"):
        with pytest.raises(QuenchError, match=r"y and y_test in .*mine\.npz are coded differently: y is from -1 to 1"):
            prepare(path, components=2, labels=labels)
    # Given numbers are kept as they are, whatever they mean.
    assert np.array_equal(prepare(path, components=2, labels="given")["y_test"], test)


@pytest.mark.parametrize("largest", [32_767, 32_768, 70_000, 2**53])
def test_class_numbers_are_kept_exactly(tmp_path, rng, largest):
    y = np.where(np.arange(10) % 3, largest, 3)
    path = saved(tmp_path / "mine.npz", x=rng.normal(size=(10, 3)), y=y)
    found = prepare(path, components=2, labels="classes")
    assert np.array_equal(found["y"], y) and np.array_equal(found["class_index"], y)
    assert np.array_equal(found["y_test"], []) and found["y"].dtype == (np.int16 if largest < 2**15 else np.int64)


def test_class_numbers_that_are_not_exact_are_refused(tmp_path, rng):
    path = saved(tmp_path / "mine.npz", x=rng.normal(size=(4, 3)), y=np.array([0, 1, 2, 2**53 + 2]))
    with pytest.raises(QuenchError, match="are not classes"):
        prepare(path, components=2)


def test_dimension_of_the_labels_says_which_dimension_is_the_samples(tmp_path, rng):
    x, y = rng.normal(size=(12, 12)), np.arange(12) % 2
    test = {"x_test": (("other", "f"), x[:5]), "y_test": ("other", y[:5])}
    plain = xr.Dataset({"x": (("sample", "f"), x), "y": ("sample", y)} | test)
    plain.to_netcdf(tmp_path / "plain.nc")
    plain.transpose().to_netcdf(tmp_path / "turned.nc")
    expected = prepare(str(tmp_path / "plain.nc"), components=3)
    assert prepare(str(tmp_path / "turned.nc"), components=3).equals(expected)
    # Of test data, the other dimensions follow those of the training data.
    cube = rng.normal(size=(12, 3, 3))
    ordered = xr.Dataset({"x": (("s", "row", "column"), cube), "y": ("s", y), "y_test": ("t", y[:4])})
    ordered["x_test"] = (("row", "column", "t"), cube[:4].transpose(1, 2, 0))
    ordered.to_netcdf(tmp_path / "cube.nc")
    ordered.assign(x_test=ordered["x_test"].transpose("column", "t", "row")).to_netcdf(tmp_path / "cubes.nc")
    found = [prepare(str(tmp_path / name), components=3) for name in ("cube.nc", "cubes.nc")]
    assert found[0].equals(found[1]) and np.array_equal(found[0]["x_test"], found[0]["x"][:4])


def test_whitening_needs_a_variance_of_every_component(tmp_path, rng):
    """Of one-hot features, one is the others' sum."""
    for seed in range(10):
        features = np.eye(4)[np.random.default_rng(seed).integers(0, 4, 100)]
        path = saved(tmp_path / f"{seed}.npz", x=features, y=np.arange(100) % 2)
        with pytest.raises(QuenchError, match="whiten: only 3 of 4 components have a variance; use components: 3"):
            prepare(path, components=4, whiten=True)
        found = prepare(path, components=3, whiten=True)
        np.testing.assert_allclose(found["x"].std("sample"), 1, rtol=1e-5)
        assert np.isfinite(prepare(path, components=4)["x"]).all()


def test_rounding_errors_of_a_constant_feature_are_not_amplified(tmp_path, rng):
    x = np.column_stack([rng.normal(size=(49, 2)), np.full(49, 0.1)])
    found = prepare(saved(tmp_path / "mine.npz", x=x, y=np.arange(49) % 2), components=3)
    assert float(found["pixel_scale"][2]) == 1 and np.abs(found["x"][:, 2]).max() < 1e-12
    with pytest.raises(QuenchError, match="all 49 samples are equal"):
        prepare(saved(tmp_path / "flat.npz", x=np.full((49, 3), 0.1), y=np.arange(49) % 2), components=2)


@pytest.mark.parametrize(
    ("size", "standardise"),
    [(1e300, "pixel"), (1e200, "pixel"), (1e200, "none"), (1e40, "none"), (1e-200, "none"), (1e-200, "pixel")],
)
def test_numbers_of_any_size_are_prepared_or_refused(tmp_path, rng, size, standardise):
    x = rng.normal(size=(20, 3)) * size
    path = saved(tmp_path / "mine.npz", x=x, y=np.arange(20) % 2)
    try:
        assert np.isfinite(prepare(path, components=2, standardise=standardise)["x"]).all()
    except QuenchError as error:
        assert "exceed" in str(error) or "0 or infinite" in str(error)


def test_arrays_of_anything_beside_the_data_are_not_read(tmp_path, rng):
    x, y = rng.normal(size=(8, 3)), np.arange(8) % 2
    plain = prepare(saved(tmp_path / "plain.npz", x=x, y=y), components=2)
    names = np.array(["a", None], dtype=object)
    assert prepare(saved(tmp_path / "objects.npz", x=x, y=y, names=names), components=2).equals(plain)


def test_damaged_archives_are_reported(tmp_path, rng):
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, x=rng.normal(size=(30, 3)), y=np.arange(30) % 2)
    content = path.read_bytes()
    for place in range(0, len(content), 5):
        path.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
        try:
            own.read(path)
        except QuenchError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error)
    for spoilt in (b"", content[: len(content) // 2]):
        path.write_bytes(spoilt)
        with pytest.raises(QuenchError, match="not an archive of arrays"):
            own.read(path)
    with open(path, "wb") as file:
        np.save(file, np.ones((3, 2)))
    with pytest.raises(QuenchError, match="not an archive of arrays"):
        own.read(path)
    os.mkfifo(tmp_path / "pipe.nc")
    with pytest.raises(QuenchError, match="not a plain file"):
        own.read(tmp_path / "pipe.nc")


@given(st.lists(st.integers(-3, 3) | st.floats(-3, 3), min_size=1, max_size=8))
def test_classes_are_whole_and_even_means_plus(values):
    y = np.array(values, dtype=float)
    coding = own.coding(y)
    classes = own.Samples(np.zeros((len(y), 1)), y, coding).classes
    assert classes.min() >= 0
    if set(values) <= {-1, 1}:
        assert np.array_equal(np.where(classes % 2 == 0, 1, -1), y)
    elif coding == "classes":
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
        ({"x": np.ones((3, 2)), "y": np.ones(3), "x_test": np.ones((2, 4)), "y_test": np.ones(2)}, "those of x_test"),
        ({"x": np.ones((3, 0)), "y": np.ones(3)}, "must be"),
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
