"""One of two processes that train one model, in every way of ``KINDS``: torchrun rank.py FOLDER.

In a folder of each kind, the first one saves the weights after every update as saved.npy; both record to run.nc.
"""

import sys
from pathlib import Path

import numpy as np
import pytorch_lightning
import torch
import transformers
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard

import quench
import quench.integrations.lightning
import quench.integrations.transformers
from quench.errors import QuenchError

UPDATES = 6


def plain():
    torch.manual_seed(0)
    # The second matrix cannot be divided into equal parts.
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))


def sharded():
    model = plain()
    fully_shard(model, mesh=init_device_mesh("cpu", (2,)))
    return model


def flat(model):
    parts = [p.full_tensor() if hasattr(p, "full_tensor") else p for p in model.parameters()]
    return torch.cat([p.detach().double().reshape(-1) for p in parts]).numpy()


def train(model, recorder, first, last, saved):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    draws = torch.Generator().manual_seed(distributed.get_rank())
    for _ in range(first, last):
        loss = model(torch.randn(8, 4, generator=draws)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        saved.append(flat(model))
        recorder.step(loss)


def recorded(model, path, **options):
    saved = [flat(model)]
    with quench.record(model, range(UPDATES + 1), path, seed=0, **options) as recorder:
        train(model, recorder, 0, UPDATES, saved)
    return saved


def resumed(model, path):
    saved = [flat(model)]
    with quench.record(model, range(UPDATES + 1), path, seed=0) as recorder:
        train(model, recorder, 0, 3, saved)
    distributed.barrier()
    with quench.record(model, range(UPDATES + 1), path, step=3) as recorder:
        train(model, recorder, 3, UPDATES, saved)
    distributed.barrier()
    # All processes read although nothing is written any more.
    with quench.record(model, range(UPDATES + 1), path, step=3) as recorder:
        train(model, recorder, 3, UPDATES, [])
    return saved


def unwrapped(path):
    """Each process records its own model to one file: one of them is refused."""
    model = plain()
    saved, recorder = [flat(model)], None
    for turn in range(2):
        if distributed.get_rank() == turn:
            try:
                recorder = quench.record(model, range(UPDATES + 1), path, seed=0, overwrite=True)
            except QuenchError as error:
                (path.parent / f"refused{distributed.get_rank()}").write_text(str(error))
        distributed.barrier()
    if recorder:
        train(model, recorder, 0, UPDATES, saved)
    return saved


def hidden(path):
    model = FullyShardedDataParallel(plain(), device_id=torch.device("cpu"))
    try:
        quench.record(model, range(UPDATES + 1), path)
    except QuenchError as error:
        (path.parent / f"refused{distributed.get_rank()}").write_text(str(error))
    return []


def ddp():
    return nn.parallel.DistributedDataParallel(plain())


class Trainable(pytorch_lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = plain()

    def training_step(self, batch, _number):
        return self.net(batch[0]).pow(2).mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def by_lightning(path):
    module, saved = Trainable(), []
    saved.append(flat(module))

    class Saved(pytorch_lightning.Callback):
        def on_train_batch_end(self, _trainer, module, *_arguments):
            saved.append(flat(module))

    data = torch.utils.data.TensorDataset(torch.randn(16 * UPDATES, 4, generator=torch.Generator().manual_seed(0)))
    pytorch_lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        strategy="ddp",
        devices=2,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Saved(), quench.integrations.lightning.RecordWeights(range(UPDATES + 1), path)],
    ).fit(module, torch.utils.data.DataLoader(data, batch_size=8))
    return saved


def by_trainer(path):
    saved = []

    class Saved(transformers.TrainerCallback):
        def on_train_begin(self, *_arguments, model, **_others):
            saved.append(flat(model))

        def on_step_end(self, *_arguments, model, **_others):
            saved.append(flat(model))

    sizes = {"n_layer": 1, "n_head": 2, "n_embd": 8, "vocab_size": 11, "n_positions": 6}
    rows = torch.randint(11, (64, 6), generator=torch.Generator().manual_seed(0))
    transformers.Trainer(
        model=transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)),
        args=transformers.TrainingArguments(
            output_dir=str(path.parent / "trainer"),
            per_device_train_batch_size=2,
            max_steps=UPDATES,
            use_cpu=True,
            report_to="none",
            disable_tqdm=True,
            save_strategy="no",
        ),
        train_dataset=[{"input_ids": row, "labels": row} for row in rows],
        callbacks=[Saved(), quench.integrations.transformers.RecordWeights(range(UPDATES + 1), path)],
    ).train()
    return saved


KINDS = {
    "ddp": lambda path: recorded(ddp(), path),
    "ddp overwritten": lambda path: recorded(ddp(), path, overwrite=True),
    "ddp compiled": lambda path: recorded(torch.compile(ddp(), backend="eager"), path),
    "compiled ddp": lambda path: recorded(
        nn.parallel.DistributedDataParallel(torch.compile(plain(), backend="eager")), path
    ),
    "ddp resumed": lambda path: resumed(ddp(), path),
    "fsdp": lambda path: recorded(sharded(), path),
    "fsdp sample": lambda path: recorded(sharded(), path, sample=10),
    "fsdp resumed": lambda path: resumed(sharded(), path),
    "unwrapped": unwrapped,
    "flat parameters": hidden,
    "Lightning": by_lightning,
    "Trainer": by_trainer,
}


def main(folder):
    distributed.init_process_group("gloo")
    for kind, work in KINDS.items():
        (folder / kind).mkdir(exist_ok=True)
        saved = work(folder / kind / "run.nc")
        if distributed.get_rank() == 0:
            np.save(folder / kind / "saved.npy", saved)
        distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
