"""Recordings of a training loop: the weights at the scheduled times, whatever happens to the process."""

import copy
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import quench
from quench.cli import main
from quench.errors import QuenchError
from quench.store import files, snapshots, unfinished

SCHEDULE = quench.Schedule(waiting_times=(2, 8), lag_max=20, dense=4, per_decade=4)


def network(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))


def flat(model):
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()]).numpy().copy()


class Training:
    """A model that is trained with momentum, on data of its own; ``weights`` after every update."""

    def __init__(self, seed=0):
        self.model = network(seed)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)
        self.x = torch.randn(16, 3)
        self.weights = [flat(self.model)]

    def update(self):
        loss = (self.model(self.x) - self.x.prod(dim=1, keepdim=True)).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.weights.append(flat(self.model))
        return loss


def recorded(path, **options):
    """Record one training completely; return it."""
    training = Training()
    with quench.record(training.model, SCHEDULE, path, **options) as recorder:
        for _ in range(30):
            recorder.step(training.update())
    return training


def test_weights_and_losses_are_those_of_the_loop_at_every_time_of_the_schedule(tmp_path):
    training = Training(seed=5)
    losses = [np.nan]
    recorder = quench.record(training.model, SCHEDULE, tmp_path / "run.nc", config={"lr": 0.05})
    for _ in range(30):
        loss = training.update()
        recorder.step(loss)
        losses.append(loss.item())
    assert not unfinished.part_path(tmp_path / "run.nc").exists()
    recorder.close()
    found = snapshots.read(tmp_path / "run.nc")
    assert found["time"].values.tolist() == SCHEDULE.times.tolist()
    assert found["weights"].dtype == np.float32
    for moment in SCHEDULE.times:
        one = found.sel(time=moment)
        assert np.array_equal(one["weights"][0], training.weights[moment])
        assert np.array_equal(one["loss"][0], losses[moment], equal_nan=True)
    assert found["seed"].values.tolist() == [5] and found["diverged_at"].values.tolist() == [-1]
    assert found["layer"].values.tolist() == [0] * 16 + [1] * 5
    config = files.config_of(found)
    assert config["lr"] == 0.05 and config["lag_max"] == 20 and config["model"] == "Sequential"


def test_recording_changes_nothing_in_the_training(tmp_path):
    alone = Training()
    for _ in range(30):
        alone.update()
    state = torch.get_rng_state()
    watched = recorded(tmp_path / "run.nc")
    assert all(map(np.array_equal, watched.weights, alone.weights))
    assert torch.equal(torch.get_rng_state(), state)


def test_drifting_weights_have_the_displacement_of_a_drift(tmp_path, capsys):
    """A weight that moves by v_i an update has MSD = <v^2> t^2 and alpha2 = <v^4> / 3 <v^2>^2 - 1, at every t_w.

    Weights below 1 in float64 are summed with an error below 30 x 2^-53 each: 1e-12 of the smallest displacement, 0.01.
    """
    model = torch.nn.Linear(6, 1, bias=False).double()
    speed = torch.linspace(0.01, 0.02, 6).double()
    with quench.record(model, SCHEDULE, tmp_path / "run.nc", seed=1) as recorder:
        for _ in range(SCHEDULE.times[-1]):
            with torch.no_grad():
                model.weight += speed
            recorder.step()
    target = tmp_path / "observables.nc"
    assert main(["observe", str(tmp_path / "run.nc"), "--chi", "1", "-o", str(target)]) == 0
    found = files.read(target, kind="observables")
    assert found["waiting_time"].values.tolist() == [2, 8]
    assert found["lag"].values.tolist() == SCHEDULE.lags.tolist()
    second, fourth = (float((speed**order).mean()) for order in (2, 4))
    for age in (2, 8):
        one = found.sel(waiting_time=age, network=0)
        np.testing.assert_allclose(one["msd"], second * SCHEDULE.lags**2.0, rtol=1e-11)
        np.testing.assert_allclose(one["alpha2"][1:], fourth / (3 * second**2) - 1, rtol=0, atol=1e-10)


