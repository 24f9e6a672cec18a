"""Up-down against the updates of the paper's appendix B, and against the exact likelihood of toy data."""

import pytest
import torch
from torch.nn import functional as F

from paradigms.base import Batch
from paradigms.dbn import DBN
from paradigms.parts.rbm import up_down
from paradigms.parts.rbm.rbm import RBM
from paradigms.parts.rbm.stack_likelihood import exact_log_likelihood
from paradigms.parts.rbm.up_down import untie, untied, up_down_loss
from tests.paradigms.solving import solve

SHAPE, N_CLASSES = (1, 2, 4), 2


def stack() -> tuple[list[RBM], torch.nn.ModuleList, RBM]:
    torch.manual_seed(0)
    rbms, top = [RBM(8, 6).double(), RBM(6, 5).double()], RBM(5, 4, n_labels=2).double()
    for part in (*rbms, top):
        for parameter in part.parameters():
            parameter.data = torch.randn_like(parameter)
    down = untied(rbms).double()
    untie(rbms, down)
    return rbms, down, top


def test_untied_weights_start_as_copies_of_those_of_the_rbms():
    rbms, down, _ = stack()
    h = torch.rand(3, 6, dtype=torch.float64)
    assert torch.equal(down[0].v_given_h(h), rbms[0].v_given_h(h))
    down[0].W.data.zero_()
    assert rbms[0].W.any()


def test_the_gradient_of_up_down_is_the_update_of_the_paper(monkeypatch):
    rbms, down, top = stack()
    kept = {"up": [], "down": []}

    def remember(draw, where):
        def drawn(*args):
            kept[where].append(draw(*args))
            return kept[where][-1]

        return drawn

    monkeypatch.setattr(up_down, "bernoulli", remember(up_down.bernoulli, "up"))
    monkeypatch.setattr(up_down, "gibbs", remember(up_down.gibbs, "top"))
    kept["top"] = []
    for layer in down:
        layer.sample_v = remember(layer.sample_v, "down")
    v, label = torch.randint(2, (30, 8)).double(), F.one_hot(torch.arange(30) % 2, 2).double()
    up_down_loss(rbms, down, top, v, label, 3).backward()
    wake = [v, *kept["up"]]
    sleep = [*reversed(kept["down"]), kept["top"][0].v[:, :5]]
    for depth, (rbm, layer) in enumerate(zip(rbms, down, strict=True)):
        error = wake[depth] - layer.v_given_h(wake[depth + 1])  # wake: generative weights
        torch.testing.assert_close(-layer.W.grad, error.T @ wake[depth + 1] / 30)
        torch.testing.assert_close(-layer.vbias.grad, error.mean(0))
        error = sleep[depth + 1] - rbm.h_given_v(sleep[depth])  # sleep: recognition weights
        torch.testing.assert_close(-rbm.W.grad, sleep[depth].T @ error / 30)
        torch.testing.assert_close(-rbm.hbias.grad, error.mean(0))
        assert rbm.vbias.grad is None
    data, model = torch.cat([wake[2], label], 1), kept["top"][0]
    dW = (data.T @ top.h_given_v(data) - model.v.T @ top.h_given_v(model.v)) / 30
    torch.testing.assert_close(-top.W.grad, dW)


def toy() -> tuple[torch.Tensor, torch.Tensor]:
    """One pattern per label, with a tenth of the pixels flipped."""
    torch.manual_seed(3)
    label = torch.arange(400) % 2
    pattern = torch.tensor([[1.0, 1, 1, 1, -1, -1, -1, -1], [1, -1, 1, -1, 1, -1, 1, -1]])[label]
    return torch.where(torch.rand(400, 8) < 0.1, -pattern, pattern).view(-1, *SHAPE), label


# Without label units greedy training leaves 0.15 nats to gain, with them more.
@pytest.mark.parametrize(("labels", "nats"), [("clamped", 0.1), ("none", 0.03)])
def test_up_down_raises_the_exact_likelihood_of_toy_data_after_greedy_training(labels, nats):
    x, label = toy()
    torch.manual_seed(4)
    dbn = DBN(SHAPE, N_CLASSES, widths=(6, 4), labels=labels, shares=(0.3, 0.3, 0.4, 0.0), n_chains=100)
    dbn.observe(x, label)
    *greedy, last = dbn.stages()
    assert last.name == "up-down"
    for stage in greedy:
        solve(dbn, stage, Batch(x, label), 60)
    untie(dbn.rbms, dbn.down)
    v = (x.flatten(1).double() + 1) / 2
    before = exact_log_likelihood(dbn.double().down, dbn.top, v).mean()
    solve(dbn.float(), last, Batch(x, label), 400)
    after = exact_log_likelihood(dbn.double().down, dbn.top, v).mean()
    assert after > before + nats, f"{before} -> {after} nats"


@pytest.mark.parametrize("shares", [(0.3, 0.3, 0.4, 0.0), (0.5, 0.5, 0.0, 0.0)])
def test_classes_are_those_of_the_lowest_free_energy(shares):
    x, label = toy()
    torch.manual_seed(5)
    dbn = DBN(SHAPE, N_CLASSES, widths=(6, 8), recognition="free energy", shares=shares, n_chains=100)
    dbn.observe(x, label)
    for stage in dbn.stages():
        solve(dbn, stage, Batch(x, label), 200)
    assert (dbn.logits(x).argmax(1) == label).float().mean() > 0.9
    units = dbn.rbms.means((x.flatten(1) + 1) / 2)
    each = [dbn.top.free_energy(torch.cat([units, F.one_hot(label * 0 + k, 2).float()], 1)) for k in (0, 1)]
    torch.testing.assert_close(dbn.logits(x), -torch.stack(each, 1))
    assert dbn.features(x).shape == (400, 8)
