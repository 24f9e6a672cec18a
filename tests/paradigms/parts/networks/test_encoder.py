"""The encoder whose codes a loss may compare: trained on the split alone, then frozen, and sensitive to content."""

import torch

from benchmarks.fit import Fit
from paradigms import load
from paradigms.base import Batch
from paradigms.parts.networks.encoder import Encoder


def images(n=64):
    torch.manual_seed(0)
    x = torch.full((n, 1, 8, 8), -1.0)
    label = torch.arange(n) % 2
    x[label == 0, :, 1:3] = 1.0
    x[label == 1, :, :, 5:7] = 1.0
    return Batch(x, label)


def test_denoising_makes_noise_small_in_the_codes_reconstruction():
    torch.manual_seed(0)
    encoder, batch = Encoder((1, 8, 8)), images()
    first, optimizer = None, torch.optim.Adam(encoder.parameters(), 1e-2)
    for _ in range(200):
        loss = encoder.loss(batch)
        first = first or float(loss.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(encoder.loss(batch)) < first / 5


def unrolled(**options):
    torch.manual_seed(0)
    model = load("unrolled")((1, 8, 8), 2, k=1, space="features", width=8, **options)
    model.observe(*images())
    return model


def test_the_loss_adds_the_distance_of_codes_and_trains_the_generator_alone():
    model, batch = unrolled(), images()
    stages = model.stages()
    assert [stage.name for stage in stages] == ["encoder", "unrolled"]
    assert {id(p) for p in stages[1].parameters} == {id(p) for p in model.net.parameters()}
    with torch.no_grad():
        stages[1].begin()
    g = torch.randn(8, 64)
    pixels, codes = model.losses[0](g, model.real), model.losses[1](model.codes(g), model.codes(model.real))
    torch.testing.assert_close(model.distance(g, model.real), pixels + codes)
    torch.manual_seed(1)
    model.loss(batch).backward()
    assert model.net.leave.weight.grad.abs().max() > 0


def test_codes_of_unlike_images_are_more_distant_than_those_of_noisy_copies():
    model = unrolled()
    Fit(model, *images(), [150, 1])()
    x = images().x
    codes = model.codes(torch.cat([x[:1], x[:1] + 0.2 * torch.randn_like(x[:1]), x[1:2]]).flatten(1))
    assert (codes[0] - codes[1]).norm() < (codes[0] - codes[2]).norm() / 2


def test_shares_of_all_stages_make_the_whole_budget():
    stages = unrolled().stages()
    assert [stage.name for stage in stages] == ["encoder", "unrolled"]
    assert abs(sum(stage.share for stage in stages) - 1) < 1e-9