def test_recording_of_a_loop_that_stops_is_kept_and_resumed(tmp_path, capsys):
    whole = recorded(tmp_path / "whole.nc")
    path = tmp_path / "run.nc"
    training = Training()
    recorder = quench.record(training.model, SCHEDULE, path)
    for _ in range(13):
        recorder.step(training.update())
    recorder.close()
    assert "12 snapshots up to update 13, 6 to come" in capsys.readouterr().err and not path.exists()
    early = snapshots.read(unfinished.part_path(path))
    assert early["time"].values.tolist() == [t for t in SCHEDULE.times if t <= 13]
    # The script resumes from a checkpoint that is older than the last snapshot.
    again = Training()
    for _ in range(11):
        again.update()
    recorder = quench.record(again.model, SCHEDULE, path, step=11)
    assert recorder.updates == 11
    for _ in range(19):
        recorder.step(again.update())
    recorder.close()
    assert not unfinished.part_path(path).exists()
    assert path.read_bytes() == (tmp_path / "whole.nc").read_bytes()
    assert len(whole.weights) == len(again.weights)


def test_killed_process_loses_no_recorded_snapshot(tmp_path):
    script = f"""
import os, signal, torch, quench
torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
recorder = quench.record(model, range(0, 1000), {str(tmp_path / "run.nc")!r})
for update in range(100):
    with torch.no_grad():
        model.weight += 1
    recorder.step()
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = os.environ | {"PYTHONPATH": str(Path(quench.__file__).parents[1])}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    found = snapshots.read(tmp_path / "run.nc.part")
    assert found["time"].values.tolist() == list(range(101))
    np.testing.assert_allclose(found["weights"][0, :, 0] - found["weights"][0, 0, 0], np.arange(101), atol=1e-4)


@settings(max_examples=30)
@given(data=st.data())
def test_file_that_is_cut_or_damaged_anywhere_gives_the_snapshots_before(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("cut") / "run.nc"
    model = network()
    recorder = quench.record(model, range(8), path)
    start = unfinished.part_path(path).stat().st_size
    for _ in range(5):
        recorder.step()
    recorder.close()
    content = unfinished.part_path(path).read_bytes()
    row = (len(content) - start) // 5
    place = data.draw(st.integers(start, len(content) - 1))
    if data.draw(st.booleans()):
        changed = content[:place]
    else:
        changed = content[:place] + bytes([content[place] ^ data.draw(st.integers(1, 255))]) + content[place + 1 :]
    unfinished.part_path(path).write_bytes(changed)
    assert snapshots.read(unfinished.part_path(path)).sizes["time"] == 1 + (place - start) // row


def test_earlier_results_are_safe(tmp_path):
    path = tmp_path / "run.nc"
    recorded(path)
    content = path.read_bytes()
    with pytest.raises(QuenchError, match="already exists"):
        quench.record(network(), SCHEDULE, path)
    recorder = quench.record(network(1), SCHEDULE, path, overwrite=True)
    recorder.step()
    # The earlier recording stays until the new one is complete.
    assert path.read_bytes() == content
    for options in ({"step": 1}, {"overwrite": True}):
        with pytest.raises(QuenchError, match="this process is recording to this file"):
            quench.record(network(1), SCHEDULE, path, **options)
    recorder.close()
    path.unlink()
    with pytest.raises(QuenchError, match=r"did not end; .*step="):
        quench.record(network(), SCHEDULE, path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": quench.Schedule((2,), 20, 4, 4)}, r"config.waiting_times\[1\] was 8, and is now absent"),
        ({"schedule": quench.Schedule((2, 8), 30, 4, 4)}, "config.lag_max was 20, and is now 30"),
        ({"seed": 1}, r"seeds\[0\] was 0, and is now 1"),
        ({"config": {"lr": 0.2}}, r"config.lr was 0.1, and is now 0.2"),
        ({"sample": 9}, r"n_weights was 21, and is now 9"),
        ({"output_layer": "0"}, 'output_layer was "2", and is now "0"'),
        ({"model": torch.nn.Linear(7, 3)}, 'config.model was "Sequential", and is now "Linear"'),
        ({"model": torch.nn.Sequential(torch.nn.Linear(6, 3))}, "layers.0.weight was 12, and is now 18"),
    ],
)
def test_recording_resumes_with_the_same_settings_only(tmp_path, options, message):
    given = {"model": network(), "schedule": SCHEDULE, "seed": 0, "config": {"lr": 0.1}}
    quench.record(path=tmp_path / "run.nc", **given).close()
    with pytest.raises(QuenchError, match=message):
        quench.record(path=tmp_path / "run.nc", step=5, **given | options)
    quench.record(path=tmp_path / "run.nc", step=5, **given).close()


def test_missing_and_complete_recordings_are_reported(tmp_path, capsys):
    path = tmp_path / "run.nc"
    with pytest.raises(QuenchError, match="not found"):
        quench.record(network(), SCHEDULE, path, step=5)
    quench.record(network(), SCHEDULE, path).close()
    capsys.readouterr()
    recorder = quench.record(network(), SCHEDULE, path, step=5)
    assert "4 snapshots from 1 to 4 are missing" in capsys.readouterr().err
    recorder.close()
    unfinished.part_path(path).unlink()
    recorded(path)
    content = path.read_bytes()
    # The training is longer than its recording.
    recorder = quench.record(network(), SCHEDULE, path, step=40)
    recorder.step()
    recorder.close()
    assert path.read_bytes() == content and "already complete" in capsys.readouterr().err
    with pytest.raises(QuenchError, match=r"already complete, but config.lag_max was 20, and is now 30"):
        quench.record(network(), quench.Schedule((2, 8), 30, 4, 4), path, step=20)


def test_list_of_updates_stays_the_same_when_recording_resumes(tmp_path):
    quench.record(network(), range(0, 9, 2), tmp_path / "run.nc").close()
    with pytest.raises(QuenchError, match=r"times\[1\] was 2, and is now 3"):
        quench.record(network(), range(0, 9, 3), tmp_path / "run.nc", step=3)
    quench.record(network(), [0], tmp_path / "short.nc").close()
    with pytest.raises(QuenchError, match="ends at update 0, and the schedule at 1"):
        quench.record(network(), [0, 1], tmp_path / "short.nc", step=1)


def test_script_resumes_in_a_process_with_another_seed(tmp_path):
    """As documented: with the number of updates alone, and where nothing set torch's seed before."""
    path, training = tmp_path / "run.nc", Training(seed=3)
    recorder = quench.record(training.model, SCHEDULE, path)
    for _ in range(10):
        recorder.step(training.update())
    recorder.close()
    torch.manual_seed(99)
    recorder = quench.record(training.model, SCHEDULE, path, step=10)
    for _ in range(20):
        recorder.step(training.update())
    found = snapshots.read(path)
    assert found["seed"].values.tolist() == [3] and found["time"].values.tolist() == SCHEDULE.times.tolist()
    assert all(np.array_equal(found["weights"].sel(time=t)[0], training.weights[t]) for t in SCHEDULE.times)


