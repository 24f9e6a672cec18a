"""The deep auto-encoder: unrolling, its linear code, and the squared error after a few updates."""

import pytest
import torch
from torch.nn import functional as F

from paradigms.autoencoder import AutoEncoder
from paradigms.base import Batch
from tests.paradigms.solving import solve

SHAPE, N_CLASSES = (1, 4, 4), 3


def build(**options) -> AutoEncoder:
    torch.manual_seed(0)
    return AutoEncoder(SHAPE, N_CLASSES, **{"widths": (12, 8, 3), **options}).eval()


def data(n: int = 80) -> Batch:
    generator = torch.Generator().manual_seed(1)
    bars = torch.randint(0, 2, (n, 1, 4, 1), generator=generator).expand(n, 1, 4, 4)
    return Batch(2.0 * bars - 1, torch.arange(n) % N_CLASSES)


def test_the_unrolled_network_encodes_and_decodes_by_the_conditional_means_of_the_rbms():
    model, batch = build(), data()
    model.observe(*batch)
    *greedy, unrolled = model.stages()
    for stage in greedy:
        solve(model, stage, batch)
    with torch.no_grad():
        unrolled.begin()
    v = (batch.x.flatten(1) + 1) / 2
    code = model.rbms.means(v)
    torch.testing.assert_close(model.features(batch.x), code)
    for rbm in reversed(model.rbms):
        code = rbm.v_given_h(code)
    torch.testing.assert_close((model.reconstruct(batch.x).flatten(1) + 1) / 2, code)


def test_the_code_is_linear_and_every_other_layer_is_not():
    model = build()
    for layer in [*model.network.encoder, *model.network.decoder]:
        layer.weight.data.mul_(100)
    x = data().x
    assert model.features(x).abs().max() > 5
    h = torch.sigmoid(model.network.encoder[0]((x.flatten(1) + 1) / 2))
    h = torch.sigmoid(model.network.encoder[1](h))
    torch.testing.assert_close(model.features(x), model.network.encoder[2](h))


def test_the_rbm_of_the_code_has_gaussian_hidden_units_and_its_own_learning_rate():
    model = build(rates=(0.2, 0.003, 0.001))
    h = model.rbms[-1].sample_h(torch.zeros(2000, 3))
    assert abs(float(h.std()) - 1) < 0.05  # 6000 samples: sd 0.009
    rates = [stage.optimizer(list(stage.parameters)).param_groups[0]["lr"] for stage in model.stages()]
    assert rates == [0.2, 0.2, 0.003, 0.001]


def test_fine_tuning_lowers_the_squared_error_and_trains_the_whole_network():
    model, batch = build(), data()
    model.observe(*batch)
    stages = model.stages()
    for stage in stages[:-1]:
        solve(model, stage, batch, 20)
    before = F.mse_loss(model.reconstruct(batch.x), batch.x)
    held = [p.clone() for p in model.network.parameters()]
    solve(model, stages[-1], batch, 300)
    assert F.mse_loss(model.reconstruct(batch.x), batch.x) < 0.5 * before
    assert all(not torch.equal(p, q) for p, q in zip(model.network.parameters(), held, strict=True))


def test_without_a_share_for_rbms_the_network_is_trained_from_its_own_initialisation():
    model, batch = build(shares=(0.0, 1.0)), data()
    model.observe(*batch)
    assert [stage.name for stage in model.stages()] == ["unrolled"]
    held = model.network.encoder[0].weight.clone()
    with torch.no_grad():
        model.stages()[0].begin()
    assert torch.equal(model.network.encoder[0].weight, held)


def test_gelu_units_with_he_initialisation_lower_the_squared_error():
    model, batch = build(shares=(0.0, 1.0), activation="gelu", start="he"), data()
    x = batch.x
    h = F.gelu(model.network.encoder[0]((x.flatten(1) + 1) / 2))
    torch.testing.assert_close(model.features(x), model.network.encoder[2](F.gelu(model.network.encoder[1](h))))
    before = F.mse_loss(model.reconstruct(x), x)
    solve(model, model.stages()[0], batch, 300)
    assert F.mse_loss(model.reconstruct(x), x) < 0.1 * before


WRONG = [{"widths": ()}, {"start": "random"}, {"shares": (1.0,)}, {"activation": "gelu"}]


@pytest.mark.parametrize("options", WRONG)
def test_wrong_options_raise_one_line_that_names_them(options):
    with pytest.raises(ValueError, match=f"^{next(iter(options))} = .*allowed: [^\n]*$"):
        build(**options)
