"""The contract of every paradigm, as checks that take its class; the tests run them over all classes that are found."""

import contextlib
import copy
import functools
import inspect
from dataclasses import replace
from unittest.mock import patch

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.fit import Fit
from benchmarks.score.nfe import count_evaluations
from paradigms.base import Batch

SHAPE, N_CLASSES, N_ROWS = (1, 8, 8), 10, 48
N_UPDATES = 4  # a zero output layer hides the layers before it from the first update


def images() -> Batch:
    """Random images and labels; a contract is about shapes and about what is trained, not about quality."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(N_ROWS, *SHAPE, generator=generator) * 2 - 1
    return Batch(x, torch.randint(N_CLASSES, (N_ROWS,), generator=generator))


def build(cls):
    torch.manual_seed(0)
    paradigm = cls(SHAPE, N_CLASSES)
    paradigm.seed = 7
    paradigm.observe(*images())
    return paradigm.eval()


def trained(cls, **settings):
    paradigm = build(cls)
    Fit(paradigm, *images(), [N_UPDATES] * len(paradigm.stages()), **settings)()
    return paradigm


@functools.cache
def trained_once(cls):
    """The trained paradigm that checks share, which only draw from it and classify with it."""
    return trained(cls)


def draw(paradigm, n=5, nfe=None, seed=0, sampler=None):
    sampler = sampler or paradigm.samplers[0]
    nfe = nfe or next(k for k in range(1, 100) if paradigm.allows(k, sampler))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        return paradigm.sample(n, nfe, generator, sampler)


def check_options(cls):
    """Options are keyword-only and have defaults, so a preset can name any of them and none is needed."""
    for name, parameter in list(inspect.signature(cls).parameters.items())[2:]:
        assert parameter.kind is parameter.KEYWORD_ONLY, name
        assert parameter.default is not parameter.empty, name


def check_stages(cls):
    """Each stage trains exactly the declared parameters, every one of them, and its loss is a finite scalar.

    Teachers, which `after_update` moves, stay where they are for this check.
    """
    paradigm, batch = build(cls), images()
    stages = paradigm.stages()
    assert stages and len({stage.name for stage in stages}) == len(stages)
    for stage in (replace(stage, after_update=None) for stage in stages):
        paradigm.enter(stage, N_UPDATES)
        with torch.no_grad():
            stage.begin()
        before = copy.deepcopy(dict(paradigm.named_parameters()))
        optimizer = paradigm.configure_optimizers()
        for _ in range(N_UPDATES):
            loss = paradigm.update_once(batch, optimizer)
            assert loss.shape == () and torch.isfinite(loss), stage.name
        declared = {id(parameter) for parameter in stage.trained}
        trained = {name for name, p in paradigm.named_parameters() if not torch.equal(p, before[name])}
        expected = {name for name, p in paradigm.named_parameters() if id(p) in declared}
        assert trained == expected, (stage.name, trained ^ expected)
        paradigm.leave()


def check_nothing_is_left_out(cls):
    """Every parameter is trained or moved by some stage, apart from those that are constants from the start."""
    started = {name: p for name, p in build(cls).named_parameters() if p.requires_grad}
    ended = dict(trained_once(cls).named_parameters())
    left_out = [name for name, parameter in started.items() if torch.equal(parameter, ended[name])]
    assert not left_out, f"no stage trains {left_out}; what is constant has requires_grad_(False) in __init__"


def check_players(cls):
    """In its turn a player changes its own parameters alone, and no other one's receive a gradient."""
    paradigm, batch = build(cls), images()
    for stage in (stage for stage in paradigm.stages() if stage.rivals):
        assert len({id(p) for p in stage.trained}) == len(stage.trained), f"{stage.name}: a parameter has two players"
        paradigm.enter(stage, N_UPDATES)
        with torch.no_grad():
            stage.begin()
        for _ in range(N_UPDATES):
            for number, optimizer in enumerate(paradigm.configure_optimizers()):
                own = {id(parameter) for parameter in stage.players[number].parameters}
                others = {name: p for name, p in paradigm.named_parameters() if id(p) not in own}
                before = {name: p.detach().clone() for name, p in others.items()}
                paradigm.zero_grad(set_to_none=True)
                paradigm.take_turn(number, batch, optimizer)
                for name, parameter in others.items():
                    assert parameter.grad is None, f"{stage.name}, player {number}: {name} receives a gradient"
                    assert torch.equal(parameter, before[name]), f"{stage.name}, player {number}: {name} changes"
        paradigm.leave()


