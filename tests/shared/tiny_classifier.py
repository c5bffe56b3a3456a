"""A classifier small enough to be trained in a test: 60 random images of 4 x 4 pixels in three classes."""

import json

import numpy as np
import xarray as xr

from quench.dynamics.classifier_task import Task, TrainingChoices

CHOICES = {"model": "B", "widths": (6, 5), "batch_size": 6, "rate": 0.1, "steps": 200, "keep": (0, 100, 200)}


def images(n_train=60, n_test=20, side=4):
    rng = np.random.default_rng(3)
    variables = {}
    for part, count in (("train", n_train), ("test", n_test)):
        dims = (f"{part}_sample", "channel", "row", "column")
        classes = rng.integers(0, 3, count)
        pixels = rng.integers(0, 128, (count, 1, side, side)) + 40 * classes[:, None, None, None]
        variables[f"{part}_images"] = (dims, pixels.astype(np.uint8))
        variables[f"{part}_classes"] = (dims[:1], classes)
    config = json.dumps({"source": "random", "n_classes": 3})
    return xr.Dataset(variables, attrs={"kind": "images", "config": config})


def task(**choices):
    side = choices.pop("image_side", 4)
    return Task.of(images(side=side), TrainingChoices(**CHOICES | choices))
