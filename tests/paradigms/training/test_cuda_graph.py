"""Stages that declare themselves steady do nothing that a CUDA graph would freeze or cannot contain."""

from dataclasses import replace

import pytest
import torch

import paradigms
from benchmarks.fit import Fit
from paradigms.training import solver
from tests.paradigms.contract import N_CLASSES, SHAPE, build, images, update_without_values

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")

VARIANTS = [
    *((name, {}) for name in paradigms.names()),
    ("dbn", {"shares": (0.1, 0.5, 0.2, 0.2), "centred": True}),
    ("dbn", {"chains": "noise", "labels": "none", "dropout": 0.5}),
    ("sdae", {"corruption": "salt-and-pepper", "walkback_steps": 2}),
    ("end_to_end", {"network": "mlp", "normalised": True}),
    ("diffusion", {"formulation": "edm"}),
    ("diffusion", {"conditional": True}),
    ("meanflow", {"derivative": "jvp"}),
    ("meanflow", {"derivative": "stream"}),
    ("meanflow", {"derivative": "difference"}),
    ("unrolled", {"k": 4, "reach": 1, "space": "features"}),
    ("unrolled", {"loss": "energy", "cached_rows": 16}),
    ("unrolled", {"loss": "drifting", "conditional": True}),
]


def made(name, options, device="cpu"):
    torch.manual_seed(0)
    paradigm = paradigms.load(name)(SHAPE, N_CLASSES, **options).to(device)
    paradigm.seed = 7
    paradigm.observe(*(part.to(device) for part in images()))
    return paradigm


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_a_steady_stage_leaves_nothing_to_the_host(name, options):
    for index in range(len(made(name, options).stages())):
        assert update_without_values(made(name, options), index).steady


def test_a_stage_that_draws_on_the_host_does_not_declare_itself_steady():
    assert not made("unrolled", {"reached": "drawn", "reach": 1}).stages()[-1].steady


def test_the_host_is_noticed():
    with pytest.raises(AssertionError, match="computes on the host"):
        update_without_values(made("unrolled", {"reached": "drawn", "reach": 1}), 0)


def test_the_loss_leaves_its_gradient_and_none_of_an_earlier_one():
    paradigm = build(paradigms.load("diffusion"))
    (stage,) = paradigm.stages()
    paradigm.enter(stage, 1)
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        loss = paradigm.loss_and_gradient(images())
        found.append((loss, [p.grad.clone() for p in stage.parameters]))
    assert not loss.requires_grad and torch.equal(found[0][0], found[1][0])
    assert all(torch.equal(a, b) for a, b in zip(found[0][1], found[1][1], strict=True))


@needs_gpu
@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_a_captured_run_is_the_run(name, options, monkeypatch):
    """Every stage for a few updates, launched one by one and captured."""
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)

    def trained(steady):
        paradigm = made(name, options, "cuda")
        stages = [replace(stage, steady=steady) for stage in paradigm.stages()]
        monkeypatch.setattr(paradigm, "stages", lambda: stages)
        Fit(paradigm, *(part.to("cuda") for part in images()), [6] * len(stages))()
        return paradigm.state_dict()

    graphs, capture = [], solver.Captured
    monkeypatch.setattr(solver, "Captured", lambda *given: graphs.append(capture(*given)) or graphs[-1])
    captured = trained(steady=True)
    assert len(graphs) == len(made(name, options).stages())
    whole = trained(steady=False)
    for key, value in whole.items():
        if value.is_floating_point():
            assert torch.allclose(captured[key], value, rtol=1e-3, atol=1e-4), key
