"""Recorded noise of Langevin loops: the sum by hand, the same bits after a restart, and X of a posterior that is known."""

import numpy as np
import pytest
import torch
from pages import blocks
from places import DOCS
from torch import nn

import quench
from quench.cli import main
from quench.errors import QuenchError
from quench.store import files, snapshots, unfinished

UPDATES = 6


def model(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))


def noise_of(update, network=0):
    generator = torch.Generator().manual_seed(100 * network + update)
    return [0.1 * torch.randn(p.shape, generator=generator) for p in model().parameters()]


def flat(tensors):
    return torch.cat([one.double().reshape(-1) for one in tensors]).numpy()


def move(net, noise):
    with torch.no_grad():
        for parameter, change in zip(net.parameters(), noise, strict=True):
            parameter.add_(change)


def summed(updates, network=0):
    return sum((flat(noise_of(update, network)) for update in range(updates)), np.zeros(11))


def test_recorded_noise_is_the_sum_by_hand(tmp_path):
    """One model by name, several in lists: all bits of the float64 sum; free weights have G = 1 to rounding."""
    one = model()
    with quench.record(one, range(UPDATES + 1), tmp_path / "one.nc", noise=True) as recorder:
        for update in range(UPDATES):
            move(one, noise_of(update))
            names = [name for name, _ in one.named_parameters()]
            recorder.step(noise=dict(reversed(list(zip(names, noise_of(update), strict=True)))))
    two = [model(), model(1)]
    with quench.record(two, range(UPDATES + 1), tmp_path / "two.nc", noise=True) as recorder:
        for update in range(UPDATES):
            recorder.step(0.5, noise=[noise_of(update), noise_of(update, 1)])
    for name, networks in {"one": 1, "two": 2}.items():
        found = snapshots.read(tmp_path / f"{name}.nc")
        expected = [[summed(time, network) for time in range(UPDATES + 1)] for network in range(networks)]
        assert found["noise"].dtype == np.float64 and np.array_equal(found["noise"], expected)
    measured = tmp_path / "measured.nc"
    command = ["observe", str(tmp_path / "one.nc"), "--waiting-times", "0", "--chi", "1", "-o", str(measured)]
    assert main(command) == 0
    response = files.read(measured)["response"].sel(lag=range(1, UPDATES + 1))
    # Weights are float32 numbers of order 1 that move by 0.1.
    np.testing.assert_allclose(response, 1, atol=1e-4)


def test_sample_records_the_noise_of_the_sampled_weights(tmp_path):
    with quench.record(model(), (0, 2), tmp_path / "run.nc", noise=True, sample=4) as recorder:
        for update in range(2):
            recorder.step(noise=noise_of(update))
    found = snapshots.read(tmp_path / "run.nc")
    assert np.array_equal(found["noise"][0, 1], summed(2)[found["weight"].values])


@pytest.mark.parametrize(("stop", "kept"), [(4, True), (3, True), (4, False)])
def test_resumed_recording_has_the_same_bits(tmp_path, stop, kept):
    """From the noise of a checkpoint at any update, or from the recording itself at an update with a snapshot."""
    times, contents = (0, 2, 4, 6), []
    for path in (tmp_path / "once.nc", tmp_path / "twice.nc"):
        recorder = quench.record(model(), times, path, noise=True, seed=1)
        for update in range(UPDATES):
            if update == stop and path.name == "twice.nc":
                checkpoint = recorder.noise
                recorder.close()
                assert unfinished.read(unfinished.part_path(path))["noise"].shape == (1, 1 + stop // 2, 11)
                given = checkpoint if kept else True
                recorder = quench.record(model(), times, path, step=stop, noise=given, seed=1)
            recorder.step(noise=noise_of(update))
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]


def test_resuming_without_a_known_sum_is_refused(tmp_path):
    path = tmp_path / "run.nc"
    times = (0, 2, 4, 6)
    recorder = quench.record(model(), times, path, noise=True)
    for update in range(5):
        recorder.step(noise=noise_of(update))
    recorder.close()
    with pytest.raises(QuenchError, match=r"holds no sum of the noise at update 3; keep recorder.noise"):
        quench.record(model(), times, path, step=3, noise=True)
    with pytest.raises(QuenchError, match="noise was true, and is now false; resume with the same settings"):
        quench.record(model(), times, path, step=3)
    with pytest.raises(QuenchError, match=r"noise: True, or the sum so far .* of shape \(1, 11\)"):
        quench.record(model(), times, path, step=3, noise=np.zeros(11))
    assert unfinished.read(unfinished.part_path(path))["time"].values.tolist() == [0, 2, 4]


