"""Several hundred mistakes, most of them generated: each is one clear line and a failure, and leaves nothing behind."""

import copy
import itertools
import json
import shutil

import planted
import pytest
import xarray as xr
import yaml
from places import CONFIG

from quench.cli import main
from quench.config.scenario import load_files
from quench.data import download


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_reachable", lambda address: False)
    monkeypatch.setenv("QUENCH_DATA", str(tmp_path / "no data"))


def told(words, folder, capsys):
    """The lines of a refusal, one for each mistake of a configuration, else one."""
    before = {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}
    try:
        status = main([str(word) for word in words])
    except SystemExit as ended:
        status = ended.code
    captured = capsys.readouterr()
    assert status not in (0, None), (words, captured)
    lines = captured.err.splitlines()
    assert all(line.startswith("quench: ") for line in lines), captured.err
    assert len(lines) == 1 or "config: " in lines[0], captured.err
    assert "Traceback" not in captured.err and captured.out == ""
    assert 20 < len(captured.err) < 1000
    assert {path: path.lstat().st_mtime_ns for path in folder.rglob("*")} == before
    return captured.err


# Configurations.

SMALL = {
    "scenario": "tiny",
    "scale": "reduced",
    "data": {"digits": {"source": "mnist5k", "subset": 100, "components": 5, "standardise": "pixel", "whiten": False}},
    "ensembles": {
        "warm": {
            "dataset": "digits", "width": 4, "depth": 2, "weight_decay": 0.01, "seeds": 2, "first_seed": 0,
            "sgd": {"learning_rate": 0.05, "batch_size": 10, "epochs": 1, "polish": [[5, 0.05]]},
        }
    },
    "scans": {
        "map": {"dataset": "digits", "widths": [3], "weight_decays": [0.1], "seeds": 2,
                "sgd": {"learning_rate": 0.05, "epochs": 1}}
    },
    "runs": {
        "hot": {"ensemble": "warm", "dynamics": "langevin", "step_size": 0.01, "temperatures": [0.1, 0.2],
                "waiting_times": [5, 10], "lag_max": 50, "chi": 30, "more_chi": [10], "motility_lags": [50]}
    },
    "classifiers": {
        "b": {"model": "B", "widths": [5, 5], "batch_size": 10, "rate": 0.1, "steps": 50, "momentum": 0.0,
              "train_samples": 50, "flatness": {"times": [0, 40]}, "drift": {"starts": [20], "lag_max": 10}}
    },
    "simulations": {"spins": {"spins": 8, "temperature": 0.5, "seeds": 2, "times": [1], "step": 0.1, "replicas": 2}},
    "quenches": {"three": {"p": 3, "temperature": 0.5, "times": "1e-2:1e3:10", "accuracy": 1e-5},
                 "mixed": {"terms": [[3, 0.5], [4, 0.5]], "initial_temperature": 0.8, "temperature": 0.1}},
    "figures": {"kwj_fig3": {"runs": ["hot"], "waiting_time": 10, "temperatures": [0.1], "chi": 30}},
    "compute": {"backend": "auto", "device": "cpu", "precision": "float64", "chunk": 4, "checkpoint_seconds": 60},
}  # fmt: skip


def leaves(content, above=()):
    for key, value in content.items():
        if isinstance(value, dict):
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value


def bad_values(value):
    """What cannot stand where ``value`` does."""
    yield {"deeper": 1}
    if isinstance(value, bool):
        yield from ("perhaps", 7)
    elif isinstance(value, (int, float)):
        yield from ("plenty", [], -7, float("nan"), float("inf"))
    elif isinstance(value, list):
        yield from ("plenty", 7, [None], [-1], [[[]]])
    else:
        yield from (7, "no such thing", "")


MUTATIONS = [
    (path, bad) for path, value in leaves(SMALL) for bad in bad_values(value)
    # A name of a scenario and a list of times are free text; any number may be a temperature's, a seed's, a time's.
    if not (path in {("quenches", "three", "times")} and bad == 7)
]  # fmt: skip


