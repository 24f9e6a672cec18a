"""The variational bound against its definition, term by term."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from benchmarks.fit import Fit
from paradigms import load
from paradigms.base import Batch
from paradigms.vae import divergence
from tests.paradigms.solving import slopes
from tests.paradigms.test_gan import SHAPE, data

WIDE = (1, 8, 12)  # has more pixels than the code has numbers


def build(shape=SHAPE, **options):
    torch.manual_seed(0)
    model = load("vae")(shape, 2, **{"width": 8, "encoder_width": 4} | options)
    model.observe(*data())
    return model


def wide_images(n, dtype=torch.float32):
    return Batch(torch.randn(n, *WIDE, generator=torch.Generator().manual_seed(1)).to(dtype) / 2, torch.zeros(n))


def test_the_divergence_is_that_of_two_normal_distributions():
    torch.manual_seed(0)
    mean, log_var = torch.randn(2, 5, 3)
    expected = kl_divergence(Normal(mean, (log_var / 2).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(divergence(mean, log_var), expected)


def test_the_loss_is_minus_the_bound_of_a_decoder_with_the_best_variance():
    model, batch = build(WIDE), wide_images(32)
    torch.manual_seed(3)
    loss = model.loss(batch)
    torch.manual_seed(3)
    mean, log_var = model.encoder(batch.x).chunk(2, 1)
    decoded = model.decode(mean + (log_var / 2).exp() * torch.randn_like(mean))
    n_pixels = math.prod(WIDE)

    def bound(variance):
        likelihood = Normal(decoded, variance**0.5).log_prob(batch.x).flatten(1).sum(1)
        return float((likelihood - divergence(mean, log_var)).mean()) / n_pixels

    best = float((decoded - batch.x).detach().square().mean())
    assert float(loss) == pytest.approx(-bound(best) - 0.5 * math.log(2 * math.pi) - 0.5, abs=1e-5)
    assert bound(best) > max(bound(0.9 * best), bound(1.1 * best))


class LinearDecoder(torch.nn.Module):
    """The network whose decoder is z -> W z."""

    def __init__(self, W):
        super().__init__()
        self.W = W

    def forward(self, noise, t, r):
        return noise - (noise.flatten(1) @ self.W.T).view_as(noise)


class LinearEncoder(torch.nn.Module):
    """The posterior N(slope W' x, variance) of every number of the code, as mean and logarithm of the variance."""

    def __init__(self, W, slope, variance):
        super().__init__()
        self.W, self.slope, self.variance = W, slope, variance

    def forward(self, x):
        mean = self.slope * (x.flatten(1) @ self.W)
        return torch.cat([mean, self.variance.log().expand_as(mean)], 1)


def linear_gaussian(n=4000, s2=0.1):
    """A model whose W has orthogonal columns of squared lengths d2, so its posterior factorises, and images of it."""
    torch.manual_seed(0)
    d2 = torch.linspace(0.05, 1.5, 16, dtype=torch.float64)
    W = torch.linalg.qr(torch.randn(16, 16, dtype=torch.float64)).Q * d2.sqrt()
    x = torch.randn(n, 16, dtype=torch.float64) @ W.T + s2**0.5 * torch.randn(n, 16, dtype=torch.float64)
    model = build(backbone="mlp").double()
    model.net, model.encoder = LinearDecoder(W), LinearEncoder(W, 1 / (d2 + s2), s2 / (d2 + s2))
    return model, Batch(x.view(n, *SHAPE), torch.zeros(n)), (d2 + s2).log().mean() / 2


def test_at_the_posterior_of_a_linear_gaussian_model_the_loss_is_the_entropy_of_its_images():
    """There the bound is the log-likelihood, on average half the log determinant of the covariance but for a constant;
    every other posterior or decoder has a larger loss.
    """
    model, batch, entropy = linear_gaussian()

    def loss():
        torch.manual_seed(3)
        return float(model.loss(batch))

    least = loss()
    assert least == pytest.approx(float(entropy), abs=0.01)  # the error of a mean over 4000 images is 0.003
    for part, name in ((model.encoder, "variance"), (model.encoder, "slope"), (model.net, "W")):
        exact = getattr(part, name)
        for factor in (0.8, 1.25):
            setattr(part, name, factor * exact)
            assert loss() > least + 0.003
        setattr(part, name, exact)


def test_the_gradients_of_encoder_and_decoder_equal_finite_differences():
    model, batch = build(WIDE).double(), wide_images(16, torch.float64)

    def loss():
        torch.manual_seed(3)
        return model.loss(batch)

    for part in (model.encoder, model.net):
        found, expected = slopes(loss, part.parameters())
        assert abs(expected) > 1e-3 and found == pytest.approx(expected, rel=1e-4)


def test_the_stage_trains_encoder_and_decoder():
    model = build()
    (stage,) = model.stages()
    assert set(map(id, stage.trained)) == set(map(id, model.parameters()))


@pytest.mark.parametrize("backbone", ["code", "mlp"])
def test_the_decoder_of_the_loss_is_the_sampler(backbone):
    model = build(WIDE, backbone=backbone).eval()
    for parameter in model.net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    x = model.sample(4, 1, torch.Generator().manual_seed(0))
    noise = torch.randn(4, *WIDE, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(x, model.decode(noise.flatten(1)[:, : model.n_code]).clamp(-1, 1))


def test_a_few_hundred_updates_find_both_kinds_of_images():
    model = build()
    Fit(model, *data(), [400])()
    mean = model.sample(400, 1, torch.Generator().manual_seed(0)).mean((1, 2, 3))
    assert 0.2 < float((mean > 0).float().mean()) < 0.8
    assert float(mean.abs().sub(0.5).abs().median()) < 0.3  # of an untrained one 0.5
