"""The networks of BJ by name: A, A-under (its A'), B, C, D, LeNet, ResNet-34, WideResNet; any of them on any images.

``widths`` replaces the paper's widths and ``multiplier`` scales them, for reduced scale. Numbers of weights at the
paper's widths, without biases: A 30,820,000 on CIFAR-10, B 89,400 on MNIST, C 56,750 on CIFAR-10; D has 11,220,132
parameters on CIFAR-100.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from quench.networks.classifier import (
    Classifier,
    DenseClassifier,
    Loss,
    NegativeLogLikelihood,
    SigmoidSquaredError,
    initialise,
)
from quench.networks.models import MODELS, layer_widths


@dataclass(frozen=True)
class Images:
    """Shape of the inputs: ``channels`` x ``side`` x ``side`` pixels, in ``classes`` classes."""

    channels: int
    side: int
    classes: int

    @property
    def pixels(self) -> int:
        return self.channels * self.side**2


def build(
    name: str,
    images: Images,
    seed: int,
    *,
    widths: tuple[int, ...] | None = None,
    multiplier: float = 1.0,
    stem: str = "cifar",
    initialisation: str = "uniform",
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
) -> Classifier:
    """The network ``name`` for such images, its weights initialised by ``seed`` (drawn in float64, rounded to ``dtype``).

    ``stem`` and ``initialisation`` as in ``quench.networks.models``. Raises ``ValueError`` as ``construct`` does.
    """
    module = construct(name, images, widths, multiplier, stem).to_empty(device="cpu").to(dtype)
    initialise(module, seed, initialisation)
    _, loss = _PARTS[name]
    return (DenseClassifier if MODELS[name].kind == "dense" else Classifier)(module.to(device), loss())


def construct(
    name: str, images: Images, widths: tuple[int, ...] | None = None, multiplier: float = 1.0, stem: str = "cifar"
) -> nn.Module:
    """The module without values: on the meta device nothing is drawn, and the global random state is unchanged.

    Raises ``ValueError`` where the model does not exist, has another number of widths, or cannot take such images.
    """
    chosen = layer_widths(name, widths, multiplier)
    with torch.device("meta"):
        return _PARTS[name][0](images, chosen, *([stem] if MODELS[name].stems else []))


def _dense(images: Images, widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = images.pixels
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, images.classes))


def _convolutional(images: Images, widths: tuple[int, ...]) -> nn.Module:
    """Two 5x5 convolutions, each followed by 2x2 max-pooling and ReLU, then fully connected layers."""
    first, second, *dense = widths
    side = ((images.side - 4) // 2 - 4) // 2
    if side < 1:
        raise ValueError(f"two 5x5 convolutions and poolings need images of at least 16x16 pixels, not {images.side}")
    features = [nn.Conv2d(images.channels, first, 5), nn.MaxPool2d(2), nn.ReLU()]
    features += [nn.Conv2d(first, second, 5), nn.MaxPool2d(2), nn.ReLU()]
    return nn.Sequential(*features, *_dense(Images(second, side, images.classes), tuple(dense)))


def _resnet(blocks: tuple[int, ...]) -> Callable[[Images, tuple[int, ...], str], nn.Module]:
    def construct(images: Images, widths: tuple[int, ...], stem: str) -> nn.Module:
        # torchvision takes longer to import than a small dense network to train.
        from quench.networks.residual import SmallImageResNet

        return SmallImageResNet(blocks, widths[0], images.channels, images.classes, stem)

    return construct


def _wide_resnet(images: Images, widths: tuple[int, ...]) -> nn.Module:
    from quench.networks.residual import wide_resnet

    return wide_resnet(28, widths[0], widths[1], images.channels, images.classes)


_NLL, _MSE = NegativeLogLikelihood, SigmoidSquaredError
_PARTS: dict[str, tuple[Callable[..., nn.Module], type[Loss]]] = {
    "A": (_dense, _MSE),
    "A-under": (_dense, _MSE),
    "B": (_dense, _NLL),
    "C": (_convolutional, _NLL),
    "D": (_resnet((2, 2, 2, 2)), _NLL),
    "LeNet": (_convolutional, _NLL),
    "ResNet-34": (_resnet((3, 4, 6, 3)), _NLL),
    "WideResNet": (_wide_resnet, _NLL),
}
