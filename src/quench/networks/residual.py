"""Residual networks: torchvision's ResNet with a stem for small images or its own, and the WideResNet of BJ's note 12."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet


class SmallImageResNet(ResNet):  # type: ignore[misc]  # torchvision has no annotations
    """torchvision's ResNet of basic blocks with a 3x3 stem of stride 1 and no max-pooling (He et al. 2016, Sec. 4.2), or
    with ``stem`` "imagenet" its own: a 7x7 convolution and 3x3 max-pooling, both of stride 2.

    ``blocks`` per stage, (2, 2, 2, 2) for ResNet-18 and (3, 4, 6, 3) for ResNet-34; stages have ``width``, 2, 4 and
    8 times ``width`` channels, 64 in the paper.
    """

    def __init__(self, blocks: tuple[int, ...], width: int, channels: int, classes: int, stem: str = "cifar"):
        self._first_width = width
        super().__init__(BasicBlock, list(blocks), num_classes=classes)
        if stem == "imagenet":
            self.conv1 = nn.Conv2d(channels, width, kernel_size=7, stride=2, padding=3, bias=False)
        else:
            self.conv1 = nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False)
            self.maxpool = nn.Identity()
        self.bn1 = nn.BatchNorm2d(width)
        self.fc = nn.Linear(8 * width, classes)

    def _make_layer(
        self, block: type[BasicBlock], planes: int, blocks: int, stride: int = 1, dilate: bool = False
    ) -> nn.Sequential:
        # torchvision writes 64, 128, 256, 512 into its constructor; a width multiplier enters here.
        if planes == 64:
            self.inplanes = self._first_width
        layer: nn.Sequential = super()._make_layer(block, planes * self._first_width // 64, blocks, stride, dilate)
        return layer


class WideBlock(nn.Module):
    """Pre-activation block BN-ReLU-conv-BN-ReLU-conv (Zagoruyko & Komodakis 2016, Fig. 1a), no dropout."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        activated = self.norm1(x).relu()
        through = x if self.shortcut is None else self.shortcut(activated)
        outputs: Tensor = through + self.conv2(self.norm2(self.conv1(activated)).relu())
        return outputs


def wide_resnet(depth: int, stem: int, width: int, channels: int, classes: int) -> nn.Sequential:
    """WRN of ``depth`` = 6 n + 4 layers: a stem of ``stem`` channels, three stages of ``width``, 2 and 4 ``width``.

    WRN-28-10 has depth 28, stem 16 and width 160.
    """
    if depth < 10 or (depth - 4) % 6:
        raise ValueError(f"the depth of a WideResNet is 6 n + 4 with n at least 1, not {depth}")
    layers: list[nn.Module] = [nn.Conv2d(channels, stem, 3, padding=1, bias=False)]
    inputs = stem
    for stage, factor in enumerate((1, 2, 4)):
        for block in range((depth - 4) // 6):
            layers.append(WideBlock(inputs, factor * width, 2 if stage and not block else 1))
            inputs = factor * width
    head = [nn.BatchNorm2d(inputs), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes)]
    return nn.Sequential(*layers, *head)
