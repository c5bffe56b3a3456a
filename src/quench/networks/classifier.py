"""A torch classifier whose parameters are one flat vector: losses, keyed initial weights, gradients, evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quench.numerics.random import normals, stream_id, uniforms

_EVALUATION_CHUNK = 1000  # samples in one forward pass; changes only rounding


class NegativeLogLikelihood(nn.Module):
    """-log softmax(z)_y of outputs z (sample, class), mean over samples."""

    reduction = "mean"  # read by curvlinops

    def per_sample(self, z: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(z, y, reduction="none")

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(z, y)

    def error_signal(self, z: Tensor, y: Tensor) -> Tensor:
        """d loss_s / d z_s = softmax(z) - y (one-hot), (sample, class)."""
        return torch.softmax(z, 1).sub_(F.one_hot(y, z.shape[1]))

    @staticmethod
    def of_constant_predictor(classes: int) -> float:
        """Loss of the best constant prediction over balanced classes: log K."""
        return float(np.log(classes))


class SigmoidSquaredError(nn.Module):
    """(1/K) sum_k (sigmoid(z_k) - y_k)^2 against one-hot y, mean over samples (BJ model A)."""

    reduction = "mean"

    def per_sample(self, z: Tensor, y: Tensor) -> Tensor:
        return (torch.sigmoid(z) - F.one_hot(y, z.shape[1])).square().mean(1)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.per_sample(z, y).mean()

    def error_signal(self, z: Tensor, y: Tensor) -> Tensor:
        """d loss_s / d z_s = (2/K) (o - y) o (1 - o), o = sigmoid(z); (sample, class)."""
        o = torch.sigmoid(z)
        return (o - F.one_hot(y, z.shape[1])).mul_(o).mul_(1 - o).mul_(2 / z.shape[1])

    @staticmethod
    def of_constant_predictor(classes: int) -> float:
        """Loss of the best constant prediction over balanced classes: (1/K)(1 - 1/K)."""
        return (1 - 1 / classes) / classes


Loss = NegativeLogLikelihood | SigmoidSquaredError


@dataclass(frozen=True)
class Evaluation:
    """Mean loss and fraction of samples whose largest output is the right class; ``outputs`` (sample, class)."""

    loss: float
    accuracy: float
    outputs: Tensor


class Classifier:
    """``module`` with its M parameters laid out in ``weights`` (M) and their gradients in ``gradient`` (M).

    Parameters follow ``module.parameters()``, each in row-major order. Both vectors share memory with the module, so an
    in-place change of either side is seen by the other; neither may be rebound. The output of ``module`` is taken
    before the last nonlinearity, which belongs to ``loss``.
    """

    def __init__(self, module: nn.Module, loss: Loss):
        self.module = module
        self.loss = loss
        parameters = list(module.parameters())
        self.weights = torch.cat([p.detach().reshape(-1) for p in parameters])
        self.gradient = torch.zeros_like(self.weights)
        for parameter, weights, gradient in zip(
            parameters, self.views(self.weights), self.views(self.gradient), strict=True
        ):
            parameter.data = weights
            parameter.grad = gradient

    @property
    def n_weights(self) -> int:
        """M, biases and normalisation parameters included."""
        return self.weights.numel()

    def views(self, flat: Tensor) -> list[Tensor]:
        """``flat`` (M) cut into the shapes of the parameters, without a copy."""
        shapes = [p.shape for p in self.module.parameters()]
        pieces = flat.split([shape.numel() for shape in shapes])
        return [piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)]

    @property
    def parameter_index(self) -> np.ndarray:
        """Number of the parameter tensor (0 at the input) that every weight belongs to, int16 (M)."""
        sizes = [p.numel() for p in self.module.parameters()]
        return np.repeat(np.arange(len(sizes), dtype=np.int16), sizes)

    @property
    def has_batch_statistics(self) -> bool:
        """Whether a sample's loss depends on the other samples of its batch (batch normalisation)."""
        return any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in self.module.modules())

    def buffers(self) -> dict[str, Tensor]:
        """Running statistics by name; they share memory with the module."""
        return dict(self.module.named_buffers())

    def prepared(self, images: Tensor) -> Tensor:
        """``images`` (sample, channel, row, column) in this network's precision and preferred layout."""
        return images.to(self.weights.dtype, memory_format=torch.channels_last)

    def compute_gradient(self, x: Tensor, y: Tensor) -> None:
        """Fill ``gradient`` with that of the mean loss of the batch, in training mode."""
        self.module.train()
        self.gradient.zero_()
        self.loss(self.module(x), y).backward()

    def descend(self, x: Tensor, y: Tensor, rate: float) -> None:
        """One step w <- w - rate grad of the mean loss of the batch."""
        self.compute_gradient(x, y)
        self.weights.sub_(self.gradient, alpha=rate)

    @torch.no_grad()
    def evaluate(self, x: Tensor, y: Tensor) -> Evaluation:
        """Loss and accuracy in evaluation mode. Non-finite outputs give a non-finite loss, never a small one."""
        self.module.eval()
        outputs = torch.cat([self.module(part) for part in x.split(_EVALUATION_CHUNK)])
        return self.evaluation(outputs, y)

    def evaluation(self, outputs: Tensor, y: Tensor) -> Evaluation:
        """``evaluate`` from the ``outputs`` of a forward pass."""
        loss = self.loss.per_sample(outputs, y).mean(dtype=torch.float64).item()
        return Evaluation(loss, (outputs.argmax(1) == y).double().mean().item(), outputs)

    @torch.no_grad()
    def full_gradient(self, x: Tensor, y: Tensor) -> Tensor:
        """Gradient of the mean loss over all of ``x``, as ``compute_gradient`` but for any number of samples; (M)."""
        total = torch.zeros_like(self.weights)
        for part, classes in zip(x.split(_EVALUATION_CHUNK), y.split(_EVALUATION_CHUNK), strict=True):
            with torch.enable_grad():
                self.compute_gradient(part, classes)
            total.add_(self.gradient, alpha=len(classes) / len(y))
        return total