def test_wrong_noise_is_refused(tmp_path):
    good = noise_of(0)
    with quench.record(model(), range(9), tmp_path / "run.nc", noise=True) as recorder:
        recorder.step(noise=good)
        for message, wrong in {
            "no noise at update 2; it is needed at every update, or at none": None,
            "one tensor for each of the 4 trained parameters, not 3": good[1:],
            r"a tensor of shape \(2,\) for '0.bias', not one of shape \(3,\)": [good[0], torch.zeros(3), *good[2:]],
            "'2.bias' is missing": {"0.weight": good[0], "0.bias": good[1], "2.weight": good[2]},
        }.items():
            with pytest.raises(QuenchError, match=message):
                recorder.step(noise=wrong)
        assert recorder.updates == 1
        assert np.array_equal(recorder.noise, [flat(good)])
    with quench.record(model(), range(9), tmp_path / "none.nc") as recorder:
        recorder.step()
        with pytest.raises(QuenchError, match="noise at update 2, but it was not declared; pass noise=True"):
            recorder.step(noise=good)
        assert recorder.noise is None
    assert "noise" not in unfinished.read(tmp_path / "none.nc.part")


def test_ratio_of_the_documented_sampler(tmp_path, monkeypatch, capsys):
    """The posterior is a harmonic well of known stiffnesses k: with r = 1 - mu k, X follows in closed form."""
    monkeypatch.chdir(tmp_path)
    code = next(code for code in blocks(DOCS / "own-run.md", "python") if "noise=True" in code)
    scope = {}
    exec(compile(code, "own-run.md", "exec"), scope)
    command = "observe sgld.nc --waiting-times 100 --chi 10 -o sgld-observables.nc"
    assert f"`quench {command}`" in (DOCS / "own-run.md").read_text(encoding="utf-8")
    assert main(command.split()) == 0

    x, step = scope["x"].double(), scope["step"]
    r = 1 - step * torch.linalg.eigvalsh(x.T @ x / 0.25 + torch.eye(8)).numpy()
    measured = files.read("sgld-observables.nc")
    for lag in (1, 5, 20):
        free = 2 * step * lag
        over, under = 2 * step * (1 - r**lag) / (1 - r), 4 * step * (1 - r**lag) / (1 - r**2)
        at = measured.sel(waiting_time=100, lag=lag)
        both = np.stack([free * at["response"].values, at["msd"].values])
        exact = np.array([over.mean(), under.mean()])
        # Five standard errors over the chains, of the two means and of their ratio.
        error = both.std(axis=1, ddof=1) / np.sqrt(8)
        assert (abs(both.mean(axis=1) - exact) < 5 * error).all()
        ratio = both[0].mean() / both[1].mean()
        residual = (both[0] - ratio * both[1]).std(ddof=1) / np.sqrt(8) / both[1].mean()
        assert abs(ratio - exact[0] / exact[1]) < 5 * residual < 0.1 * exact[0] / exact[1]
    line = next(line for line in capsys.readouterr().err.splitlines() if "X = " in line)
    assert line.startswith(f"quench: X = 2 T chi/MSD = {ratio:.3g} [")
    assert line.endswith("at lag 20 after t_w = 100 (1 in equilibrium)")


def test_ratio_needs_the_amplitude_of_the_noise(tmp_path, capsys):
    with quench.record(model(), (0, 1), tmp_path / "run.nc", noise=True, config={"temperature": 1}) as recorder:
        recorder.step(noise=noise_of(0))
    command = ["observe", str(tmp_path / "run.nc"), "--waiting-times", "0", "--chi", "1", "-o", str(tmp_path / "o.nc")]
    assert main(command) == 0
    assert "quench: no X = 2 T chi/MSD: the recording's config holds no positive number 'step_size'" in (
        capsys.readouterr().err
    )
