"""Drifting as a paradigm: one step, trained through its own samples against the training split."""

import pytest
import torch

from benchmarks.fit import Fit
from paradigms.base import Batch
from paradigms.drifting import Drifting
from paradigms.parts.losses.drift import drifting_loss

SHAPE = (1, 2, 2)


def build(**options) -> Drifting:
    torch.manual_seed(0)
    model = Drifting(SHAPE, 2, **{"backbone": "mlp", "width": 32, **options})
    model.observe(*data())
    return model


def data(n: int = 200) -> Batch:
    """Two kinds of images: all dark, all bright."""
    label = torch.arange(n) % 2
    noise = 0.1 * torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(1))
    return Batch((noise + 1.0 * label[:, None, None, None] - 0.5).clamp(-1, 1), label)


def test_the_loss_is_that_of_one_step_from_noise_against_the_training_split():
    model, batch = build(), data(16)
    torch.nn.init.normal_(model.net.leave.weight, std=0.3)
    torch.manual_seed(3)
    loss = model.loss(batch)
    torch.manual_seed(3)
    eps = torch.randn_like(batch.x)
    g = eps - model.net(eps, torch.ones(16), torch.zeros(16))
    torch.testing.assert_close(loss, drifting_loss(g.flatten(1), data().x.flatten(1), (0.02, 0.05, 0.2)))


def test_it_samples_in_the_one_step_that_it_trains_and_in_no_other_number():
    model, seen = build().eval(), []
    model.link().register_forward_hook(lambda module, given, out: seen.append((float(given[1][0]), float(given[2][0]))))
    assert model.sample(5, 1, torch.Generator().manual_seed(0)).shape == (5, *SHAPE)
    assert seen == [(1.0, 0.0)]
    assert [nfe for nfe in (1, 2, 4) if model.allows(nfe, "jump")] == [1]


def test_a_predicted_image_is_the_sample():
    model, seen = build(prediction="image").eval(), []
    torch.nn.init.normal_(model.net.net.leave.weight, std=0.01)
    model.net.net.register_forward_hook(lambda module, given, out: seen.append(out))
    torch.testing.assert_close(model.sample(5, 1, torch.Generator().manual_seed(0)), seen[0])
    assert seen[0].abs().max() > 1e-3


def test_a_few_hundred_updates_find_both_kinds_of_images():
    model = build(lr_adam=5e-3)
    Fit(model, *data(), [400])()
    x = model.sample(500, 1, torch.Generator().manual_seed(0)).mean((1, 2, 3))
    assert 0.25 < float((x > 0).float().mean()) < 0.75
    assert float(x.abs().sub(0.5).abs().median()) < 0.15  # the two kinds are at 0.5 and -0.5


@pytest.mark.parametrize(
    "options", [{"scales": ()}, {"scales": (0.1, 0.0)}, {"batch_size": 0}, {"prediction": "noise"}]
)
def test_wrong_options_raise_one_line_that_names_them(options):
    with pytest.raises(ValueError, match=f"^{next(iter(options))} = .*allowed: [^\n]*$"):
        build(**options)
