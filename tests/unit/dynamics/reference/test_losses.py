"""Losses of the reference backend against automatic differentiation."""

import numpy as np
import pytest
import torch
from fused_oracle import output
from hypothesis import given
from hypothesis import strategies as st
from small_task import ARCHITECTURE, PLAIN, networks, problem

from quench.dynamics.choices import LOSSES
from quench.dynamics.reference.losses import LOSSES as KINDS
from quench.dynamics.reference.problem import Problem


def test_every_declared_loss_exists():
    assert tuple(KINDS) == LOSSES


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("loss", LOSSES)
def test_loss_and_gradient_are_those_of_automatic_differentiation(loss, scale):
    """Forty samples through three layers round a few hundred times: 1e-12 of the largest component leaves room."""
    task, weights = problem(loss, scale), networks()
    value, _ = task.loss(weights)
    gradient = task.gradient(weights)
    for network, flat in enumerate(weights):
        leaf = torch.tensor(flat, requires_grad=True)
        plain = PLAIN[loss](output(ARCHITECTURE, leaf, task.x), task.y).mean()
        plain.backward()
        assert value[network] == pytest.approx(plain.item(), rel=1e-12)
        np.testing.assert_allclose(gradient[network], leaf.grad, rtol=0, atol=1e-12 * float(leaf.grad.abs().max()))


@given(f=st.floats(-1e6, 1e6), sign=st.sampled_from([-1.0, 1.0]))
def test_logistic_loss_is_finite_and_convex_however_large_the_margin(f, sign):
    loss = KINDS["logistic"]
    output, label = torch.tensor(f, dtype=torch.float64), torch.tensor(sign, dtype=torch.float64)
    value, slope = float(loss.value(output, label)), float(loss.slope(output, label))
    # log(1 + exp(-m)) lies between max(0, -m) and that plus log 2; its slope in m between -1 and 0.
    assert max(0, -sign * f) <= value <= max(0, -sign * f) + np.log(2) + 1e-9
    assert 0 <= -slope * sign <= 1


def test_mean_squares_take_any_numbers_and_the_others_signs_only():
    x = np.ones((3, ARCHITECTURE.inputs))
    Problem(x, np.array([0.5, -2.0, 7.0]), ARCHITECTURE, loss="mse")
    for loss in ("quadratic_hinge", "logistic"):
        with pytest.raises(ValueError, match="-1 or \\+1"):
            Problem(x, np.array([0.5, -2.0, 7.0]), ARCHITECTURE, loss=loss)
    with pytest.raises(ValueError, match="not finite"):
        Problem(x, np.array([0.5, np.nan, 7.0]), ARCHITECTURE, loss="mse")
