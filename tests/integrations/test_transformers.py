"""The callback for the Trainer of Hugging Face: the weights that another callback saved after the same optimiser steps."""

import numpy as np
import pytest
import torch
import transformers

from quench.integrations.transformers import RecordWeights
from quench.store import snapshots, unfinished


def model(seed=0, **config):
    torch.manual_seed(seed)
    small = {"n_layer": 1, "n_head": 2, "n_embd": 8, "vocab_size": 11, "n_positions": 6}
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**small, bos_token_id=0, eos_token_id=0, **config))


def flat(module):
    return torch.cat([p.detach().double().reshape(-1) for p in module.parameters()]).numpy()


class Saved(transformers.TrainerCallback):
    def __init__(self):
        self.weights = {}

    def on_train_begin(self, _args, state, _control, *, model, **_others):
        self.weights.setdefault(state.global_step, flat(model))

    def on_step_end(self, _args, state, _control, *, model, **_others):
        self.weights[state.global_step] = flat(model)


def train(folder, module, saved, schedule, resumed=None, **options):
    data = torch.randint(11, (32, 6), generator=torch.Generator().manual_seed(1))
    arguments = transformers.TrainingArguments(
        output_dir=str(folder / "trainer"),
        per_device_train_batch_size=2,
        learning_rate=1e-2,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
        logging_strategy="no",
        save_strategy="steps",
        save_steps=3,
        **{"max_steps": 6, "seed": 3} | options,
    )
    trainer = transformers.Trainer(
        model=module,
        args=arguments,
        train_dataset=[{"input_ids": row, "labels": row} for row in data],
        callbacks=[saved, RecordWeights(schedule, folder / "run.nc")],
    )
    trainer.train(resume_from_checkpoint=resumed)
    return trainer


def check(path, saved, times):
    found = snapshots.read(path)
    assert found["time"].values.tolist() == list(times)
    assert np.array_equal(found["weights"][0], [saved.weights[time] for time in times])
    return found


@pytest.mark.parametrize("options", [{}, {"gradient_accumulation_steps": 2}, {"bf16": True}, {"max_grad_norm": 0.1}])
def test_weights_after_optimiser_steps_are_recorded(tmp_path, options):
    saved = Saved()
    train(tmp_path, model(), saved, range(7), **options)
    layer = check(tmp_path / "run.nc", saved, range(7))["layer"]
    # The head shares its matrix with the embedding.
    assert layer.attrs["flag_meanings"].split()[layer.attrs["output_layer"]] == "lm_head"


def test_stated_head_is_the_output_layer(tmp_path):
    saved = Saved()
    train(tmp_path, model(tie_word_embeddings=False), saved, range(7))
    layer = check(tmp_path / "run.nc", saved, range(7))["layer"]
    assert layer.attrs["flag_meanings"].split()[layer.attrs["output_layer"]] == "lm_head"


def test_training_resumes_its_recording(tmp_path):
    saved = Saved()
    train(tmp_path, model(), saved, range(7), max_steps=4)
    assert unfinished.part_path(tmp_path / "run.nc").exists()
    later = Saved()
    train(tmp_path, model(seed=5), later, range(7), resumed=str(tmp_path / "trainer" / "checkpoint-3"))
    saved.weights |= later.weights
    check(tmp_path / "run.nc", saved, range(7))