def test_writer_whose_file_was_replaced_keeps_its_own_snapshots(tmp_path):
    """As on a file system without locks: the last file to be complete has snapshots of one run alone."""
    first, second = Training(seed=1), Training(seed=2)
    one = quench.record(first.model, SCHEDULE, tmp_path / "run.nc")
    unfinished.part_path(tmp_path / "run.nc").unlink()
    two = quench.record(second.model, SCHEDULE, tmp_path / "run.nc")
    two.step(second.update())
    for _ in range(30):
        one.step(first.update())
    found = snapshots.read(tmp_path / "run.nc")
    assert all(np.array_equal(found["weights"].sel(time=t)[0], first.weights[t]) for t in SCHEDULE.times)
    # The other recording is still there.
    assert snapshots.read(unfinished.part_path(tmp_path / "run.nc"))["seed"].values.tolist() == [2]
    two.close()


def test_file_is_free_again_while_a_forked_worker_lives(tmp_path, capsys):
    """A worker process that loads data shares the lock of the file. What it does with its copy changes nothing."""
    path = tmp_path / "run.nc"
    recorder = quench.record(network(), range(3), path)
    told, tell = os.pipe()
    worker = os.fork()
    if not worker:
        recorder.step()
        recorder.close()
        os.read(told, 1)
        os._exit(0)
    recorder.step()
    recorder.close()
    again = quench.record(network(), range(3), path, step=1)
    again.step()
    again.close()
    os.write(tell, b"x")
    assert os.waitpid(worker, 0)[1] == 0
    assert snapshots.read(path)["time"].values.tolist() == [0, 1, 2]


