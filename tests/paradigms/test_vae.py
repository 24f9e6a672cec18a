"""The variational bound against its definition, term by term."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from benchmarks.fit import Fit
from paradigms import load
from paradigms.vae import divergence
from tests.paradigms.test_gan import SHAPE, data


def build(**options):
    torch.manual_seed(0)
    model = load("vae")(SHAPE, 2, **{"width": 8, "encoder_width": 4} | options)
    model.observe(*data())
    return model


def test_the_divergence_is_that_of_two_normal_distributions():
    torch.manual_seed(0)
    mean, log_var = torch.randn(2, 5, 3)
    expected = kl_divergence(Normal(mean, (log_var / 2).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(divergence(mean, log_var), expected)


def test_the_loss_is_minus_the_bound_of_a_decoder_with_the_best_variance():
    model, batch = build(), data(32)
    torch.manual_seed(3)
    loss = model.loss(batch)
    torch.manual_seed(3)
    mean, log_var = model.encoder(batch.x).chunk(2, 1)
    decoded = model.decode(mean + (log_var / 2).exp() * torch.randn_like(mean))
    n_pixels = math.prod(SHAPE)

    def bound(variance):
        likelihood = Normal(decoded, variance**0.5).log_prob(batch.x).flatten(1).sum(1)
        return float((likelihood - divergence(mean, log_var)).mean()) / n_pixels

    best = float((decoded - batch.x).detach().square().mean())
    assert float(loss) == pytest.approx(-bound(best) - 0.5 * math.log(2 * math.pi) - 0.5, abs=1e-5)
    assert bound(best) > max(bound(0.9 * best), bound(1.1 * best))


def test_the_decoder_of_the_loss_is_the_sampler():
    model = build().eval()
    x = model.sample(4, 1, torch.Generator().manual_seed(0))
    noise = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(x, model.decode(noise.flatten(1)[:, : model.n_code]))


def test_a_few_hundred_updates_find_both_kinds_of_images():
    model = build()
    Fit(model, *data(), [400])()
    mean = model.sample(400, 1, torch.Generator().manual_seed(0)).mean((1, 2, 3))
    assert 0.2 < float((mean > 0).float().mean()) < 0.8
    assert float(mean.abs().sub(0.5).abs().median()) < 0.3  # of an untrained one 0.5
