"""Stacked denoising auto-encoders: corruption, targets of each stage, and sampling."""

import pytest
import torch
from torch.nn import functional as F

from paradigms.base import Batch
from paradigms.parts.losses.corruption import KINDS, Corruption
from paradigms.parts.rbm.binary_units import cross_entropy
from paradigms.sdae import SDAE, DenoisingLayer
from tests.paradigms.solving import solve

SHAPE, N_CLASSES = (1, 4, 4), 3


def build(**options) -> SDAE:
    torch.manual_seed(0)
    return SDAE(SHAPE, N_CLASSES, **{"widths": (12, 10), **options}).eval()


def data(n: int = 60) -> Batch:
    generator = torch.Generator().manual_seed(1)
    return Batch(2 * torch.rand(n, *SHAPE, generator=generator) - 1, torch.arange(n) % N_CLASSES)


def draw(sdae: SDAE, nfe: int = 3, seed: int = 0, n: int = 9) -> torch.Tensor:
    return sdae.sample(n, nfe, torch.Generator().manual_seed(seed))


def test_masking_sets_its_share_of_units_to_zero_and_does_not_rescale_the_others():
    torch.manual_seed(0)
    v = 0.1 + 0.9 * torch.rand(400, 100)
    masked = Corruption("masking", 0.3)(v)
    kept = masked != 0
    assert torch.equal(masked[kept], v[kept])
    assert abs(1 - kept.float().mean() - 0.3) < 0.012  # 40,000 coins: sd 0.0023, five sd
    assert kept.float().mean(0).std() < 0.04  # each unit on its own: sd sqrt(0.21 / 400) = 0.023


@pytest.mark.parametrize("kind", KINDS)
def test_corruption_level_zero_is_the_identity(kind):
    v = torch.rand(5, 7)
    assert torch.equal(Corruption(kind, 0.0)(v), v)


def test_salt_and_pepper_sets_its_share_of_units_to_zero_or_one_equally_often():
    torch.manual_seed(0)
    v = 0.1 + 0.8 * torch.rand(400, 100)
    noisy = Corruption("salt-and-pepper", 0.3)(v)
    salt, pepper = (noisy == 1).float().mean(), (noisy == 0).float().mean()
    assert salt == pytest.approx(0.15, abs=0.009) and pepper == pytest.approx(0.15, abs=0.009)  # 40,000 coins: five sd
    untouched = (noisy > 0) & (noisy < 1)
    assert torch.equal(noisy[untouched], v[untouched])


def test_gaussian_corruption_has_the_level_as_its_standard_deviation():
    torch.manual_seed(0)
    noise = Corruption("gaussian", 0.3)(torch.full((400, 100), 0.5)) - 0.5
    assert float(noise.std()) == pytest.approx(0.3, abs=0.006) and abs(float(noise.mean())) < 0.008  # five sd


@pytest.mark.parametrize("planted", [False, True])
def test_the_correction_of_a_denoiser_is_the_score_times_the_variance_of_its_noise(planted):
    """Alain & Bengio, JMLR 15, 2014; exact for the noisy density (Tweedie). Planted fault: the target is noisy too."""
    torch.manual_seed(0)
    sigma, spread = 0.1, 0.15  # of units in [0, 1] around 0.5
    layer, noise = DenoisingLayer(1, 64).double(), Corruption("gaussian", sigma)
    optimizer = torch.optim.Adam(layer.parameters(), lr=1e-2)
    for _ in range(600):
        clean = 0.5 + spread * torch.randn(1024, 1, dtype=torch.float64)
        noisy = noise(clean)
        optimizer.zero_grad()
        cross_entropy(layer.decode(layer.encode(noisy)), noisy if planted else clean).backward()
        optimizer.step()
    x = 0.5 + torch.linspace(-0.25, 0.25, 11, dtype=torch.float64)[:, None]
    score = -(x - 0.5) / (spread**2 + sigma**2)
    added = torch.sigmoid(layer.decode(layer.encode(x))) - x
    error = (added - sigma**2 * score).abs().max() / (sigma**2 * score).abs().max()
    assert (error < 0.2) != planted  # a layer of 64 sigmoids, 600 updates; a target with noise gives 1


def test_corruption_happens_in_eval_mode_too():
    assert (Corruption("masking", 0.5)(torch.ones(100, 100)) == 0).any()
    sdae = build(chain_corruption_level=0.5)
    assert not torch.equal(sdae.chain(torch.ones(4, 16)), sdae.chain(torch.ones(4, 16)))