def test_other_process_is_named_as_such(tmp_path):
    recorder = quench.record(network(), [0, 1], tmp_path / "run.nc")
    script = f"""
import torch, quench
for options in ({{}}, {{"overwrite": True}}, {{"step": 1}}):
    try:
        quench.record(torch.nn.Linear(2, 2), [0, 1], {str(tmp_path / "run.nc")!r}, **options)
    except quench.errors.QuenchError as error:
        print(error)
"""
    environment = os.environ | {"PYTHONPATH": str(Path(quench.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.count("another process is recording to this file") == 3
    recorder.step()
    assert snapshots.read(tmp_path / "run.nc").sizes["time"] == 2


def test_header_alone_does_not_hinder_the_next_recording(tmp_path):
    path = tmp_path / "run.nc"
    quench.record(network(), [5], path).close()
    quench.record(network(), [0], path).close()
    assert snapshots.read(path)["time"].values.tolist() == [0]
    other = tmp_path / "other.nc.part"
    other.write_text("notes")
    with pytest.raises(QuenchError, match="holds the snapshots"):
        quench.record(network(), [0], tmp_path / "other.nc")
    assert other.read_text() == "notes"


def test_copies_of_a_recorder_record_nothing(tmp_path):
    """Averaging (EMA, SWA) copies the model, and some programs keep the recorder in it."""
    model = network()
    model.recorder = quench.record(model, [0, 1], tmp_path / "run.nc")
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    for one in copies:
        one.recorder.step()
        one.recorder.close()
        assert one.recorder.updates == 1
    assert not (tmp_path / "run.nc").exists()
    model.recorder.step()
    assert (tmp_path / "run.nc").exists()


def test_relative_paths_mean_what_they_meant_at_the_start(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    recorder = quench.record(network(), [0, 1], "run.nc")
    home = quench.record(network(), [0, 1], "~/run.nc")
    monkeypatch.chdir("elsewhere")
    recorder.step()
    home.step()
    assert (tmp_path / "run.nc").exists() and (tmp_path / "home" / "run.nc").exists()
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        (0.5, [0.5]),
        (np.float32(0.5), [0.5]),
        (np.array([0.5]), [0.5]),
        (torch.full((1, 1), 0.5, requires_grad=True), [0.5]),
        (torch.tensor(0.5, dtype=torch.bfloat16), [0.5]),
        (torch.ones(8), [np.nan]),
        ({"loss": 0.5}, [np.nan]),
        ("low", [np.nan]),
        (object(), [np.nan]),
        (0.5, [0.5, 0.5]),
        (np.array([0.5, 0.75]), [0.5, 0.75]),
        ([torch.tensor([0.5]), 0.75], [0.5, 0.75]),
        ([0.1, 0.2, 0.3], [np.nan, np.nan]),
        ([0.1, None], [0.1, np.nan]),
    ],
)
def test_any_loss_is_recorded_or_reported_and_training_continues(tmp_path, capsys, losses, expected):
    models = [network(seed) for seed in range(len(expected))]
    recorder = quench.record(models, [1, 2], tmp_path / "run.nc")
    recorder.step(losses)
    recorder.step(losses)
    found = snapshots.read(tmp_path / "run.nc")["loss"]
    assert np.array_equal(found, np.transpose([expected, expected]), equal_nan=True)
    assert capsys.readouterr().err.count("step(loss) takes one number") == np.isnan(expected).all()


def test_loops_that_count_themselves_report_what_they_pass(tmp_path, capsys):
    recorder = quench.record(network(), [0, 2, 3, 4, 6], tmp_path / "run.nc")
    recorder.reach(2)
    recorder.reach(6)
    assert "2 snapshots from 3 to 4 are missing" in capsys.readouterr().err
    assert snapshots.read(tmp_path / "run.nc")["time"].values.tolist() == [0, 2, 6]


def test_networks_side_by_side_in_one_file(tmp_path):
    models = [network(seed) for seed in range(3)]
    with quench.record(models, [0, 1], tmp_path / "run.nc", seed=(4, 7, 9)) as recorder:
        recorder.step([1.0, torch.tensor(2.0), 3])
    found = snapshots.read(tmp_path / "run.nc")
    assert found["seed"].values.tolist() == [4, 7, 9]
    assert found["loss"].sel(time=1).values.tolist() == [1, 2, 3]
    assert all(np.array_equal(row, flat(model)) for row, model in zip(found["weights"][:, 0], models, strict=True))


def test_sample_is_the_same_part_of_the_weights_in_every_run(tmp_path):
    for name, size in (("all", None), ("some", 9), ("again", 9)):
        quench.record(network(), [0], tmp_path / f"{name}.nc", sample=size).close()
    whole, some, again = (snapshots.read(tmp_path / f"{name}.nc") for name in ("all", "some", "again"))
    places = some["weight"].values
    assert len(set(places.tolist())) == 9 and places.tolist() == again["weight"].values.tolist()
    assert np.array_equal(some["weights"], whole["weights"][..., places])
    assert np.array_equal(some["layer"], whole["layer"][places])


def test_diverged_network_is_marked_with_the_time_of_its_snapshot(tmp_path):
    models = [network(seed) for seed in range(2)]
    with quench.record(models, range(4), tmp_path / "run.nc") as recorder:
        for update in range(1, 4):
            if update == 2:
                models[1][0].weight.data[0, 0] = np.inf
            recorder.step()
    assert snapshots.read(tmp_path / "run.nc")["diverged_at"].values.tolist() == [-1, 2]


def test_half_precision_is_kept_exactly_and_frozen_weights_are_left_out(tmp_path):
    model = network().bfloat16()
    model[0].bias.requires_grad_(False)
    quench.record(model, [0], tmp_path / "run.nc").close()
    found = snapshots.read(tmp_path / "run.nc")["weights"]
    trained = [p for p in model.parameters() if p.requires_grad]
    assert found.dtype == np.float32
    assert found[0, 0].values.tolist() == torch.cat([p.reshape(-1) for p in trained]).tolist()


def test_full_disk_loses_the_snapshot_but_not_the_training(tmp_path, monkeypatch, capsys):
    training = Training()
    recorder = quench.record(training.model, SCHEDULE, tmp_path / "run.nc")

    def full(*_args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(os, "pwritev", full)
        for _ in range(4):
            recorder.step(training.update())
    printed = capsys.readouterr().err
    assert printed.count("No space left on device") == 1 and "no snapshot at 1" in printed
    for _ in range(30):
        recorder.step(training.update())
    recorder.close()
    found = snapshots.read(tmp_path / "run.nc")["time"].values.tolist()
    assert found == [0, *(t for t in SCHEDULE.times if t > 4)]


@pytest.mark.parametrize(
    "schedule",
    [
        np.array([0, 2]),
        [np.int64(0), 2.0],
        torch.tensor([2, 0]),
        quench.Schedule(np.array([1]), np.int64(1)),
        quench.Schedule((1e0,), 1.0, dense=np.int32(1)),
        range(0, 3, 2),
    ],
)
def test_numbers_of_other_libraries_are_numbers(tmp_path, schedule):
    numbers = {"seed": np.int64(3), "sample": np.int32(4), "config": {"lr": np.float64(0.5)}}
    recorder = quench.record(network(), schedule, tmp_path / "run.nc", **numbers)
    for _ in range(3):
        recorder.step()
    found = snapshots.read(tmp_path / "run.nc")
    assert found["time"].values[[0, -1]].tolist() == [0, 2] and found.sizes["weight"] == 4
    assert found["seed"].values.tolist() == [3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"waiting_times": 100}, "waiting_times: whole numbers"),
        ({"waiting_times": ()}, "waiting_times: whole numbers"),
        ({"waiting_times": (1.5,)}, "waiting_times: whole numbers"),
        ({"lag_max": -5}, "lag_max: a whole number from 0 on, not -5"),
        ({"dense": 0}, "dense: a whole number from 1 on, not 0"),
        ({"per_decade": "12"}, "per_decade: a whole number"),
    ],
)
def test_mistake_in_a_schedule_names_its_field(arguments, message):
    with pytest.raises(QuenchError, match=message):
        quench.Schedule(**{"waiting_times": (10,), "lag_max": 100} | arguments)


