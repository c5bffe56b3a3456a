"""The callback for Lightning's Trainer: the weights that another callback saved after the same optimiser steps."""

import logging
import warnings

import numpy as np
import pytest
import pytorch_lightning
import torch
from torch import nn

from quench.integrations.lightning import RecordWeights
from quench.store import snapshots, unfinished

BATCHES = 8


class Net(pytorch_lightning.LightningModule):
    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 1))

    def training_step(self, batch, _number):
        return (self.net(batch[0])[:, 0] - batch[0].sum(1)).pow(2).mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.05, momentum=0.5)


class Manual(Net):
    """Two optimisers, one of which steps at every batch, the other at every second one."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch, number):
        first, second = self.optimizers()
        loss = super().training_step(batch, number)
        self.zero_grad()
        self.manual_backward(loss)
        first.step()
        if number % 2:
            second.step()
        return loss

    def configure_optimizers(self):
        return [torch.optim.SGD(self.net[place].parameters(), 0.05) for place in (0, 2)]


def flat(module):
    return torch.cat([p.detach().double().reshape(-1) for p in module.parameters()]).numpy()


class Saved(pytorch_lightning.Callback):
    """The weights by optimiser steps."""

    def __init__(self):
        self.weights, self.losses = {}, {}

    def on_train_start(self, trainer, module):
        self.weights.setdefault(trainer.global_step, flat(module))

    def on_train_batch_end(self, trainer, module, outputs, *_batch):
        if trainer.global_step not in self.weights:
            self.losses[trainer.global_step] = float(outputs["loss"])
        self.weights[trainer.global_step] = flat(module)


def fit(path, module, saved, schedule, epochs=1, resumed=None, extra=(), **options):
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    x = torch.randn(8 * BATCHES, 4, generator=torch.Generator().manual_seed(1))
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=8)
    trainer = pytorch_lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=path.parent,
        callbacks=[saved, *extra, RecordWeights(schedule, path, config={"lr": 0.05})],
        **options,
    )
    trainer.fit(module, loader, ckpt_path=resumed)
    return trainer


def check(path, saved, times):
    found = snapshots.read(path)
    assert found["time"].values.tolist() == list(times)
    assert np.array_equal(found["weights"][0], [saved.weights[time] for time in times])
    assert all(float(found["loss"].sel(time=time)[0]) == loss for time, loss in saved.losses.items() if time in times)


@pytest.mark.parametrize(
    ("make", "options", "last"),
    [
        (Net, {}, BATCHES),
        (Net, {"accumulate_grad_batches": 2}, BATCHES // 2),
        (Net, {"precision": "bf16-true"}, BATCHES),
        (Net, {"precision": "bf16-mixed"}, BATCHES),
        (Net, {"gradient_clip_val": 0.1}, BATCHES),
        (lambda: torch.compile(Net(), backend="eager"), {}, BATCHES),
        (Net, {"strategy": "ddp", "devices": 1}, BATCHES),
    ],
)
def test_weights_after_optimiser_steps_are_recorded(tmp_path, make, options, last):
    saved = Saved()
    fit(tmp_path / "run.nc", make(), saved, range(last + 1), **options)
    check(tmp_path / "run.nc", saved, range(last + 1))
    layer = snapshots.read(tmp_path / "run.nc")["layer"]
    assert layer.attrs["flag_meanings"] == "net.0 net.2" and layer.attrs["output_layer"] == 1


def test_steps_of_all_optimisers_count(tmp_path, capsys):
    saved = Saved()
    fit(tmp_path / "run.nc", Manual(), saved, range(13))
    # Two steps within one batch: the weights in between are not seen.
    times = [0, 1, 3, 4, 6, 7, 9, 10, 12]
    assert list(saved.weights) == times and "are missing" in capsys.readouterr().err
    check(tmp_path / "run.nc", saved, times)


def test_training_resumes_its_recording(tmp_path):
    saved, path = Saved(), tmp_path / "run.nc"
    trainer = fit(path, Net(), saved, range(0, 17, 2))
    trainer.save_checkpoint(tmp_path / "checkpoint")
    assert not path.exists() and unfinished.part_path(path).exists()
    # Another seed in the second job, as with the number of a job.
    fit(path, Net(seed=7), saved, range(0, 17, 2), epochs=2, resumed=tmp_path / "checkpoint")
    check(path, saved, range(0, 17, 2))


class Interrupt(pytorch_lightning.Callback):
    def on_train_batch_end(self, trainer, *_arguments):
        if trainer.global_step == 3:
            raise RuntimeError("the node fails")


def test_training_that_fails_closes_its_recording(tmp_path, capsys):
    saved, path = Saved(), tmp_path / "run.nc"
    with pytest.raises(RuntimeError, match="the node fails"):
        fit(path, Net(), saved, range(9), extra=[Interrupt()])
    assert "3 snapshots up to update 2, 6 to come" in capsys.readouterr().err
    check(unfinished.part_path(path), saved, range(3))
