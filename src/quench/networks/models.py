"""The networks of BJ by name, without torch, so that a configuration is checked at once."""

from __future__ import annotations

from dataclasses import dataclass

from quench.errors import nearest


@dataclass(frozen=True)
class Model:
    """The paper's ``widths``, from the input on: hidden layers, filters, or channels of the first stage.

    ``kind``: "dense" (fully connected), "convolutional" or "residual" (with batch normalisation). ``stems``: its possible
    first layers, where there is a choice.
    """

    widths: tuple[int, ...]
    kind: str
    stems: tuple[str, ...] = ()


# First layers of a ResNet: 3x3 of stride 1 for small images, or 7x7 of stride 2 and max-pooling (He et al. 2016).
STEMS = ("cifar", "imagenet")
# Initial weights of convolutions: PyTorch's default U(-1/sqrt(fan_in), 1/sqrt(fan_in)), or N(0, 2/fan_out) as in
# torchvision's ResNet (He et al. 2015).
INITIALISATIONS = ("uniform", "he")
# Random changes of the training images: none, or crops after padding by 4 pixels and reflections (He et al. 2016).
AUGMENTATIONS = ("none", "crop_flip")


MODELS = {
    "A": Model((10_000,), "dense"),  # Toy: one hidden layer of ReLU, sigmoid outputs, square error
    "A-under": Model((10,), "dense"),  # Toy, under-parameterised (A')
    "B": Model((100, 100), "dense"),  # Fully connected, two hidden layers of ReLU
    "C": Model((10, 20, 100), "convolutional"),  # Small Net: two 5x5 convolutions, one hidden layer
    "D": Model((64,), "residual", STEMS),  # ResNet-18
    "LeNet": Model((6, 16, 120, 84), "convolutional"),  # LeNet-5 with ReLU and max-pooling
    "ResNet-34": Model((64,), "residual", STEMS),
    "WideResNet": Model((16, 160), "residual"),  # WRN-28-10, pre-activation, no dropout
}


def layer_widths(name: str, widths: tuple[int, ...] | None = None, multiplier: float = 1.0) -> tuple[int, ...]:
    """Widths of the model: the paper's or ``widths``, times ``multiplier``, each at least 1.

    Raises ``ValueError`` for an unknown name or a wrong number of widths.
    """
    if name not in MODELS:
        raise ValueError(f"no model {name!r}{nearest(name, MODELS)}; known: {', '.join(MODELS)}")
    default = MODELS[name].widths
    if widths is not None and len(widths) != len(default):
        raise ValueError(f"model {name} has {len(default)} widths (the paper's: {default}), not {len(widths)}")
    return tuple(max(1, round(multiplier * width)) for width in (widths or default))