def partitioned():
    """What ZeRO-3 leaves of a model between uses."""
    model = network()
    for parameter in model.parameters():
        parameter.data = torch.empty(0)
    return model


TWICE = network()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": [0.5]}, "schedule: whole numbers"),
        ({"schedule": []}, "schedule: whole numbers"),
        ({"schedule": [-1, 3]}, "schedule: whole numbers"),
        ({"schedule": 100}, "schedule: whole numbers"),
        ({"sample": 22}, "21 weights"),
        ({"sample": 0}, "sample: a whole number from 1"),
        ({"seed": [1, 2]}, "one non-negative number"),
        ({"seed": 2**63}, "one non-negative number"),
        ({"seed": "a"}, "one non-negative number"),
        ({"step": -1}, "not -1"),
        ({"config": {"model": "mine"}}, "'model' is always recorded"),
        ({"config": {"data": torch.zeros(2)}}, "only numbers, words"),
        ({"config": [1, 2]}, "config: a mapping"),
        ({"output_layer": "1"}, "output_layer: no trained weights in a module '1'"),
        ({"path": None}, "path: the name of a file"),
        ({"path": "."}, "is a folder"),
        ({"path": "~nobody-of-this-name/run.nc"}, "path: the name of a file"),
        ({"path": "/proc/version/run.nc"}, "cannot be recorded to"),
        ({"path": "a" * 252 + ".nc"}, "at most 240 bytes"),
        ({"path": "run.nc.part"}, "run.nc, without .part"),
        ({"path": "a\0.nc"}, "cannot be recorded to"),
        ({"model": torch.nn.ReLU()}, "no parameter"),
        ({"model": []}, "a torch.nn.Module, or a list"),
        ({"model": network().parameters()}, "a torch.nn.Module, or a list"),
        ({"model": 3}, "a torch.nn.Module, or a list"),
        ({"model": [network(), torch.nn.Linear(2, 2)]}, r"'0.weight' is float32 \(4, 3\) in network 0 and absent in"),
        ({"model": [network(), network().double()]}, r"'0.weight' is float32 \(4, 3\) in network 0 and float64"),
        ({"model": [TWICE, network(), TWICE]}, "networks 0 and 2 are the same object"),
        ({"model": torch.nn.Sequential(torch.nn.LazyLinear(3))}, "'0.weight' has no shape yet; run one batch"),
        ({"model": torch.nn.Linear(2, 2, device="meta")}, "'weight' is on the meta device"),
        ({"model": partitioned()}, "'0.weight' holds no values here"),
        ({"model": torch.nn.Linear(2, 2, dtype=torch.complex64)}, "only real, dense weights .* complex64"),
    ],
)
def test_mistakes_are_reported_before_training(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    given = {"model": network(), "schedule": SCHEDULE, "path": tmp_path / "run.nc"} | options
    with pytest.raises(QuenchError, match=message):
        quench.record(**given)
    assert not list(tmp_path.iterdir())


def test_earlier_recording_is_kept_where_an_argument_is_wrong(tmp_path):
    recorded(tmp_path / "run.nc")
    before = (tmp_path / "run.nc").read_bytes()
    with pytest.raises(QuenchError):
        quench.record(partitioned(), SCHEDULE, tmp_path / "run.nc", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["run.nc"]
    assert (tmp_path / "run.nc").read_bytes() == before


def test_importing_the_package_imports_no_large_library():
    script = "import sys, quench; print([n for n in ('numpy', 'torch', 'numba', 'xarray') if n in sys.modules])"
    environment = os.environ | {"PYTHONPATH": str(Path(quench.__file__).parents[1])}
    printed = subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
    )
    assert printed.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="'rekord'"):
        quench.rekord  # noqa: B018