class DenseClassifier(Classifier):
    """Linear layers with ReLU between them, their gradient written out: twice as fast as autograd at small batches."""

    def __init__(self, module: nn.Module, loss: Loss):
        super().__init__(module, loss)
        self._layers = [m for m in module.modules() if isinstance(m, nn.Linear)]
        self._matrices = [layer.weight.detach() for layer in self._layers]
        self._biases = [layer.bias.detach() for layer in self._layers]

    def prepared(self, images: Tensor) -> Tensor:
        return images.reshape(len(images), -1).to(self.weights.dtype).contiguous()

    @torch.no_grad()
    def compute_gradient(self, x: Tensor, y: Tensor) -> None:
        pieces = iter(self.views(self.gradient)[::-1])
        for activation, delta, _ in self._backward(x, y):
            torch.sum(delta, 0, out=next(pieces))
            torch.mm(delta.t(), activation, out=next(pieces))

    @torch.no_grad()
    def descend(self, x: Tensor, y: Tensor, rate: float) -> None:
        for activation, delta, layer in self._backward(x, y):
            self._matrices[layer].addmm_(delta.t(), activation, alpha=-rate)
            self._biases[layer].sub_(delta.sum(0), alpha=rate)

    def _backward(self, x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor, int]]:
        """(input of the layer, d mean loss / d its output, layer), from the last layer to the first.

        Each layer's error is passed on before the layer is yielded, so that its weights may be changed in between.
        """
        activations = [x]
        last = len(self._layers) - 1
        for layer, (matrix, bias) in enumerate(zip(self._matrices, self._biases, strict=True)):
            z = torch.addmm(bias, activations[-1], matrix.t())
            activations.append(z if layer == last else z.relu_())
        delta = self.loss.error_signal(activations[-1], y).div_(len(y))
        for layer in range(last, -1, -1):
            below = delta @ self._matrices[layer] if layer else None
            yield activations[layer], delta, layer
            if below is not None:
                delta = below.mul_(activations[layer] > 0)


def initialise(module: nn.Module, seed: int, initialisation: str = "uniform") -> None:
    """PyTorch's default distributions, drawn by key: every layer's numbers depend on (seed, its name) alone.

    ``nn.Linear`` and ``nn.Conv2d``: weights and biases U(-1/sqrt(fan_in), 1/sqrt(fan_in)); with ``initialisation`` "he",
    weights of convolutions N(0, 2 / (k^2 filters)) (He et al. 2015, Eq. 14). Batch normalisation: scale 1, shift 0,
    running mean 0 and variance 1. Raises ``ValueError`` for a layer of any other kind that has parameters.
    """
    for name, layer in module.named_modules():
        own = dict(layer.named_parameters(recurse=False))
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.reset_parameters()
        elif isinstance(layer, (nn.Linear, nn.Conv2d)):
            bound = layer.weight[0].numel() ** -0.5
            for kind, parameter in own.items():
                stream = stream_id(f"initial {name}.{kind}")
                if initialisation == "he" and parameter.ndim == 4:
                    deviation = (2 / parameter[:, 0].numel()) ** 0.5
                    drawn = deviation * normals(seed, stream, 0, parameter.numel()).astype(np.float64)
                else:
                    drawn = bound * (2 * uniforms(seed, stream, 0, parameter.numel()) - 1)
                values = torch.from_numpy(drawn)
                parameter.data.copy_(values.view(parameter.shape))
        elif own:
            raise ValueError(f"no default initialisation known for layer {name!r} ({type(layer).__name__})")
