"""The task of a classifier: its choices, its images, its batches, and what does not fit together."""

from dataclasses import asdict, fields

import numpy as np
import pytest
import torch
import xarray as xr
from tiny_classifier import CHOICES, images, task

from quench.config.classifiers import Classifier
from quench.dynamics.classifier_task import Task, TrainingChoices, kept_weights
from quench.errors import QuenchError


def test_defaults_are_those_of_the_configuration():
    section = Classifier(model="B", batch_size=6, rate=0.1, steps=200)
    choices = TrainingChoices(model="B", batch_size=6, rate=0.1, steps=200)
    assert asdict(choices) == {field.name: getattr(section, field.name) for field in fields(choices)}


def test_choices_are_read_back_from_a_config():
    choices = TrainingChoices(**CHOICES)
    assert TrainingChoices.of({**asdict(choices), "n_weights": 7, "source": "mnist5k"}) == choices
    incomplete = asdict(choices)
    del incomplete["rate"], incomplete["noise"]
    with pytest.raises(QuenchError, match="does not say its rate, noise"):
        TrainingChoices.of(incomplete)


def test_times_beyond_the_run_are_refused():
    with pytest.raises(QuenchError, match="keep: 201 is beyond the run of 200 updates"):
        TrainingChoices(**CHOICES | {"keep": (0, 201)})


def test_images_are_those_chosen_and_prepared_for_the_network():
    chosen = task(train_samples=9, test_samples=6, side=6, pool=2)
    network = chosen.network(0)
    x, y = chosen.train(network)
    assert x.shape == (9, 9) and y.tolist() == [0, 1, 2] * 3  # 6 x 6 pixels, averaged over 2 x 2
    assert chosen.test(network)[1].tolist() == [0, 1, 2] * 2
    assert chosen.n_train == 9
    assert torch.equal(network.weights, chosen.network(0).weights)
    assert not torch.equal(network.weights, chosen.network(1).weights)


def test_source_identifies_the_images():
    same, other = images(), images()
    other["train_images"][0, 0, 0, 0] += 1
    choices = TrainingChoices(**CHOICES)
    assert Task.of(same, choices).source == task().source
    assert Task.of(other, choices).source != task().source


def test_batches_depend_on_seed_and_step_alone():
    order = task().order(3)
    epoch = np.concatenate([order.batch(step) for step in range(10)])
    assert sorted(epoch.tolist()) == list(range(60))
    assert np.array_equal(task().order(3).batch(7), order.batch(7))
    assert not np.array_equal(task().order(4).batch(7), order.batch(7))


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"train_samples": 61}, "train_samples: 61 is more than the 60 train images"),
        ({"widths": (3,)}, "2 widths"),
        ({"model": "C", "widths": None}, "at least 16x16"),
        ({"side": 3}, "cannot be padded"),
        ({"model": "E"}, "no model 'E'"),
    ],
)
def test_images_and_choices_must_fit(choices, message):
    with pytest.raises(QuenchError, match=message):
        task(**choices)


def test_a_batch_is_no_larger_than_the_training_set():
    with pytest.raises(QuenchError, match="batch_size: 61 is more than the 60 samples"):
        task(batch_size=61).order(0)
    assert len(task(batch_size=61, sampling="iid").order(0).batch(0)) == 61


def test_kept_weights_are_in_the_requested_order():
    weights = np.arange(12.0).reshape(2, 3, 2)
    training = xr.Dataset(
        {"weights": (("network", "kept_time", "weight"), weights)},
        {"kept_time": [0, 5, 9], "seed": ("network", [4, 7])},
    )
    assert np.array_equal(kept_weights(training, [9, 0]), weights[:, [2, 0]])
    with pytest.raises(QuenchError, match=r"t = 4 were not kept; kept times: \[0, 5, 9\]"):
        kept_weights(training, [0, 4])
