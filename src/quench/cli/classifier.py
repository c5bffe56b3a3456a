"""What the commands on classifiers share: images and network from the same choices, given as options or in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from quench.data.inputs import Inputs, interleaved, prepare
from quench.dynamics import training
from quench.errors import QuenchError
from quench.networks.classifier import Classifier
from quench.networks.zoo import Images, build, construct
from quench.pipeline import results
from quench.store import files


@dataclass(frozen=True)
class Task:
    """Images on the device, ready for the network, and how to make that network for a seed."""

    choices: Mapping[str, Any]
    inputs: Inputs
    images: Images
    source: Mapping[str, Any]
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


def task(path: Path, choices: Mapping[str, Any], device: str) -> Task:
    """Images at ``path`` and the model of ``choices`` (options of ``quench train``), or a line on what does not fit.

    ``choices`` of a training that was made of other images are a mistake, too.
    """
    raw = results.read(path, kind="images")
    config = files.config_of(raw)
    source = {"source": config["source"], "images": training.content_key(raw)[:16]}
    if choices.get("images", source["images"]) != source["images"]:
        raise QuenchError(f"{path}: not the images of {choices['source']!r} that were learnt")
    try:
        train, test = (_chosen(raw, part, choices[f"{part}_samples"]) for part in ("train", "test"))
        inputs = prepare(train, test, **{name: choices[name] for name in ("side", "channels", "pool")})
        _, channels, side, _ = inputs.train_images.shape
        images = Images(channels, side, config["n_classes"])
        construct(choices["model"], images, choices["widths"], choices["multiplier"])
    except ValueError as error:
        raise QuenchError(f"{choices['model']} on {path}: {error}") from None
    return Task(choices, inputs, images, source, device)


def _chosen(raw: xr.Dataset, part: str, count: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The first ``count`` images of a part, classes in turn, or all of them in their own order."""
    images, classes = raw[f"{part}_images"].values, raw[f"{part}_classes"].values
    if count is None:
        return images, classes
    if count > len(classes):
        raise ValueError(f"{count} {part} samples are wanted, but there are {len(classes)}")
    order = interleaved(classes, -(-count // len(np.unique(classes))))[:count]
    return images[order], classes[order]


def read_trainings(paths: Sequence[Path]) -> xr.Dataset:
    """The training files of one classifier, joined along their networks."""
    parts = results.read_chunks(paths, "training")
    if not {"model", "widths", "batch_size", "momentum", "train_samples"} <= files.config_of(parts[0]).keys():
        raise QuenchError(f"{paths[0]}: does not say how its networks were trained; quench train writes such files")
    return files.concat_chunks(parts, "network")


def kept_weights(training: xr.Dataset, times: Sequence[int]) -> xr.DataArray:
    """Configurations (network, kept_time, weight) at ``times``, or one line on which was not kept."""
    kept = training["kept_time"].values
    for time in times:
        if time not in kept:
            raise QuenchError(f"the configuration at t = {time} was not kept; there are {kept.tolist()}")
    return training["weights"].sel(kept_time=list(times))
