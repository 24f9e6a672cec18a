"""GANs: what a sample is, and that a game ends at the data."""

import pytest
import torch
from torch.nn.functional import softplus

from benchmarks.fit import Fit
from paradigms import load
from paradigms.base import Batch
from paradigms.parts.flow import samplers

SHAPE = (1, 4, 4)


def data(n=256):
    """Two kinds of images: all dark, all bright."""
    label = torch.arange(n) % 2
    noise = 0.1 * torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(1))
    return Batch((noise + 1.0 * label[:, None, None, None] - 0.5).clamp(-1, 1), label)


def build(name="gan", **options):
    torch.manual_seed(0)
    model = load(name)(SHAPE, 2, **{"width": 8, "judge_width": 4} | options)
    model.observe(*data())
    return model


def test_a_step_of_the_shared_network_is_the_one_at_1_and_0():
    model, seen = build(backbone="unet"), []
    model.net.register_forward_hook(lambda module, given, out: seen.append(given))
    torch.manual_seed(1)
    g = model.draw(Batch(*(part[:3] for part in data())))
    (eps, t, r), *_ = seen
    assert (t == 1).all() and (r == 0).all()
    torch.testing.assert_close(g, eps - model.net(eps, t, r))


class Bowl(torch.nn.Module):
    """The score (1 + label) |x|^2 / 2, whose gradient is (1 + label) x."""

    def forward(self, x, label):
        return (1 + label)[:, None] * x.square().flatten(1).sum(1, keepdim=True) / 2


@pytest.mark.parametrize("name", ["gan", "adversarial_chain"])
def test_the_losses_of_both_players_are_those_of_the_equations_at_the_samplers_images(name):
    """R3GAN's equations written out for a discriminator whose gradient is known."""
    model, (x, label) = build(name, conditional=True, gamma=0.6), (part[:6] for part in data())
    for parameter in model.net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.judge = Bowl()
    found = []
    for player in model.stages()[0].players:
        torch.manual_seed(1)
        found.append(player.loss(Batch(x, label)).item())
    torch.manual_seed(1)
    sampler = samplers.SAMPLERS[model.samplers[0]]
    g = sampler(model.field(label), torch.randn_like(x), 1 if name == "gan" else model.k).detach()
    slope = (1 + label).view(-1, 1, 1, 1)
    of_real, of_samples = ((slope / 2 * images.square()).sum((1, 2, 3)) for images in (x, g))
    penalties = sum((slope * images).square().sum() / len(x) for images in (x, g))
    judge = softplus(of_samples - of_real).mean() + 0.6 / 2 * penalties
    generator = softplus(of_real - of_samples).mean()
    assert found == pytest.approx([float(judge), float(generator)], rel=1e-4)


@pytest.mark.parametrize("name", ["gan", "adversarial_chain"])
def test_the_discriminator_has_a_rate_of_its_own_and_adam_without_momentum(name):
    (stage,) = build(name, lr=1e-2, lr_judge=3e-3).stages()
    players = {3e-3: stage.rivals[0]} | ({1e-2: stage} if name == "gan" else {})
    for lr, player in players.items():
        optimizer = player.optimizer(list(player.parameters))
        assert isinstance(optimizer, torch.optim.Adam)
        assert (optimizer.defaults["lr"], optimizer.defaults["betas"]) == (lr, (0.0, 0.99))


def test_a_game_finds_both_kinds_of_images_and_their_classes():
    model = build(conditional=True)
    Fit(model, *data(), [250])()
    x, label = model.sample_labelled(400, 1, torch.Generator().manual_seed(0))
    mean = x.mean((1, 2, 3))
    assert float(((mean > 0) == label.bool()).float().mean()) > 0.95
    assert float(mean.abs().sub(0.5).abs().median()) < 0.15  # the two kinds are at 0.5 and -0.5
    asked = torch.tensor([1, 0, 0, 1])
    x, found = model.sample_labelled(4, 1, torch.Generator().manual_seed(0), label=asked)
    assert torch.equal(found, asked) and torch.equal(x.mean((1, 2, 3)) > 0, asked.bool())


def test_without_the_judges_turn_the_generator_finds_nothing():
    """The fault that the test above must see: the rival is left out."""
    model = build(conditional=True)
    (stage,) = model.stages()
    object.__setattr__(stage, "rivals", ())
    model.stages = lambda: [stage]
    Fit(model, *data(), [250])()
    mean = model.sample(400, 1, torch.Generator().manual_seed(0)).mean((1, 2, 3))
    assert float(mean.abs().sub(0.5).abs().median()) > 0.15


def test_it_samples_in_one_step():
    assert [nfe for nfe in (1, 2, 4) if build().allows(nfe, "jump")] == [1]


@pytest.mark.parametrize("option", [{"gamma": -0.1}, {"batch_size": 0}, {"judge_width": 0}, {"backbone": "tree"}])
def test_a_wrong_option_is_one_line_with_the_allowed_values(option):
    with pytest.raises(ValueError, match="allowed"):
        build(**option)
