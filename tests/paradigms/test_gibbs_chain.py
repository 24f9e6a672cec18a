"""Gibbs chains: the network and the chain are those of a DBN, and the loss reaches every weight through every sweep."""

import itertools

import pytest
import torch

from benchmarks.fit import Fit
from paradigms import load
from paradigms.base import Batch
from paradigms.gibbs_chain import DifferentiableRBM, straight_through

SHAPE = (1, 4, 4)


def data(n=256):
    """Two kinds of images: all dark, all bright."""
    label = torch.arange(n) % 2
    noise = 0.1 * torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(1))
    return Batch((noise + 1.0 * label[:, None, None, None] - 0.5).clamp(-1, 1), label)


def build(**options):
    torch.manual_seed(0)
    chain = load("gibbs_chain")(SHAPE, 2, **{"widths": (12, 16)} | options)
    chain.observe(*data())
    return chain


def sweeps(chain):
    """What every sweep of the loss returned, with the gradients of the loss."""
    seen = []

    def keep(module, given, out):
        out.retain_grad()
        seen.append(out)

    chain.top.register_forward_hook(keep)
    chain.loss(data(32)).backward()
    return seen


@pytest.mark.parametrize(("nfe", "widths"), [(1, (12, 16)), (3, (12, 16)), (2, (12, 10, 16))])
def test_with_equal_weights_it_samples_what_the_dbn_samples(nfe, widths):
    chain, dbn = build(widths=widths), load("dbn")(SHAPE, 2, widths=widths, labels="none")
    dbn.top.load_state_dict(chain.top.state_dict())
    for rbm, layer in zip(dbn.rbms, chain.down, strict=True):
        rbm.load_state_dict(layer.state_dict(), strict=False)  # the DBN also has a pass upwards
    drawn = [model.sample(50, nfe, torch.Generator().manual_seed(3)) for model in (chain, dbn)]
    torch.testing.assert_close(*drawn)


def test_straight_through_is_the_state_forward_and_the_mean_backward():
    mean = torch.tensor([0.2, 0.7], requires_grad=True)
    found = straight_through(mean, torch.tensor([1.0, 0.0]))
    assert found.tolist() == [1.0, 0.0]
    (gradient,) = torch.autograd.grad((found * torch.tensor([3.0, 5.0])).sum(), mean)
    assert gradient.tolist() == [3.0, 5.0]


def one_sweep(scale):
    """An RBM of 3 and 3 units, a mean of its visible units, and what one sweep is on all 64 paths through states.

    Returns the parameters, and as scalars with graphs the expectation of c.v at the end: over the paths with constant
    probabilities, as the sweep has it, and in closed form.
    """
    torch.manual_seed(0)
    rbm = DifferentiableRBM(3, 3).double()
    for parameter in rbm.parameters():
        parameter.data = scale * torch.randn_like(parameter)
    mean = torch.full((3,), 0.5, dtype=torch.float64, requires_grad=True)
    c = torch.randn(3, dtype=torch.float64)
    states = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), dtype=torch.float64)
    v, h = states.repeat_interleave(8, 0), states.repeat(8, 1)

    def probability(state, mean):
        return (mean * state + (1 - mean) * (1 - state)).prod(1)

    exact = probability(v, mean) * probability(h, torch.sigmoid(v @ rbm.W + rbm.hbias))
    path = []
    rbm.sample_v = lambda mean, generator=None: path.append(probability(v, mean)) or v
    rbm.sample_h = lambda mean, generator=None: path.append(probability(h, mean)) or h
    end = rbm(mean.expand(64, 3))
    of_the_sweep = (path[0] * path[1]).detach() @ (end @ c)
    return (mean, rbm.hbias), of_the_sweep, exact @ (torch.sigmoid(h @ rbm.W.T + rbm.vbias) @ c)


def test_a_sweep_has_the_expectation_of_all_its_paths_and_nearly_its_gradient():
    """By enumeration; the gradient misses curvature, so its relative error falls as the square of the weights."""
    errors = []
    for scale in (0.2, 0.1, 0.05):
        at, found, exact = one_sweep(scale)
        torch.testing.assert_close(found, exact)
        pairs = zip(torch.autograd.grad(found, at), torch.autograd.grad(exact, at), strict=True)
        errors.append([float((one - other).norm() / other.norm()) for one, other in pairs])
    for wide, middle, narrow in zip(*errors, strict=True):
        assert 3 < wide / middle < 5 and 3 < middle / narrow < 5 and narrow < 0.01


def test_the_loss_is_the_energy_distance_between_fresh_samples_of_k_sweeps_and_the_split():
    chain = build(k=2, loss="energy")
    torch.manual_seed(1)
    loss = chain.loss(data(32))
    torch.manual_seed(1)
    g, real = chain.sample(32, 2, None).flatten(1), data().x.flatten(1)
    between, within = torch.cdist(g, real).mean(), torch.cdist(g, g).sum() / (32 * 31)
    torch.testing.assert_close(loss, 2 * between - within, rtol=1e-4, atol=0)


def test_before_training_a_network_without_weights_draws_the_mean_image():
    chain = build()
    chain.begin()
    for layer in (chain.top, *chain.down):
        torch.nn.init.zeros_(layer.W)
    x = chain.sample(2, 1, torch.Generator().manual_seed(0))
    torch.testing.assert_close(x, data().x.mean(0).expand(2, *SHAPE))


def test_the_loss_at_the_end_reaches_the_first_sweep_and_every_weight():
    chain = build(k=3)
    seen = sweeps(chain)
    assert len(seen) == 3 and all(float(out.grad.abs().sum()) > 0 for out in seen)
    assert all(float(p.grad.abs().sum()) > 0 for p in chain.parameters())


def test_sampled_states_without_gradients_would_cut_the_chain(monkeypatch):
    """The fault that the test above must see."""
    monkeypatch.setattr("paradigms.gibbs_chain.straight_through", lambda mean, state: state)
    seen = sweeps(build(k=3))
    assert seen[0].grad is None and seen[-1].grad is not None


def test_one_sweep_finds_both_kinds_of_images():
    chain = build(lr=2e-2)
    Fit(chain, *data(), [300])()
    means = chain.sample(400, 1, torch.Generator().manual_seed(0)).flatten(1).mean(1)
    assert 0.3 < float((means > 0).double().mean()) < 0.7
    assert float(((means.abs() - 0.5).abs() < 0.3).double().mean()) > 0.8


@pytest.mark.parametrize("option", [{"widths": (8,)}, {"widths": ()}, {"k": 0}, {"batch_size": 0}, {"loss": "l2"}])
def test_a_wrong_option_is_one_line_with_the_allowed_values(option):
    with pytest.raises(ValueError, match="allowed"):
        build(**option)
