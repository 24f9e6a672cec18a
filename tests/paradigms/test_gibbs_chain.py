"""Gibbs chains: the network and the chain are those of a DBN, and the loss reaches every weight through every sweep."""

import pytest
import torch

from benchmarks.fit import Fit
from paradigms import load
from paradigms.base import Batch
from paradigms.gibbs_chain import straight_through

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


@pytest.mark.parametrize("nfe", [1, 3])
def test_with_equal_weights_it_samples_what_the_dbn_samples(nfe):
    chain, dbn = build(), load("dbn")(SHAPE, 2, widths=(12, 16), labels="none")
    dbn.top.load_state_dict(chain.top.state_dict())
    dbn.rbms[0].load_state_dict(chain.down[0].state_dict(), strict=False)  # the DBN also has a pass upwards
    drawn = [model.sample(50, nfe, torch.Generator().manual_seed(3)) for model in (chain, dbn)]
    torch.testing.assert_close(*drawn)


def test_straight_through_is_the_state_forward_and_the_mean_backward():
    mean = torch.tensor([0.2, 0.7], requires_grad=True)
    found = straight_through(mean, torch.tensor([1.0, 0.0]))
    assert found.tolist() == [1.0, 0.0]
    (gradient,) = torch.autograd.grad((found * torch.tensor([3.0, 5.0])).sum(), mean)
    assert gradient.tolist() == [3.0, 5.0]


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
