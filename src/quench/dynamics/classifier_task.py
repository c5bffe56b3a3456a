"""The task of one classifier: the choices that identify its training, its images, and its network for every seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from quench.data.inputs import ImageSets, first_samples, standardised
from quench.dynamics.batches import DataOrder
from quench.dynamics.choices import AUTO, Compute, classifier_backend
from quench.errors import QuenchError
from quench.networks.classifier import Classifier
from quench.networks.models import MODELS
from quench.networks.zoo import Images, build, construct
from quench.numerics.random import stream_id
from quench.store.checksum import content_key
from quench.store.variables import config_of

_BLOCK = 64  # updates whose independent draws share one key


@dataclass(frozen=True, kw_only=True)
class TrainingChoices:
    """All that identifies the training of a classifier besides its images and seed.

    ``model`` with ``widths`` (None: the paper's) times ``multiplier``; the number of images (None: all), their ``side``
    and ``channels`` (None: as they are) and ``pool``; ``steps`` updates by ``rate`` from batches of ``batch_size``
    drawn by ``sampling``, "epoch" or "iid"; the times and windows of the two-time displacement; the measurements of
    loss and noise; ``keep``, the updates after which the weights are kept. ``stem``, ``initialisation`` and
    ``augmentation`` as in ``quench.networks.models``; ``channel_std`` divides the inputs (None: that of the images);
    ``precision`` of weights and gradients. Defaults are those of the configuration.
    """

    model: str
    widths: tuple[int, ...] | None = None
    multiplier: float = 1.0
    train_samples: int | None = None
    test_samples: int | None = None
    side: int | None = None
    channels: int | None = None
    pool: int = 1
    channel_std: tuple[float, ...] | None = None
    stem: str = "cifar"
    initialisation: str = "uniform"
    augmentation: str = "none"
    precision: str = "float32"
    batch_size: int
    rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    sampling: str = "epoch"
    steps: int
    waiting_per_decade: int = 5
    lags_per_decade: int = 8
    windows: int = 8
    measures_per_decade: int = 8
    noise: str = "auto"
    noise_draws: int = 200
    noise_batches: int = 40
    keep: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if any(time > self.steps for time in self.keep):
            raise QuenchError(f"keep: {max(self.keep)} is beyond the run of {self.steps} updates")

    @property
    def plain(self) -> bool:
        """True for updates w <- w - alpha grad L_batch, without momentum, weight decay or augmentation."""
        return not (self.momentum or self.weight_decay or self.augmentation != "none")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The choices among ``values``, such as the config of a training file; ``QuenchError`` where one is missing."""
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if name not in values]
        if missing:
            raise QuenchError(f"the training does not say its {', '.join(missing)}; quench train records all choices")
        return cls(**{name: values[name] for name in names})


@dataclass(frozen=True)
class Task:
    """Images, standardised for the network that learns them under ``choices``; ``source`` identifies them in files.

    ``backend``, fused or reference, makes the updates.
    """

    choices: TrainingChoices
    sets: ImageSets
    images: Images
    source: Mapping[str, str]
    device: str
    backend: str

    @classmethod
    def of(cls, images: xr.Dataset, choices: TrainingChoices, compute: Compute = AUTO) -> Self:
        """The task of learning ``images`` (contract ``images``), with the threads of ``compute`` for all of torch.

        Raises ``QuenchError`` where there are too few images, where images, model and choices do not fit together, and
        for a backend that cannot do the work.
        """
        torch.set_num_threads(compute.threads)
        config = config_of(images)
        try:
            train, test = (
                first_samples(images, part, getattr(choices, f"{part}_samples")) for part in ("train", "test")
            )
            sets = standardised(
                train,
                test,
                side=choices.side,
                channels=choices.channels,
                pool=choices.pool,
                channel_std=choices.channel_std,
            )
            _, channels, side, _ = sets.train_images.shape
            shape = Images(channels, side, config["n_classes"])
            construct(choices.model, shape, choices.widths, choices.multiplier, choices.stem)
        except ValueError as error:
            raise QuenchError(f"{choices.model}: {error}") from None
        source = {"source": config["source"], "images": content_key(images)[:16]}
        kind = MODELS[choices.model].kind
        backend = classifier_backend(compute.backend, compute.device, kind, choices.weight_decay)
        return cls(choices, sets, shape, source, compute.device, backend)

    @property
    def n_train(self) -> int:
        return len(self.sets.train_classes)

    @property
    def arithmetic(self) -> dict[str, Any]:
        """Settings that decide the last bits of results besides the choices: for torch, its device and number of threads.

        The fused engine has the same bits everywhere.
        """
        return {} if self.backend == "fused" else {"device": self.device, "threads": torch.get_num_threads()}

    def network(self, seed: int) -> Classifier:
        """The network with the initial weights of ``seed``."""
        chosen = self.choices
        return build(
            chosen.model,
            self.images,
            seed,
            widths=chosen.widths,
            multiplier=chosen.multiplier,
            stem=chosen.stem,
            initialisation=chosen.initialisation,
            dtype=getattr(torch, chosen.precision),
            device=self.device,
        )

    def order(self, seed: int) -> DataOrder:
        """The batches of the training of ``seed``. Raises ``QuenchError`` for a batch larger than the training set."""
        batch_size, sampling = self.choices.batch_size, self.choices.sampling
        if sampling == "epoch" and batch_size > self.n_train:
            raise QuenchError(f"batch_size: {batch_size} is more than the {self.n_train} samples")
        return DataOrder(self.n_train, batch_size, seed, stream_id("data order"), sampling, _BLOCK)

    def train(self, network: Classifier) -> tuple[Tensor, Tensor]:
        """Training images, prepared for ``network``, and their classes, int64 (sample)."""
        return self._prepared(network, self.sets.train_images, self.sets.train_classes)

    def test(self, network: Classifier) -> tuple[Tensor, Tensor]:
        """Test images, prepared for ``network``, and their classes, int64 (sample)."""
        return self._prepared(network, self.sets.test_images, self.sets.test_classes)

    def _prepared(self, network: Classifier, images: np.ndarray, classes: np.ndarray) -> tuple[Tensor, Tensor]:
        x = network.prepared(torch.from_numpy(images).to(self.device))
        return x, torch.from_numpy(classes).to(self.device)


def kept_weights(training: xr.Dataset, times: Sequence[int]) -> xr.DataArray:
    """Weights (network, kept_time, weight) of ``training`` (contract ``training``) at ``times``, in their order.

    Raises ``QuenchError`` where the weights at one of them were not kept.
    """
    kept = training["kept_time"].values
    for time in times:
        if time not in kept:
            raise QuenchError(f"the weights at t = {time} were not kept; kept times: {kept.tolist()}")
    return training["weights"].sel(kept_time=list(times))