def test_loss_is_the_cross_entropy_summed_over_units():
    logits, clean = torch.randn(6, 5), torch.rand(6, 5)
    r = logits.sigmoid()
    expected = -(clean * r.log() + (1 - clean) * (1 - r).log()).sum(1).mean()
    torch.testing.assert_close(cross_entropy(logits, clean), expected)


@pytest.mark.parametrize("depth", [0, 1])
def test_the_target_of_every_layer_is_clean_and_so_are_the_codes_below_it(depth):
    sdae, batch = build(corruption_level=0.6), data()
    clean = (batch.x.flatten(1) + 1) / 2
    for layer in sdae.stack.layers[:depth]:
        clean = torch.sigmoid(clean @ layer.W + layer.hbias)
    layer = sdae.stack.layers[depth]
    torch.manual_seed(5)
    loss = sdae.greedy_loss(depth, batch)
    torch.manual_seed(5)
    code = torch.sigmoid((clean * (torch.rand_like(clean) < 0.4)) @ layer.W + layer.hbias)
    expected = F.binary_cross_entropy(torch.sigmoid(code @ layer.W.T + layer.vbias), clean, reduction="sum") / 60
    torch.testing.assert_close(loss, expected)


def test_a_greedy_layer_sends_no_gradient_below_itself():
    sdae = build().requires_grad_(True)
    sdae.greedy_loss(1, data()).backward()
    assert sdae.stack.layers[0].W.grad is None and sdae.stack.layers[1].W.grad is not None


def test_walkback_trains_each_of_its_steps_to_reconstruct_the_data():
    sdae, batch, seen = build(walkback_steps=4), data(), []
    sdae.chain.register_forward_hook(lambda module, arguments, output: seen.append((arguments[0], output)))
    loss = sdae.chain_loss(batch)
    clean = (batch.x.flatten(1) + 1) / 2
    torch.testing.assert_close(loss, torch.stack([cross_entropy(out, clean) for _, out in seen]).mean())
    assert len(seen) == 4 and all(set(v.unique().tolist()) <= {0.0, 1.0} for v, _ in seen)


def test_the_generator_starts_as_a_copy_of_the_greedily_trained_stack():
    sdae = build()
    *greedy, chain, _ = sdae.stages()
    for stage in greedy:
        solve(sdae, stage, data())
    with torch.no_grad():
        chain.begin()
    for copied, greedily_trained in zip(sdae.chain.parameters(), sdae.stack.parameters(), strict=True):
        assert torch.equal(copied, greedily_trained)


def test_fine_tuning_leaves_generator_and_stack_bit_equal_and_trains_its_own_copy():
    sdae = build()
    *before, fine_tuning = sdae.stages()
    for stage in before:
        solve(sdae, stage, data())
    generator = {name: p.clone() for name, p in sdae.named_parameters() if not name.startswith("recogniser")}
    solve(sdae, fine_tuning, data())
    for name, value in generator.items():
        assert torch.equal(dict(sdae.named_parameters())[name], value), name
    assert not torch.equal(sdae.recogniser.layers[0].weight, sdae.stack.layers[0].W.T)


def test_one_evaluation_is_one_pass_of_the_link():
    sdae, rows = build(), []
    sdae.link().register_forward_hook(lambda module, arguments, output: rows.append(len(arguments[0])))
    draw(sdae, nfe=6, n=4)
    assert rows == [4] * 6


def test_samples_start_from_noise_and_depend_on_the_generator_alone():
    sdae = build()
    first = draw(sdae)
    sdae.observe(*data())
    torch.manual_seed(99)
    assert torch.equal(draw(sdae), first)
    assert not torch.equal(draw(sdae, seed=1), first)
    assert first.shape == (9, *SHAPE) and first.abs().max() <= 1


@pytest.mark.parametrize(
    "options",
    [
        {"widths": ()},
        {"corruption_level": 1.0},
        {"chain_corruption_level": -0.1},
        {"walkback_steps": 0},
        {"corruption": "pepper"},
        {"shares": (1.0,)},
    ],
)
def test_wrong_options_raise_one_line_that_names_them(options):
    with pytest.raises(ValueError, match=f"^{next(iter(options))} = .*allowed: [^\n]*$"):
        build(**options)