class OnDevice(TorchDispatchMode):
    """Refuses operations whose result is on the host, among tensors that are all on the device "meta"."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        hosts = [leaf for leaf in tree_leaves(found) if isinstance(leaf, torch.Tensor) and leaf.device.type != "meta"]
        assert not hosts, f"{function} computes on the host"
        return found


def update_without_values(paradigm, index):
    """Computes losses and gradients of the players of stage `index` on tensors without values; returns the stage.

    Raises AssertionError where the host computes, and another error where it reads a value.
    """
    stage, batch = paradigm.to("meta").stages()[index], Batch(*(part.to("meta") for part in images()))
    paradigm.enter(stage, 1)
    # The device "meta" has no autocast; where losses ask for it, it is to be off.
    with patch.object(torch, "autocast", lambda *_, **__: contextlib.nullcontext()), OnDevice():
        for number in range(len(stage.players)):
            paradigm.loss_and_gradient(batch, number)
    paradigm.leave()
    return stage


def check_steady(cls):
    """A stage that declares itself steady does nothing that a CUDA graph would freeze or cannot contain."""
    for index, stage in enumerate(build(cls).stages()):
        if stage.steady:
            update_without_values(build(cls), index)


def check_resume(cls, folder):
    """Training that dies and resumes from its checkpoint ends in the same weights, to the bit."""

    class Killed(Exception):
        pass

    n_stages = len(build(cls).stages())
    whole = trained_once(cls).state_dict()
    for stage in range(n_stages):
        path = folder / f"{stage}.pt"

        def die(index, update, stage=stage):
            if (index, update) == (stage, N_UPDATES - 1):
                raise Killed

        points = [[N_UPDATES - 2] if index == stage else [] for index in range(n_stages)]
        settings = {"checkpoint": path, "points": points, "evaluate": lambda *_: {}}
        with contextlib.suppress(Killed):
            trained(cls, progress=die, **settings)
        assert path.is_file()
        for name, value in trained(cls, **settings).state_dict().items():
            assert torch.equal(value, whole[name]), (stage, name)


def check_samples(cls):
    """Shape, range, seed, and the number of evaluations that a hook on the link counts."""
    paradigm = trained_once(cls)
    for sampler in paradigm.samplers:
        for nfe in (1, 2, 4):
            if not paradigm.allows(nfe, sampler):
                continue
            with count_evaluations(paradigm.link()) as counter:
                x = draw(paradigm, nfe=nfe, sampler=sampler)
            assert x.shape == (5, *SHAPE) and x.dtype == torch.float32
            assert torch.isfinite(x).all() and x.min() >= -1 and x.max() <= 1
            assert counter.rows == 5 * nfe, (sampler, nfe)
            assert torch.equal(x, draw(paradigm, nfe=nfe, sampler=sampler))
            assert not torch.equal(x, draw(paradigm, nfe=nfe, seed=1, sampler=sampler))
    torch.manual_seed(1)
    first = draw(paradigm)
    torch.manual_seed(2)
    assert torch.equal(first, draw(paradigm)), "sampling draws from the global generator"


def check_labels(cls):
    """Images drawn with their labels are those drawn without, and the labels are classes."""
    if not cls.can("sample_labelled"):
        return
    paradigm = trained_once(cls)
    sampler = paradigm.samplers[0]
    nfe = next(k for k in range(1, 100) if paradigm.allows(k, sampler))
    x, label = paradigm.sample_labelled(5, nfe, torch.Generator().manual_seed(0), sampler)
    assert torch.equal(x, draw(paradigm, 5, nfe, sampler=sampler))
    given = torch.arange(5) % N_CLASSES
    if label is None:
        with pytest.raises(ValueError, match="not conditioned"):
            paradigm.sample_labelled(5, nfe, torch.Generator().manual_seed(0), sampler, given)
    else:
        _, found = paradigm.sample_labelled(5, nfe, torch.Generator().manual_seed(0), sampler, given)
        assert torch.equal(found, given)
    assert label is None or (label.shape == (5,) and label.dtype == torch.int64)
    assert label is None or (label.min() >= 0 and label.max() < N_CLASSES)


def check_recognition(cls):
    """One logit per class and one row per image, independent of the other images."""
    paradigm, x = trained_once(cls), images().x
    abilities = [ability for ability in ("logits", "features") if paradigm.can(ability)]
    with torch.no_grad():
        for ability in abilities:
            out = getattr(paradigm, ability)(x)
            assert out.shape[0] == len(x) and out.dim() == 2 and torch.isfinite(out).all()
            assert torch.allclose(out[:3], getattr(paradigm, ability)(x[:3]), atol=1e-5)
        assert "logits" not in abilities or paradigm.logits(x).shape[1] == N_CLASSES


def check_state_dict(cls):
    """A fresh instance that loads the state dict draws and classifies alike."""
    paradigm = trained_once(cls)
    twin = cls(SHAPE, N_CLASSES).eval()
    twin.load_state_dict(paradigm.state_dict())
    if paradigm.can("sample"):
        assert torch.equal(draw(paradigm), draw(twin))
    if paradigm.can("logits"):
        with torch.no_grad():
            assert torch.equal(paradigm.logits(images().x), twin.logits(images().x))


CHECKS = (
    check_options,
    check_stages,
    check_nothing_is_left_out,
    check_players,
    check_steady,
    check_samples,
    check_labels,
    check_recognition,
    check_state_dict,
)
