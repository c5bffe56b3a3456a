"""What the commands on classifiers share: images and network from the same choices, given as options or in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from quench import files
from quench.data import sources
from quench.data.inputs import Inputs, interleaved, prepare
from quench.errors import QuenchError
from quench.networks.classifier import Classifier
from quench.networks.zoo import Images, build, construct

# mnist5k has no test images of its own: of the 500 of each class, these are for training.
EMBEDDED_TRAIN_PER_CLASS = 400


@dataclass(frozen=True)
class Task:
    """Images on the device, ready for the network, and how to make that network for a seed."""

    choices: Mapping[str, Any]
    inputs: Inputs
    images: Images
    device: str

    def network(self, seed: int) -> Classifier:
        chosen = {name: self.choices[name] for name in ("widths", "multiplier")}
        return build(self.choices["model"], self.images, seed, **chosen, device=self.device)

    def train(self, network: Classifier) -> tuple[torch.Tensor, torch.Tensor]:
        """Training images and classes as the network takes them."""
        return self._tensors(network, self.inputs.train_images, self.inputs.train_classes)

    def test(self, network: Classifier) -> tuple[torch.Tensor, torch.Tensor]:
        return self._tensors(network, self.inputs.test_images, self.inputs.test_classes)

    def _tensors(self, network: Classifier, images: np.ndarray, classes: np.ndarray) -> tuple:
        x = network.prepared(torch.from_numpy(images).to(self.device))
        return x, torch.from_numpy(classes).to(self.device)


def task(choices: Mapping[str, Any], root: str | None, device: str) -> Task:
    """Images and model of ``choices`` (keys of the ``classifiers`` section), or one line on what does not fit."""
    sources.check_available(choices["source"], root)
    try:
        inputs = _inputs(choices, root)
        classes = sources.find(choices["source"]).n_classes
        _, channels, side, _ = inputs.train_images.shape
        images = Images(channels, side, classes)
        construct(choices["model"], images, choices["widths"], choices["multiplier"])
    except ValueError as error:
        raise QuenchError(f"{choices['model']} on {choices['source']}: {error}") from None
    return Task(choices, inputs, images, device)


def _inputs(choices: Mapping[str, Any], root: str | None) -> Inputs:
    source, n_train, n_test = choices["source"], choices["train_samples"], choices["test_samples"]
    raw = sources.load(source, "train", root)
    if source == "mnist5k":
        train = interleaved(raw.classes, EMBEDDED_TRAIN_PER_CLASS)
        test = interleaved(raw.classes, 500 - EMBEDDED_TRAIN_PER_CLASS, skip=EMBEDDED_TRAIN_PER_CLASS)
        chosen = _first(train, n_train), _first(test, n_test)
        train_set, test_set = ((raw.images[part], raw.classes[part]) for part in chosen)
    else:
        other = sources.load(source, "test", root)
        train_set, test_set = (
            (part.images[order], part.classes[order])
            for part, order in ((raw, _in_turn(raw.classes, n_train)), (other, _in_turn(other.classes, n_test)))
        )
    return prepare(train_set, test_set, side=choices["side"], channels=choices["channels"], pool=choices["pool"])


def _in_turn(classes: np.ndarray, count: int | None) -> np.ndarray:
    if count is None:
        return np.arange(len(classes))
    return _first(interleaved(classes, -(-count // len(np.unique(classes)))), count)


def _first(order: np.ndarray, count: int | None) -> np.ndarray:
    if count is not None and count > len(order):
        raise ValueError(f"{count} samples are wanted, but there are {len(order)}")
    return order[:count]


def read_trainings(paths: Sequence[Path]) -> xr.Dataset:
    """The training files of one classifier, joined along their networks."""
    parts = [files.read(path, kind="training") for path in paths]
    choices = [files.config_of(part) for part in parts]
    if any(other != choices[0] for other in choices[1:]):
        raise QuenchError(f"{paths[0]} and {paths[1]}: trainings of different classifiers")
    return xr.concat(parts, "network", data_vars="minimal", coords="minimal", join="exact", combine_attrs="override")


def kept_weights(training: xr.Dataset, times: Sequence[int]) -> xr.DataArray:
    """Configurations (network, kept_time, weight) at ``times``, or one line on which was not kept."""
    kept = training["kept_time"].values
    for time in times:
        if time not in kept:
            raise QuenchError(f"the configuration at t = {time} was not kept; there are {kept.tolist()}")
    return training["weights"].sel(kept_time=list(times))
