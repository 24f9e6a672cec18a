"""Blocks: which one computes which time, what their local losses train, and that their chain is the sampler."""

import pytest
import torch

from paradigms import load
from paradigms.base import Batch
from paradigms.parts.flow import samplers

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


@pytest.mark.parametrize("n_blocks", [1, 3, 4])
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
