"""Measurements of a classifier during its training: losses, accuracies, and the noise of its gradient."""

from __future__ import annotations

from torch import Tensor

from quench.networks.classifier import Classifier
from quench.numerics.sums import mean_square
from quench.observables import noise

NOISE_METHODS = ("auto", "exact", "sampled", "minibatches")
EXACT_UP_TO = 5000  # training samples of a dense network for which "auto" uses them all


class Probe:
    """Measures, called with a network and its step: losses and accuracies, D with its error, |grad L|^2, |w|^2 / M.

    ``method`` of D: "exact" (all samples), "sampled" (``n_draws`` importance-sampled ones), "minibatches"
    (``n_batches`` of the training's own ``batch_size``); "auto" takes minibatches for batch normalisation, exact for
    small sets and sampled elsewhere. Images are prepared for the network.
    """

    def __init__(
        self,
        train: tuple[Tensor, Tensor],
        test: tuple[Tensor, Tensor],
        *,
        batch_size: int,
        seed: int,
        method: str = "auto",
        n_draws: int = 200,
        n_batches: int = 40,
    ) -> None:
        if method not in NOISE_METHODS:
            raise ValueError(f"no noise method {method!r}; known: {', '.join(NOISE_METHODS)}")
        self.train, self.test = train, test
        self.batch_size, self.seed = batch_size, seed
        self.method, self.n_draws, self.n_batches = method, n_draws, n_batches

    def __call__(self, network: Classifier, step: int) -> dict[str, float]:
        x, y = self.train
        method = self.method_for(network)
        if method == "exact":
            strength, train = noise.exact(network, x, y)
        else:
            train = network.evaluate(x, y)
            if method == "sampled":
                strength = noise.sampled(network, x, y, train.outputs, self.n_draws, self.seed, step)
            else:
                strength = noise.of_minibatches(network, x, y, self.batch_size, self.n_batches, self.seed, step)
        test = network.evaluate(*self.test)
        return {
            "train_loss": train.loss,
            "train_accuracy": train.accuracy,
            "test_loss": test.loss,
            "test_accuracy": test.accuracy,
            "noise": strength.strength,
            "noise_error": strength.error,
            "gradient_square": strength.gradient_square,
            "gradient_square_error": strength.gradient_square_error,
            "weight_square": mean_square(network.weights.cpu().numpy()),
        }

    def method_for(self, network: Classifier) -> str:
        """The method used for ``network``, with "auto" resolved."""
        if self.method != "auto":
            return self.method
        if network.has_batch_statistics:
            return "minibatches"
        convolutional = any(p.ndim > 2 for p in network.module.parameters())
        return "exact" if len(self.train[1]) <= EXACT_UP_TO and not convolutional else "sampled"
