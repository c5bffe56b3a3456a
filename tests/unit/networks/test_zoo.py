"""BJ's networks: sizes, keyed initial weights, the written-out gradient, torchvision's ResNet under its stem."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torchvision.models import resnet18

from quench.networks.classifier import NegativeLogLikelihood, SigmoidSquaredError, initialise
from quench.networks.models import MODELS, layer_widths
from quench.networks.residual import SmallImageResNet, wide_resnet
from quench.networks.zoo import Images, build, construct

CIFAR10, CIFAR100, MNIST = Images(3, 32, 10), Images(3, 32, 100), Images(1, 28, 10)


def random_samples(images: Images, n: int, dtype=torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(n, images.channels, images.side, images.side, generator=generator, dtype=dtype)
    return x, torch.randint(0, images.classes, (n,), generator=generator)


@pytest.mark.parametrize(
    ("name", "images", "weights", "others"),
    [
        # (inputs x hidden + hidden x classes), and the biases: BJ's numbers but for A, where the paper's 3e8 is a slip.
        ("A", CIFAR10, 3072 * 10_000 + 10_000 * 10, 10_000 + 10),
        ("A-under", CIFAR10, 3072 * 10 + 10 * 10, 10 + 10),
        ("B", MNIST, 784 * 100 + 100 * 100 + 100 * 10, 210),
        ("C", CIFAR10, 3 * 25 * 10 + 10 * 25 * 20 + 20 * 25 * 100 + 100 * 10, 10 + 20 + 100 + 10),
        # LeCun et al. 1998 with three input channels: 6 and 16 filters of 5x5, then 400-120-84-10.
        ("LeNet", CIFAR10, 3 * 25 * 6 + 6 * 25 * 16 + 400 * 120 + 120 * 84 + 84 * 10, 6 + 16 + 120 + 84 + 10),
    ],
)
def test_number_of_weights_without_normalisation(name, images, weights, others):
    module = construct(name, images)
    assert sum(p.numel() for p in module.parameters()) == weights + others
    assert sum(p.numel() for key, p in module.named_parameters() if "bias" not in key) == weights


@pytest.mark.parametrize(
    ("name", "images", "parameters"),
    [
        ("D", CIFAR100, 11_220_132),
        ("D", CIFAR10, 11_173_962),
        ("ResNet-34", CIFAR10, 21_282_122),
        # Zagoruyko & Komodakis 2016, Table 4: 36.5 M for WRN-28-10 on CIFAR-10.
        ("WideResNet", CIFAR10, 36_479_194),
    ],
)
def test_number_of_parameters_of_residual_networks(name, images, parameters):
    module = construct(name, images)
    assert sum(p.numel() for p in module.parameters()) == parameters


def test_every_model_is_of_its_kind():
    for name, model in MODELS.items():
        layers = list(construct(name, CIFAR10).modules())
        kinds = {"residual": nn.BatchNorm2d, "convolutional": nn.Conv2d, "dense": nn.Linear}
        assert model.kind == next(kind for kind, layer in kinds.items() if any(isinstance(m, layer) for m in layers))


def test_every_model_takes_every_kind_of_images():
    for name, widths in [("A", (5,)), ("A-under", None), ("B", (6, 5)), ("C", (2, 3, 5)), ("D", (2,))]:
        for images in (Images(1, 28, 10), Images(3, 32, 100), Images(3, 28, 7)):
            network = build(name, images, 0, widths=widths)
            x, y = random_samples(images, 3, torch.float32)
            assert network.evaluate(network.prepared(x), y).outputs.shape == (3, images.classes)


def test_initial_weights_follow_pytorchs_default_distributions():
    network = build("C", MNIST, seed=3, dtype=torch.float64)
    torch_made = construct("C", MNIST).to_empty(device="cpu")
    for layer in torch_made.modules():
        getattr(layer, "reset_parameters", lambda: None)()
    for (key, ours), theirs in zip(network.module.named_parameters(), torch_made.parameters(), strict=True):
        layer = network.module.get_submodule(key.rpartition(".")[0])
        bound = layer.weight[0].numel() ** -0.5
        assert ours.abs().max() < bound
        assert theirs.abs().max() <= bound  # torch draws from the same interval
        uniform = stats.kstest(ours.detach().numpy().ravel() / bound, stats.uniform(-1, 2).cdf)
        # Ten tensors are tested; at this level one run in 10,000 would fail by chance, and the key is fixed.
        assert uniform.pvalue > 1e-5, key


def test_initial_weights_depend_on_key_and_layer_name_alone():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = build("B", MNIST, seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    again = build("B", MNIST, seed=5)
    assert torch.equal(first.weights, again.weights)
    assert not torch.equal(first.weights, build("B", MNIST, seed=6).weights)
    wider = build("B", Images(1, 28, 20), seed=5)  # another last layer leaves the first two as they are
    assert torch.equal(first.views(first.weights)[0], wider.views(wider.weights)[0])


def test_batch_normalisation_starts_as_in_torch():
    network = build("D", Images(1, 14, 10), 0, widths=(2,))
    for layer in network.module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert (layer.weight == 1).all()
            assert (layer.bias == 0).all()
            assert (layer.running_mean == 0).all()
            assert (layer.running_var == 1).all()
    assert network.has_batch_statistics
    assert not build("B", MNIST, 0, widths=(2, 2)).has_batch_statistics


def test_layers_of_unknown_kind_are_refused():
    with pytest.raises(ValueError, match="LayerNorm"):
        initialise(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), 0)


@pytest.mark.parametrize(("name", "loss"), [("A", SigmoidSquaredError), ("B", NegativeLogLikelihood)])
def test_written_out_gradient_is_that_of_autograd(name, loss):
    images = Images(1, 6, 4)
    network = build(name, images, 1, multiplier=0.002 if name == "A" else 0.1, dtype=torch.float64)
    x, y = random_samples(images, 9)
    x = network.prepared(x)
    network.compute_gradient(x, y)
    expected = torch.autograd.grad(loss()(network.module(x), y), list(network.module.parameters()))
    expected = torch.cat([g.reshape(-1) for g in expected])
    # Both are sums of the same products in another order: float64 rounding of about 100 terms.
    torch.testing.assert_close(network.gradient, expected, rtol=1e-12, atol=1e-15)
    before = network.weights.clone()
    network.descend(x, y, 0.3)
    torch.testing.assert_close(network.weights, before - 0.3 * expected, rtol=1e-12, atol=1e-15)


def test_error_signal_is_the_derivative_of_the_loss():
    z = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    y = torch.tensor([0, 3, 1, 1, 2])
    for loss in (NegativeLogLikelihood(), SigmoidSquaredError()):
        (expected,) = torch.autograd.grad(loss.per_sample(z, y).sum(), z)
        torch.testing.assert_close(loss.error_signal(z.detach(), y), expected, rtol=1e-12, atol=1e-15)
        torch.testing.assert_close(loss(z, y), loss.per_sample(z, y).mean())


def test_loss_of_the_constant_predictor_is_the_smallest_constant_one():
    y = torch.arange(10)
    for loss in (NegativeLogLikelihood(), SigmoidSquaredError()):
        best = loss.of_constant_predictor(10)
        at = [loss(torch.full((10, 10), c, dtype=torch.float64), y).item() for c in np.linspace(-4, 0, 401)]
        # The grid of outputs misses the minimum by at most 0.005, where the loss is quadratic.
        assert min(at) == pytest.approx(best, rel=1e-4)
        assert min(at) >= best - 1e-12


def test_full_gradient_is_that_of_the_whole_set_at_once():
    images = Images(1, 5, 3)
    network = build("B", images, 0, widths=(4, 3), dtype=torch.float64)
    x, y = random_samples(images, 2300)  # more than two chunks
    x = network.prepared(x)
    network.compute_gradient(x, y)
    whole = network.gradient.clone()
    torch.testing.assert_close(network.full_gradient(x, y), whole, rtol=1e-10, atol=1e-14)


def test_a_diverged_network_has_no_finite_loss():
    for name, widths in [("A", (4,)), ("B", (4, 4)), ("C", (2, 2, 4))]:
        images = Images(1, 16, 3)
        network = build(name, images, 0, widths=widths)
        network.weights.fill_(float("nan"))
        x, y = random_samples(images, 4, torch.float32)
        assert not np.isfinite(network.evaluate(network.prepared(x), y).loss)


def test_residual_network_is_torchvisions_but_for_its_stem():
    ours = SmallImageResNet((2, 2, 2, 2), 64, 3, 10).double().eval()
    theirs = resnet18(num_classes=10)
    theirs.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    theirs.maxpool = nn.Identity()
    theirs = theirs.double().eval()
    theirs.load_state_dict(ours.state_dict())
    x, _ = random_samples(Images(3, 8, 10), 2)
    torch.testing.assert_close(ours(x), theirs(x))


def test_the_large_stem_is_torchvisions_own():
    ours = build("D", Images(3, 32, 10), 0, stem="imagenet", dtype=torch.float64).module.eval()
    theirs = resnet18(num_classes=10).double().eval()
    theirs.load_state_dict(ours.state_dict())
    x, _ = random_samples(Images(3, 32, 10), 2)
    torch.testing.assert_close(ours(x), theirs(x))
    assert construct("WideResNet", CIFAR10, (4, 4), 1.0, "imagenet")[0].kernel_size == (3, 3), "it has one stem"


def test_he_initialisation_has_the_spread_of_torchvisions():
    network = build("D", Images(3, 32, 10), 1, stem="imagenet", initialisation="he", dtype=torch.float64)
    for name, layer in network.module.named_modules():
        if isinstance(layer, nn.Conv2d):
            filters, size = layer.out_channels, layer.weight.numel()
            ratio = layer.weight.std().item() / (2 / (filters * layer.kernel_size[0] ** 2)) ** 0.5
            # The standard deviation of n normal numbers is known to 1 / sqrt(2 n).
            assert abs(ratio - 1) < 5 / (2 * size) ** 0.5, name
    uniform = build("D", Images(3, 32, 10), 1, stem="imagenet", dtype=torch.float64)
    assert torch.equal(network.module.fc.weight, uniform.module.fc.weight)


def test_wide_resnet_halves_the_image_twice():
    module = wide_resnet(10, 4, 6, 1, 3).double()
    features = module[:-4](torch.zeros(1, 1, 12, 12, dtype=torch.float64))
    assert features.shape == (1, 24, 3, 3)
    with pytest.raises(ValueError, match=r"6 n \+ 4"):
        wide_resnet(12, 4, 6, 1, 3)


def test_width_multiplier_and_mistakes():
    assert layer_widths("C", multiplier=0.5) == (5, 10, 50)
    assert layer_widths("A-under", multiplier=0.01) == (1,)
    assert build("D", Images(1, 8, 10), 0, multiplier=1 / 16).module.fc.in_features == 8 * 4
    with pytest.raises(ValueError, match=r"no model 'E'.*; known: A, "):
        build("E", MNIST, 0)
    with pytest.raises(ValueError, match="2 widths"):
        build("B", MNIST, 0, widths=(3,))
    with pytest.raises(ValueError, match="16x16"):
        build("C", Images(1, 14, 10), 0)
