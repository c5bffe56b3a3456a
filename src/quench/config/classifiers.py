"""Section of classifiers: the networks of BJ, trained by plain SGD and measured during training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from quench.config.base import Positive, Section, key
from quench.data.sources import SOURCES
from quench.networks.models import MODELS, layer_widths

if TYPE_CHECKING:
    # No checker knows a Literal of names from a table.
    SourceName: TypeAlias = str
    ModelName: TypeAlias = str
else:
    SourceName = Literal[tuple(SOURCES)]
    ModelName = Literal[tuple(MODELS)]
Time = Annotated[int, Field(ge=0, le=10**9)]


class Flatness(Section):
    """Hessian spectra and straight-line barriers of a classifier's configurations."""

    times: tuple[Time, ...] = key(..., "updates after which the spectrum is computed", unit="updates", min_length=1)
    method: Literal["full", "stochastic"] = key(
        "full", "full: all eigenvalues (up to a few thousand weights); stochastic: Lanczos quadrature with bounds"
    )
    samples: Positive | None = key(None, "training samples over which the Hessian is averaged; null takes all")
    probes: Positive = key(4, "random vectors of the stochastic method")
    lanczos_steps: Annotated[int, Field(ge=2)] = key(60, "Hessian products for each random vector")


class Drift(Section):
    """Noise-free gradient descent restarted along SGD, to separate diffusion from drift."""

    starts: tuple[Time, ...] = key(
        ..., "updates after which gradient descent is restarted", unit="updates", min_length=1
    )
    lag_max: Positive = key(..., "longest lag", unit="updates")
    per_decade: Positive = key(6, "log-spaced lags per decade")
    networks: Positive = key(
        1, "number of the classifier's networks from which it is restarted, from the first seed on"
    )


