"""Blocks: which one computes which time, what their local losses train, and that their chain is the sampler."""

import pytest
import torch

from paradigms import load
from paradigms.base import Batch
from paradigms.parts.flow import samplers
from paradigms.parts.flow.flow import over_image
from tests.paradigms.solving import slopes, solve

SHAPE = (1, 2, 2)


def build(**options):
    torch.manual_seed(0)
    model = load("blockwise")(SHAPE, 2, **{"backbone": "mlp", "width": 32} | options)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    model.observe(*data())
    return model


def data(n=64):
    generator = torch.Generator().manual_seed(0)
    return Batch(torch.randn(n, *SHAPE, generator=generator).clamp(-1, 1), torch.arange(n) % 2)


def asked(model):
    """Hooks that record which block computes which times."""
    seen = []
    for b, block in enumerate(model.net.blocks):
        block.register_forward_hook(lambda module, given, out, b=b: seen.append((b, given[1])))
    return seen


class OfTwoImages(torch.nn.Module):
    """The velocity of data at m and -m, where E[x | x_t] = m tanh((1 - t) m.x_t / t^2), and an error on top."""

    def __init__(self, m, error):
        super().__init__()
        self.m, self.error, self.given = m, error, []

    def forward(self, x_t, t, r):
        self.given.append((x_t, t))
        side = torch.tanh((1 - t) / t.square() * (self.m * x_t).sum((1, 2, 3)))
        return (x_t - over_image(side, x_t) * self.m) / over_image(t, x_t) + self.error


@pytest.mark.parametrize("n_blocks", [1, 3, 4, 7])
def test_a_chain_of_one_or_two_steps_per_block_uses_each_block_in_its_range(n_blocks):
    model = build(n_blocks=n_blocks)
    for per_block in (1, 2):
        seen = asked(model)
        model.sample(3, per_block * n_blocks, torch.Generator().manual_seed(0))
        assert [b for b, _ in seen] == [b for b in reversed(range(n_blocks)) for _ in range(per_block)]
    assert [nfe for nfe in range(1, 9) if model.allows(nfe, "euler")] == list(range(n_blocks, 9, n_blocks))


def test_a_local_loss_draws_times_of_its_block_and_gives_gradient_to_no_other():
    model = build(n_blocks=4)
    for b, stage in enumerate(model.stages()):
        seen = asked(model)
        model.zero_grad()
        stage.loss(data(500)).backward()
        t = torch.cat([times for _, times in seen])
        assert {block for block, _ in seen} == {b} and t.min() > b / 4 and t.max() <= (b + 1) / 4
        assert float(t.max() - t.min()) > 0.24
        with_gradient = {
            i for i, block in enumerate(model.net.blocks) for p in block.parameters() if p.grad is not None
        }
        assert with_gradient == {b}


@pytest.mark.parametrize("error", [0.0, 0.5])
def test_a_local_loss_is_the_squared_error_of_the_velocity_at_noised_images_of_its_times(error):
    """Noise and times are read off the points that a block is given: standard normal, and uniform in its range."""
    model, m = build(n_blocks=3).double(), torch.tensor([[[0.5, -0.8], [0.3, 0.9]]], dtype=torch.float64)
    both, label = torch.stack([-m, m]), torch.arange(2000) % 2
    batch = Batch(both[label], label)
    model.observe(both, torch.arange(2))
    model.net.blocks = torch.nn.ModuleList(OfTwoImages(m, error) for _ in range(3))
    for b, stage in enumerate(model.stages()):
        torch.testing.assert_close(float(stage.loss(batch)), error**2, atol=1e-12, rtol=1e-9)
        ((x_t, t),) = model.net.blocks[b].given
        within = (3 * t - b).sort().values
        assert float((within - torch.arange(2000) / 2000).abs().max()) < 0.04  # Kolmogorov's distance, 0.03 at 95 %
        s = over_image(t, x_t)
        eps = (x_t - (1 - s) * batch.x) / s
        assert abs(float(eps.mean())) < 0.04 and float(eps.std()) == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize("n_blocks", [1, 3, 7])
def test_the_sampler_uses_the_block_that_was_trained_at_the_time(n_blocks):
    model = build(n_blocks=n_blocks)
    seen = asked(model)
    for b, stage in enumerate(model.stages()):
        seen.clear()
        stage.loss(data())
        ((_, times),) = seen
        for t in times[(n_blocks * times - b) > 1e-3][:20]:  # the last step of a block may end a rounding error below
            seen.clear()
            model.net(torch.zeros(1, *SHAPE), t.view(1), t.view(1))
            assert [block for block, _ in seen] == [b]


def test_a_local_stage_has_the_parameters_of_its_block_and_changes_it_alone():
    for b in range(3):
        model = build(n_blocks=3)
        assert list(map(id, model.stages()[b].trained)) == list(map(id, model.net.blocks[b].parameters()))
        before = [[p.clone() for p in block.parameters()] for block in model.net.blocks]
        solve(model, model.stages()[b], data(), n_updates=1)
        pairs = [zip(old, block.parameters(), strict=True) for old, block in zip(before, model.net.blocks, strict=True)]
        assert [not all(torch.equal(*pair) for pair in of_block) for of_block in pairs] == [i == b for i in range(3)]


def test_the_gradient_of_the_loss_at_the_end_equals_finite_differences_in_every_block():
    model = build(n_blocks=3, training="end-to-end", loss="energy").double()
    batch = Batch(data().x.double(), data().label)
    model.observe(*batch)

    def loss():
        torch.manual_seed(1)
        return model.chain_loss(batch)

    for block in model.net.blocks:
        found, expected = slopes(loss, block.parameters())
        assert abs(expected) > 1e-3 and found == pytest.approx(expected, rel=1e-4)


def test_the_loss_at_the_end_is_on_the_samplers_chain_and_reaches_all_blocks():
    model = build(n_blocks=4, training="end-to-end")
    model.observe(*data())
    (stage,) = model.stages()
    torch.manual_seed(1)
    loss = stage.loss(data())
    loss.backward()
    assert all(p.grad is not None and p.grad.any() for block in model.net.blocks for p in block.leave.parameters())
    torch.manual_seed(1)
    g = samplers.euler(model.net, torch.randn(64, *SHAPE), 4)
    torch.testing.assert_close(loss, model.at_end(g.flatten(1), model.real))


def test_local_stages_share_the_budget_equally():
    assert [stage.share for stage in build(n_blocks=3).stages()] == [1.0] * 3


def test_a_wrong_option_is_one_line_with_the_allowed_values():
    for option in ({"training": "both"}, {"n_blocks": 0}, {"loss": "none"}):
        with pytest.raises(ValueError, match="allowed"):
            load("blockwise")(SHAPE, 2, **option)
