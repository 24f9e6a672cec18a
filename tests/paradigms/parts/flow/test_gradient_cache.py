"""Gradient caching: the gradient of the whole batch, at the memory of a part."""

import pytest
import torch

from paradigms.parts.flow.gradient_cache import cached_loss
from paradigms.parts.losses.distances import energy_distance


def problem():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).double()
    eps, y = torch.randn(24, 3, dtype=torch.float64), torch.randn(40, 3, dtype=torch.float64)
    return net, eps, lambda g: energy_distance(g, y)


def whole(net, eps, loss):
    return torch.autograd.grad(loss(net(eps)), list(net.parameters()))


@pytest.mark.parametrize("n_rows", [1, 7, 24, 100])
def test_it_is_the_gradient_of_the_whole_batch_however_it_is_cut(n_rows):
    net, eps, loss = problem()
    value = cached_loss(net, loss, (eps,), list(net.parameters()), n_rows)
    assert value.item() == pytest.approx(loss(net(eps)).item(), abs=1e-12)
    found = torch.autograd.grad(2 * value, list(net.parameters()))
    for one, other in zip(found, whole(net, eps, loss), strict=True):
        torch.testing.assert_close(one, 2 * other, atol=1e-12, rtol=0)


def test_adding_up_the_losses_of_parts_is_another_gradient():
    net, eps, loss = problem()
    parts = sum(loss(net(rows)) for rows in eps.split(6)) / 4
    found = torch.autograd.grad(parts, list(net.parameters()))
    error = max(float((a - b).norm() / b.norm()) for a, b in zip(found, whole(net, eps, loss), strict=True))
    assert error > 1e-3


def test_no_more_than_a_part_has_a_graph_at_a_time():
    net, eps, loss = problem()
    rows = []
    net[0].register_forward_hook(lambda module, given, out: rows.append(len(out) if out.requires_grad else 0))
    cached_loss(net, loss, (eps,), list(net.parameters()), 6).backward()
    assert rows == [0] * 4 + [6] * 4


def test_frozen_parameters_get_none_and_unused_ones_zero():
    net, eps, loss = problem()
    net[0].weight.requires_grad_(False)
    unused = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    cached_loss(net, loss, (eps,), [*net.parameters(), unused], 8).backward()
    assert net[0].weight.grad is None and net[2].weight.grad is not None
    assert torch.equal(unused.grad, torch.zeros_like(unused))