class Classifier(Section):
    """A network of BJ on any images: SGD at a constant rate."""

    PLANNING = frozenset({"source", "seeds", "first_seed", "chunk", "device", "threads", "flatness", "drift"})

    model: ModelName = key(
        ...,
        "of BJ: A (Toy), A-under (under-parameterised A'), B (fully connected), C (Small Net), D (ResNet-18); or others",
    )
    widths: tuple[Positive, ...] | None = key(None, "widths of the layers; null takes the paper's")
    multiplier: float = key(1.0, "factor on all widths", gt=0)
    source: SourceName = key("mnist5k", "raw images; mnist5k is embedded")
    train_samples: Positive | None = key(
        None, "training images, classes in turn; null takes all (of mnist5k, 400 of each class)", unit="samples"
    )
    test_samples: Positive | None = key(
        None, "test images, classes in turn; null takes all (of mnist5k, the other 100 of each class)", unit="samples"
    )
    side: Positive | None = key(
        None, "images are padded with black to side x side; null keeps their size", unit="pixels"
    )
    channels: Literal[1, 3] | None = key(None, "grey images are repeated to this number of channels; null keeps theirs")
    pool: Positive = key(1, "images are averaged over pool x pool blocks", unit="pixels")
    channel_std: tuple[Annotated[float, Field(gt=0)], ...] | None = key(
        None,
        "standard deviation of each channel, on a scale of 0 to 1, by which inputs are divided; null takes that of the"
        " training images",
    )
    stem: Literal["cifar", "imagenet"] = key(
        "cifar",
        "first layers of a ResNet: cifar, a 3x3 convolution; imagenet, torchvision's 7x7 convolution and max-pooling, both"
        " of stride 2",
    )
    initialisation: Literal["uniform", "he"] = key(
        "uniform",
        "weights of convolutions: uniform, PyTorch's default U(-1/sqrt(fan_in), 1/sqrt(fan_in)); he, N(0, 2/fan_out) as in"
        " torchvision's ResNet",
    )
    augmentation: Literal["none", "crop_flip"] = key(
        "none",
        "crop_flip: every training image is shifted by up to 4 pixels and mirrored at random; dense networks: none",
    )
    precision: Literal["float32", "float64"] = key("float32", "arithmetic of weights and gradients")
    batch_size: Positive = key(..., "B, samples per update", unit="samples")
    rate: float = key(..., "alpha, the learning rate", gt=0)
    momentum: float = key(0.0, "momentum of SGD; the paper's text has none, its published launcher 0.5", ge=0, lt=1)
    weight_decay: float = key(
        0.0, "lambda, strength of the L2 regularisation; adds lambda w to the gradient of every batch", ge=0
    )
    sampling: Literal["epoch", "iid"] = key(
        "epoch", "epoch: without replacement within an epoch; iid: independent batches"
    )
    steps: Annotated[int, Field(ge=2, le=10**9)] = key(..., "length of the run", unit="updates")
    seeds: Positive = key(1, "number of networks; their seeds are first_seed, first_seed + 1, ...")
    first_seed: int = key(0, "seed of the first network", ge=0, le=2**62)
    chunk: Positive | None = key(
        None, "networks per job; null takes compute.chunk, or what compute.job_minutes implies"
    )
    device: str | None = key(
        None, "device of the training; null takes compute.device", pattern=r"^(cpu|cuda(:\d+)?|mps)$"
    )
    threads: Positive = key(1, "cores of its training job; more than one may change the last bits of convolutions")
    waiting_per_decade: Positive = key(5, "waiting times per decade, up to half the run")
    lags_per_decade: Positive = key(8, "lags per decade")
    windows: Positive = key(8, "starts in [t_w, 1.1 t_w] over which the displacement is averaged")
    measures_per_decade: Positive = key(8, "measurements of loss and noise per decade, besides those at waiting times")
    noise: Literal["auto", "exact", "sampled", "minibatches"] = key(
        "auto",
        "gradient noise D from every sample's gradient (exact), importance-sampled gradients (sampled) or minibatches;"
        " auto takes minibatches with batch normalisation, exact for fully connected networks on up to 5,000 samples,"
        " else sampled",
    )
    noise_draws: Annotated[int, Field(ge=2)] = key(200, "gradients of the sampled method")
    noise_batches: Annotated[int, Field(ge=4, multiple_of=2)] = key(40, "batches of the minibatches method")
    flatness: Flatness | None = key(None, "Hessian spectra along the run; null computes none")
    drift: Drift | None = key(None, "gradient descent restarted along the run; null runs none")

    @model_validator(mode="after")
    def _consistent(self) -> Classifier:
        layer_widths(self.model, self.widths, self.multiplier)
        if self.train_samples is not None and self.sampling == "epoch" and self.batch_size > self.train_samples:
            raise ValueError(f"batch_size = {self.batch_size} is more than train_samples = {self.train_samples}")
        for time in self.keep:
            if time > self.steps:
                raise ValueError(f"flatness or drift at t = {time} is beyond the run of {self.steps} steps")
        model = MODELS[self.model]
        if self.stem != "cifar" and not model.stems:
            raise ValueError(f"stem: model {self.model} has no choice of stems; D and ResNet-34 have")
        if self.augmentation != "none" and model.kind == "dense":
            raise ValueError(f"augmentation: model {self.model} sees no rows and columns; convolutional networks do")
        if self.drift and (self.momentum or self.weight_decay or self.augmentation != "none"):
            raise ValueError(
                "drift: gradient descent is compared to SGD without momentum, weight decay or augmentation"
            )
        if self.drift and max(self.drift.starts) + self.drift.lag_max > 10**9:
            raise ValueError("drift: the last start plus lag_max is beyond 10^9 updates")
        if self.drift and self.drift.networks > self.seeds:
            raise ValueError(f"drift: {self.drift.networks} networks, but the classifier has {self.seeds}")
        return self

    @property
    def members(self) -> range:
        """Seeds of the networks, which are divided into chunks."""
        return range(self.first_seed, self.first_seed + self.seeds)

    @property
    def keep(self) -> tuple[int, ...]:
        """Times at which configurations are kept, for spectra and restarts."""
        times = {*(self.flatness.times if self.flatness else ()), *(self.drift.starts if self.drift else ())}
        return tuple(sorted(times))