def test_the_scenario_that_is_spoilt_was_sound(tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(SMALL))
    load_files([tmp_path / "config.yaml"])
    assert len(MUTATIONS) > 250


@pytest.mark.parametrize("path, bad", MUTATIONS, ids=lambda value: str(value)[:50])
def test_bad_value_of_any_key_is_told_with_its_place(path, bad, tmp_path, capsys):
    config = copy.deepcopy(SMALL)
    section = config
    for name in path[:-1]:
        section = section[name]
    section[path[-1]] = bad
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    line = told(["config", tmp_path / "config.yaml"], tmp_path, capsys)
    # The key itself, or the entry that two keys contradict each other in.
    assert ".".join(path[: max(1, len(path) - 1)]) in line


@pytest.mark.parametrize("path", sorted({path[:-1] for path, _ in leaves(SMALL)}), ids=".".join)
def test_misspelt_key_is_told(path, tmp_path, capsys):
    config = copy.deepcopy(SMALL)
    section = config
    for name in path:
        section = section[name]
    section["widht"] = 3
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert "widht" in told(["config", tmp_path / "config.yaml"], tmp_path, capsys)


TEXTS = {
    "empty": b"",
    "scalar": b"42\n",
    "list": b"- scenario\n- tiny\n",
    "unclosed": b"runs: {hot: [1, 2\n",
    "tab": b"runs:\n\thot: 1\n",
    "no space": b"scenario:tiny\nscale: full\n",
    "indent": b"runs:\n  hot:\n    chi: 3\n   lag_max: 5\n",
    "quote": b"scenario: 'tiny\n",
    "alias": b"runs: *nowhere\n",
    "itself": b"runs: &a {hot: *a}\n",
    "documents": b"scenario: a\n---\nscenario: b\n",
    "python": b"scenario: !!python/object/apply:os.system ['true']\n",
    "python name": b"scenario: !!python/name:os.system\n",
    "tag": b"scenario: !secret tiny\n",
    "binary": bytes(range(256)),
    "utf-16": "scenario: tiny\n".encode("utf-16"),
    "latin": "scenario: tïny\n".encode("latin-1"),
    "nul": b"scenario: ti\0ny\n",
    "twice": b"runs: {}\nscenario: tiny\nruns: {}\n",
    "twice below": b"runs:\n  hot: {chi: 3, chi: 5}\n",
    "unhashable": b"{[1]: 2}\n",
    "number key": b"runs: {1: {chi: 3}}\n",
    "deep": b"[" * 5000,
    "date": b"scenario: 2024-13-45\n",
    "merge": b"runs: {<<: 7}\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_is_no_scenario_is_told(name, tmp_path, capsys):
    (tmp_path / "config.yaml").write_bytes(TEXTS[name])
    assert "config" in told(["config", tmp_path / "config.yaml"], tmp_path, capsys)


def test_values_that_share_a_folder_are_told(tmp_path, capsys):
    for key, values in (("temperatures", [0.1, 0.1 + 1e-13]), ("more_chi", [10, 10 + 1e-10])):
        config = copy.deepcopy(SMALL)
        config["runs"]["hot"][key] = values
        config["figures"] = {}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        assert "equal in ten digits" in told(["config", tmp_path / "config.yaml"], tmp_path, capsys)


@pytest.mark.parametrize("source, pixels", [("mnist5k", 784), ("mnist", 784), ("cifar10", 3072)])
def test_more_components_than_pixels_are_told_before_any_work(source, pixels, tmp_path, capsys):
    config = copy.deepcopy(SMALL)
    config["data"]["digits"] = {"source": source, "components": pixels + 1}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    line = told(["config", tmp_path / "config.yaml"], tmp_path, capsys)
    assert f"{pixels + 1} is more than the {pixels} features of {source!r}" in line


# Command lines.

COMPUTE = ["--backend", "reference", "--threads", "1", "--checkpoint-every", "60"]
SGD = ["--depth", "2", "--seeds", "0-1", "--learning-rate", "0.05", "--batch-size", "10", "--epochs", "1"]
LINES = {
    "prepare": ["--source", "mnist5k", "--subset", "100", "--components", "5", "-o", "OUT"],
    "pretrain": ["dataset.nc", "--width", "4", "--weight-decay", "0.1", *SGD, *COMPUTE, "-o", "OUT"],
    "scan": ["dataset.nc", "--points", "4:0.1", *SGD, *COMPUTE, "-o", "OUT"],
    "run": ["pretrained.nc", "dataset.nc", "--temperature", "0.1", "--step-size", "0.1", "--waiting-times", "5",
            "--lag-max", "9", "--dense", "5", "--per-decade", "5", *COMPUTE, "-o", "OUT"],
    "observe": ["snapshots.nc", "--waiting-times", "1", "--chi", "3", "--lags", "1", "-o", "OUT"],
    "mobility": ["snapshots.nc", "dataset.nc", "--waiting-time", "1", "--lag", "1", *COMPUTE, "-o", "OUT"],
    "curvature": ["snapshots.nc", "dataset.nc", "--waiting-time", "1", "-o", "OUT"],
    "train": ["images.nc", "--model", "B", "--batch-size", "5", "--rate", "0.1", "--steps", "20", "--seeds", "0",
              "--momentum", "0.5", "--windows", "2", "--noise-draws", "5", "-o", "OUT"],
    "flatness": ["images.nc", "training.nc", "--times", "0", "--probes", "2", "--lanczos-steps", "5", "-o", "OUT"],
    "drift": ["images.nc", "training.nc", "--starts", "1", "--lag-max", "5", "--networks", "1", "-o", "OUT"],
    "pspin": ["--p", "3", "--initial-temperature", "0.8", "--temperature", "0.5", "--t-max", "5",
              "--times", "1", "--waiting-times", "1", "--lags", "1", "--accuracy", "1e-5", "-o", "OUT"],
    "pspin-simulate": ["--spins", "8", "--temperature", "0.5", "--seeds", "0-1", "--times", "1", "--step", "0.1",
                       "--replicas", "2", "-o", "OUT"],
    "figure": ["kwj.fig3", "--run", "hot", "observables.nc", "--temperatures", "0.1", "--waiting-time", "5", "-o", "OUT"],
}  # fmt: skip
NUMERIC = {
    (command, option)
    for command, words in LINES.items()
    for option, value in itertools.pairwise(words)
    if option.startswith("--") and value[0].isdigit()
}
SPOILT = [
    (command, option, bad) for command, option in sorted(NUMERIC) for bad in ("many", "nan", "-3", "", "1e999", "5;rm")
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file of every kind, and each of them spoilt in every way."""
    folder = tmp_path_factory.mktemp("files")
    for kind in KINDS:
        whole = planted.write(folder / f"{kind}.nc", kind, MADE.get(kind))
        content = whole.read_bytes()
        flipped = bytearray(content)
        flipped[len(content) // 3] ^= 16
        (folder / f"{kind}-flipped.nc").write_bytes(flipped)
        (folder / f"{kind}-cut.nc").write_bytes(content[: len(content) // 2])
        (folder / f"{kind}-unsealed.nc").write_bytes(content[:-40])
        first = next(iter(planted.dataset(kind).data_vars))
        planted.dataset(kind).drop_vars(first).to_netcdf(folder / f"{kind}-lacking.nc")
    (folder / "text.nc").write_text("not NetCDF\n")
    (folder / "nothing.nc").write_bytes(b"")
    (folder / "folder.nc").mkdir()
    xr.Dataset({"other": ("x", [1.0])}).to_netcdf(folder / "foreign.nc")
    (folder / "loop.nc").symlink_to("loop.nc")
    return folder


MADE = {
    "training": {"model": "B", "widths": [3], "batch_size": 2, "momentum": 0.0, "train_samples": 4},
    "pretrained": {"width": 2, "depth": 1, "weight_decay": 0.0},
    "snapshots": {"prepared": {"width": 2, "depth": 1, "weight_decay": 0.0}},
}
KINDS = ("dataset", "pretrained", "snapshots", "images", "training", "observables")


@pytest.mark.parametrize("command, option, bad", SPOILT, ids=str)
def test_bad_number_is_told_with_its_option(command, option, bad, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    words = [str(tmp_path / "out.nc") if word == "OUT" else word for word in LINES[command]]
    place = words.index(option) + 1
    # As one word: a value that starts with a dash is no option.
    words[place - 1 : place + 1] = [f"{option}={bad}"]
    assert option.lstrip("-") in told([command, *words], folder, capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", LINES)
def test_missing_and_unknown_options_are_told(command, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    words = [str(tmp_path / "out.nc") if word == "OUT" else word for word in LINES[command]]
    assert "-o" in told([command, *words[:-2]], folder, capsys)
    assert "--frobnicate" in told([command, *words, "--frobnicate"], folder, capsys)
    assert "expected" in told([command, *words, "-o"], folder, capsys)
    assert not list(tmp_path.iterdir())


# Files.

OWN = ("flipped", "cut", "unsealed", "lacking")
DAMAGED = [
    (command, place, kind, damage)
    for command, words in LINES.items()
    for place, kind in enumerate(word.removesuffix(".nc") for word in words)
    if kind in KINDS
    for damage in (
        "flipped",
        "cut",
        "unsealed",
        "lacking",
        "text",
        "nothing",
        "folder",
        "foreign",
        "absent",
        "loop",
        "other",
    )
]


@pytest.mark.parametrize("command, place, kind, damage", DAMAGED, ids=str)
def test_bad_file_is_told_by_its_name(command, place, kind, damage, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    words = [str(tmp_path / "out.nc") if word == "OUT" else word for word in LINES[command]]
    other = "dataset" if kind != "dataset" else "images"
    words[place] = f"{kind}-{damage}.nc" if damage in OWN else f"{other if damage == 'other' else damage}.nc"
    assert words[place] in told([command, *words], folder, capsys)
    assert not list(tmp_path.rglob("*.nc"))


@pytest.mark.parametrize("command", LINES)
def test_output_that_cannot_be_is_told(command, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for output in ("folder.nc", "text.nc/deeper/out.nc"):
        words = [output if word == "OUT" else word for word in LINES[command]]
        if command == "figure" and output == "folder.nc":
            continue  # A stem: folder.nc.pdf is a good name.
        told([command, *words], folder, capsys)


@pytest.mark.parametrize(
    "words",
    [
        ["pack", "folder.nc", "-o", "out.tar"],
        ["pack", "absent", "-o", "out.tar"],
        ["unpack", "absent.tar"],
        ["unpack", "text.nc"],
        ["unpack", "dataset.nc"],
        ["unpack", "folder.nc"],
        ["verify", "folder.nc"],
        ["verify", "text.nc"],
        ["verify"],
        ["claims", "text.nc", "--scenario", "x", "-o", "out"],
        ["claims", "absent.yaml", "--scenario", "x", "-o", "out"],
        ["plot", "foreign.nc", "-o", "out.png"],
        ["config", "absent.yaml"],
        ["config", "folder.nc"],
        ["report", "absent"],
        ["status", "absent"],
        ["frobnicate"],
        [],
    ],
    ids=" ".join,
)
def test_other_commands_tell_their_mistakes(words, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    told(words, folder, capsys)


def test_there_are_many_mistakes():
    """Every one of them a test of its own above."""
    assert len(MUTATIONS) + len(TEXTS) + len(SPOILT) + len(DAMAGED) > 500


def test_list_of_claims_with_a_mistake_is_told(tmp_path, capsys):
    whole = yaml.safe_load((CONFIG / "claims.yaml").read_text())
    for change in ({"quantity": "nonsense"}, {"tolerance": -1}, {"reads": []}, {"colour": "red"}, {"id": 7}):
        spoilt = json.loads(json.dumps(whole))
        spoilt["claims"][3] |= change
        (tmp_path / "claims.yaml").write_text(yaml.safe_dump(spoilt))
        told(["claims", tmp_path / "claims.yaml", "--scenario", "x", "-o", tmp_path / "out"], tmp_path, capsys)
    shutil.rmtree(tmp_path)
