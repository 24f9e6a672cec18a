"""The small generator: what it depends on, and how it fits into a one-step chain."""

import pytest
import torch

from paradigms import load
from paradigms.parts.networks.code_generator import CODE, CodeGenerator

SHAPE = (1, 12, 12)


def test_an_image_depends_on_its_code_and_its_class_and_on_nothing_else():
    torch.manual_seed(0)
    net, x = CodeGenerator(SHAPE, width=8, n_classes=3), torch.randn(4, *SHAPE)
    t, r, label = torch.ones(4), torch.zeros(4), torch.tensor([0, 1, 2, 0])
    image = net(x, t, r, label)
    assert image.shape == x.shape and image.abs().max() < 1
    beside = x.flatten(1).clone()
    beside[:, CODE:] = 0
    assert torch.equal(net(beside.view_as(x), r, t, label), image)
    beside[:, CODE - 1] += 1
    assert not torch.allclose(net(beside.view_as(x), t, r, label), image)
    assert not torch.allclose(net(x, t, r, label.roll(1))[:3], image[:3])


@pytest.mark.parametrize("name", ["gan", "drifting", "unrolled", "adversarial_chain", "vae"])
def test_every_one_step_paradigm_can_have_it_and_its_samples_are_its_images(name):
    torch.manual_seed(0)
    options = {"k": 1} if name in ("unrolled", "adversarial_chain") else {}
    model, seen = load(name)((1, 8, 8), 10, backbone="code", **options).eval(), []
    (net,) = (module for module in model.modules() if isinstance(module, CodeGenerator))
    net.register_forward_hook(lambda module, given, out: seen.append(out))
    x = model.sample(5, 1, torch.Generator().manual_seed(0), model.samplers[0])
    torch.testing.assert_close(x, seen[0])


def test_sides_that_4_does_not_divide_are_refused():
    with pytest.raises(ValueError, match="6 x 8; allowed"):
        CodeGenerator((1, 6, 8))
