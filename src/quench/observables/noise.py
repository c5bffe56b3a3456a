"""Strength of the gradient noise of SGD, D of BJ Eq. 4, by three methods, each with its error.

D = (1/P) sum_s (1/M) |grad L_s - grad L|^2 = ((1/P) sum_s |grad L_s|^2 - |grad L|^2) / M

Only squared norms of the per-sample gradients are needed: for a linear layer with input a_s and output error d_s,
|grad_W L_s|^2 = |d_s|^2 |a_s|^2 (Goodfellow, arXiv:1510.01799); for a convolution, the smaller of the Gram form over
pixel pairs (Rochette, Manoel & Tramel, arXiv:1912.06015) and the explicit product per sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quench.networks.classifier import Classifier, Evaluation
from quench.numerics.random import integers, stream_id, uniforms
from quench.numerics.sums import mean, mean_square

_DRAWS = stream_id("noise samples")
_BATCHES = stream_id("noise batches")
_CHUNK = 500  # samples of one backward pass; changes only rounding
UNIFORM_SHARE = 0.1  # of the importance distribution; bounds every weight by P / (UNIFORM_SHARE P) = 10


@dataclass(frozen=True)
class Noise:
    """``strength`` D and ``gradient_square`` |grad L|^2 with their standard errors (0 where all samples were used).

    Both are unbiased; an estimate of |grad L|^2 from a sample may be negative.
    """

    strength: float
    error: float
    gradient_square: float
    gradient_square_error: float


@runtime_checkable
class SampleNorms(Protocol):
    """A network that finds the gradients of single samples in its own way."""

    def gradient_squares(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Evaluation]:
        """Squared norms of the gradients of all samples, float64 (sample), the mean gradient (M), and the losses."""


@dataclass(frozen=True)
class PerSample:
    """Gradients of n samples with coefficients c_s: ``squares`` |c_s grad L_s|^2 (n, float64), ``total``
    sum_s c_s grad L_s (M), the network's ``outputs`` (n, class), and on request ``along_total`` c_s grad L_s . total
    (n, float64)."""

    squares: Tensor
    total: Tensor
    outputs: Tensor
    along_total: Tensor | None = None


def exact(network: Classifier, x: Tensor, y: Tensor) -> tuple[Noise, Evaluation]:
    """D and |grad L|^2 over all samples, without error; also the losses, which cost nothing more.

    Raises ``ValueError`` for a network whose samples do not have gradients of their own (batch normalisation).
    """
    if isinstance(network, SampleNorms):
        squares, gradient, evaluation = network.gradient_squares(x, y)
    else:
        squares, gradient, evaluation = _gradient_squares(network, x, y)
    gradient_square = gradient.numel() * mean_square(gradient.cpu().numpy())
    strength = (mean(squares.cpu().numpy()) - gradient_square) / network.n_weights
    return Noise(strength, 0.0, gradient_square, 0.0), evaluation


def _gradient_squares(network: Classifier, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Evaluation]:
    total = torch.zeros_like(network.weights, dtype=torch.float64)
    squares, outputs = [], []
    for part, classes in zip(x.split(_CHUNK), y.split(_CHUNK), strict=True):
        found = per_sample(network, part, classes)
        total += found.total
        squares.append(found.squares)
        outputs.append(found.outputs)
    return torch.cat(squares), total / len(y), network.evaluation(torch.cat(outputs), y)


def sampled(network: Classifier, x: Tensor, y: Tensor, outputs: Tensor, n_draws: int, seed: int, step: int) -> Noise:
    """D and |grad L|^2 from ``n_draws`` importance-sampled gradients; unbiased, with their standard errors.

    Sample s is drawn, with replacement, with probability q_s = 0.9 r_s / sum r + 0.1 / P, where r_s is the squared
    derivative of its loss by the network's ``outputs`` (sample, class): |grad L_s|^2 is heavy-tailed late in training,
    and nearly proportional to r_s. With v_j = grad L_j / (P q_j) over n draws, the mean of P q_j |v_j|^2 estimates
    (1/P) sum |grad L_s|^2, and (|sum v|^2 - sum |v|^2) / (n (n - 1)) estimates |grad L|^2.
    """
    if n_draws < 2:
        raise ValueError(f"at least 2 draws are needed for an error, not {n_draws}")
    signal = network.loss.error_signal(outputs, y).double().square().sum(1)
    spread = signal.sum()
    q = torch.full_like(signal, 1 / len(y))
    if spread > 0:
        q = (1 - UNIFORM_SHARE) * signal / spread + UNIFORM_SHARE * q
    where = torch.from_numpy(uniforms(seed, _DRAWS, step, n_draws)).to(q.device)
    drawn = torch.searchsorted(q.cumsum(0), where * q.sum()).clamp_(max=len(y) - 1)
    weights = 1 / (len(y) * q[drawn])
    found = per_sample(network, x[drawn], y[drawn], weights, along_total=True)
    squares = found.squares / weights
    total_square = found.total.double().square().sum().item()
    gradient_square = (total_square - found.squares.sum().item()) / (n_draws * (n_draws - 1))
    strength = (squares.mean().item() - gradient_square) / network.n_weights
    # Influence of one draw on both means; the second is a U-statistic, hence the factor 2.
    pull = 2 * (found.along_total - found.squares) / (n_draws - 1)
    error = (squares - pull).std().item() / n_draws**0.5 / network.n_weights
    return Noise(strength, error, gradient_square, pull.std().item() / n_draws**0.5)


def of_minibatches(
    network: Classifier, x: Tensor, y: Tensor, batch_size: int, n_batches: int, seed: int, step: int
) -> Noise:
    """D = B Var(g_B) / M from independent batches in training mode; running statistics are restored afterwards.

    This is the method for batch normalisation, where a sample has no gradient of its own and the per-sample variance in
    evaluation mode is wrong by orders of magnitude. Batches are drawn with replacement, so that the variance of their
    mean is exactly 1/B of a sample's. The errors are those of the means over disjoint pairs of (B / 2M)|g - g'|^2 and of
    g . g', incomplete U-statistics of the same kernels and therefore upper bounds.
    """
    if n_batches < 4 or n_batches % 2:
        raise ValueError(f"an even number of at least 4 batches is needed, not {n_batches}")
    drawn = integers(seed, _BATCHES, step, n_batches * batch_size, len(y)).reshape(n_batches, batch_size)
    total = torch.zeros_like(network.weights, dtype=torch.float64)
    squares, pairs, products, previous = 0.0, [], [], network.weights
    with _restored(network):
        for number, batch in enumerate(torch.from_numpy(drawn)):
            network.compute_gradient(x[batch], y[batch])
            total += network.gradient
            squares += network.gradient.double().square().sum().item()
            if number % 2:
                pairs.append((network.gradient - previous).double().square().sum().item() / 2)
                products.append((network.gradient.double() * previous.double()).sum().item())
            else:
                previous = network.gradient.clone()
    mean_square = total.square().sum().item() / n_batches**2
    variance = (squares - n_batches * mean_square) / (n_batches - 1)
    scale = batch_size / network.n_weights
    error, product_error = (float(np.std(found, ddof=1)) / len(pairs) ** 0.5 for found in (pairs, products))
    return Noise(scale * variance, scale * error, mean_square - variance / n_batches, product_error)


@contextmanager
def _restored(network: Classifier) -> Iterator[None]:
    kept = {name: buffer.clone() for name, buffer in network.buffers().items()}
    try:
        yield
    finally:
        for name, buffer in network.buffers().items():
            buffer.copy_(kept[name])


def per_sample(
    network: Classifier, x: Tensor, y: Tensor, coefficients: Tensor | None = None, along_total: bool = False
) -> PerSample:
    """Squared norms of the gradients of single samples, and their sum, in one backward pass.

    Raises ``ValueError`` where a layer with parameters is neither ``nn.Linear`` nor an ungrouped ``nn.Conv2d``.
    """
    layers = [m for m in network.module.modules() if any(True for _ in m.parameters(recurse=False))]
    for layer in layers:
        if not isinstance(layer, nn.Linear) and not (isinstance(layer, nn.Conv2d) and layer.groups == 1):
            raise ValueError(f"per-sample gradients of {type(layer).__name__} are not available; use minibatches")
    seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}
    hooks = [m.register_forward_hook(lambda m, given, out: seen.__setitem__(m, (given[0], out))) for m in layers]
    try:
        outputs = network.module(x)
    finally:
        for hook in hooks:
            hook.remove()
    losses = network.loss.per_sample(outputs, y)
    weighted = losses if coefficients is None else losses * coefficients.to(losses.dtype)
    parameters = [p for layer in layers for p in layer.parameters(recurse=False)]
    found = torch.autograd.grad(weighted.sum(), [*(seen[m][1] for m in layers), *parameters])
    errors, gradients = found[: len(layers)], dict(zip(parameters, found[len(layers) :], strict=True))
    inputs = [seen[layer][0].detach() for layer in layers]
    squares = sum(map(_squared_norms, layers, inputs, errors))
    total = torch.cat([gradients[p].reshape(-1) for p in network.module.parameters()])
    along = sum(map(_along, layers, inputs, errors, [gradients] * len(layers))) if along_total else None
    return PerSample(squares, total, outputs.detach(), along)


@torch.no_grad()
def _along(layer: nn.Module, given: Tensor, error: Tensor, gradients: dict[nn.Parameter, Tensor]) -> Tensor:
    """Product of every sample's gradient with ``gradients`` over this layer's parameters; float64 (sample).

    A layer is linear in its parameters, so this is its response to its input with the gradient in their place.
    """
    own = {name: gradients[p] for name, p in layer.named_parameters(recurse=False)}
    response = torch.func.functional_call(layer, own, (given,))
    return (response * error).double().flatten(1).sum(1)


def _squared_norms(layer: nn.Module, given: Tensor, error: Tensor) -> Tensor:
    """|grad_W|^2 + |grad_b|^2 of every sample from the layer's input and the error at its output; float64 (sample)."""
    if isinstance(layer, nn.Linear):
        # Inputs are of size one; errors may be so small late in training that their squares need float64.
        squares = torch.linalg.vector_norm(given, dim=1).double().square() + (layer.bias is not None)
        return squares * error.double().square().sum(1)
    patches = F.unfold(given, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
    errors = error.flatten(2)  # (sample, output channel, pixel); patches: (sample, input element, pixel)
    elements, pixels, channels = patches.shape[1], errors.shape[2], errors.shape[1]
    if pixels * (elements + channels) < elements * channels:
        gram = (patches.transpose(1, 2) @ patches).double() * (errors.transpose(1, 2) @ errors).double()
        squares = gram.flatten(1).sum(1)
    else:
        squares = (errors @ patches.transpose(1, 2)).double().square().flatten(1).sum(1)
    if layer.bias is not None:
        squares = squares + errors.sum(2).double().square().sum(1)
    return squares
