"""Class-conditional generators: the network is conditioned on the class, the losses compare images of one class."""

import pytest
import torch

from benchmarks.fit import Fit
from paradigms import load
from paradigms.base import Batch
from paradigms.parts.networks.backbone import BACKBONES, build

SHAPE = (1, 2, 2)
CONDITIONAL = ("diffusion", "meanflow", "unrolled", "drifting", "shortcut")
QUICK = {
    "diffusion": {"nfe": 8, "updates": 150},
    "meanflow": {"nfe": 4, "updates": 150},
    "shortcut": {"nfe": 4, "updates": 150},
    "drifting": {"nfe": 1, "updates": 200},
    "unrolled": {"nfe": 2, "updates": 150},
}


def data(n: int = 200) -> Batch:
    """Two classes: all dark, all bright."""
    label = torch.arange(n) % 2
    noise = 0.1 * torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(1))
    return Batch((noise + 1.0 * label[:, None, None, None] - 0.5).clamp(-1, 1), label)


def paradigm(name: str, **options):
    torch.manual_seed(0)
    options = {"backbone": "mlp", "width": 32, "conditional": True} | ({"k": 2} if name == "unrolled" else {}) | options
    model = load(name)(SHAPE, 2, **options)
    model.observe(*data())
    return model


@pytest.mark.parametrize("name", CONDITIONAL)
def test_samples_are_of_the_requested_class(name):
    model = paradigm(name, lr_adam=5e-3)
    stages = model.stages()
    Fit(model, *data(), [QUICK[name]["updates"]] * len(stages))()
    x, label = model.eval().sample_labelled(400, QUICK[name]["nfe"], torch.Generator().manual_seed(0))
    assert 0.4 < float(label.float().mean()) < 0.6
    bright = x.mean((1, 2, 3)) > 0
    assert float((bright == label.bool()).float().mean()) > 0.9


@pytest.mark.parametrize("name", CONDITIONAL)
def test_without_classes_no_label_is_claimed(name):
    model = paradigm(name, conditional=False).eval()
    nfe = 1 if name == "drifting" else 2
    assert model.sample_labelled(4, nfe, torch.Generator().manual_seed(0))[1] is None


@pytest.mark.parametrize("backbone", sorted(BACKBONES))
def test_a_conditional_network_raises_without_labels_and_depends_on_them(backbone):
    torch.manual_seed(0)
    net = build(backbone, (1, 8, 8), n_classes=3)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    x, t = torch.randn(3, 1, 8, 8), torch.full((3,), 0.5)
    with pytest.raises(ValueError, match="label = None"):
        net(x, t, t)
    fields = [net(x, t, t, torch.full((3,), label)) for label in range(3)]
    assert not torch.allclose(fields[0], fields[1]) and not torch.allclose(fields[1], fields[2])


def test_cached_gradients_of_classes_are_those_of_the_whole_batch():
    gradients = []
    for cached_rows in (None, 3):
        model = paradigm("unrolled", cached_rows=cached_rows).double()
        for parameter in model.net.parameters():
            torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(2))
        batch = data(8)
        model.observe(data().x.double(), data().label)
        torch.manual_seed(1)
        model.loss(Batch(batch.x.double(), batch.label)).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.net.parameters()]))
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=0)
