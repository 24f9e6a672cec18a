"""One of two processes that train paradigms together; each of them trains half of them alone, too.

`answer` gives, by the name of a case: why it is refused, or of the cases that this process has trained alone the
largest differences of losses, weights and images.
"""

from unittest.mock import patch

import torch

import paradigms
from benchmarks.errors import BadInput
from benchmarks.fit import Fit
from benchmarks.score.split_sampling import SplitSampling
from paradigms.parts.flow import flow
from paradigms.training.ranks import Ranks
from tests.paradigms.contract import N_CLASSES, SHAPE, build

N_UPDATES, N_IMAGES = 3, 96
REFERENCE_ROWS = 70  # more than a batch of 64 and fewer than there are images, so that a part of them is drawn


def train(name, options, ranks):
    """The loss of every update and the trained state, in float64, which shows a wrong factor and no rounding."""
    torch.manual_seed(0)
    paradigm = paradigms.load(name)(SHAPE, N_CLASSES, **options)
    paradigm.seed, paradigm.ranks = 7, ranks
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(N_IMAGES, *SHAPE, generator=generator, dtype=torch.float64) * 2 - 1
    label = torch.randint(N_CLASSES, (N_IMAGES,), generator=generator)
    paradigm.double().observe(x, label)
    reports = Fit(paradigm, x, label, [N_UPDATES] * len(paradigm.stages()))()
    losses = [loss for report in reports for _, loss in report["loss_curve"]]
    assert len(losses) == N_UPDATES * len(reports)
    return losses, {key: value.double() for key, value in paradigm.state_dict().items() if value.numel()}


def together(name, options, ranks, alone):
    """How far losses and weights are from those of `alone`, a training by one process, or why it is refused.

    alone: None where the other process has it; then nothing is compared.
    """
    try:
        losses, state = train(name, options, ranks)
    except BadInput as error:
        return {"refused": str(error)}
    if alone is None:
        return {}
    apart = [abs(a - b) for a, b in zip(alone[0], losses, strict=True)]
    return {"losses": max(apart), "weights": max(float((state[k] - v).abs().max()) for k, v in alone[1].items())}


def sampled(name, ranks, compared):
    """The largest difference between images that both ranks draw and one draws; nothing where it does not sample.

    compared: whether this process draws them alone, too.
    """
    paradigm = build(paradigms.load(name))
    if not paradigm.can("sample"):
        return {}
    split, sampler = SplitSampling(paradigm, ranks), paradigm.samplers[0]
    nfe = next(k for k in (4, 2, 1) if paradigm.allows(k, sampler))
    both = split.samples(7, nfe, torch.Generator().manual_seed(1), sampler)
    assert split.can_split[sampler, nfe]
    if not compared:
        return {}
    alone = SplitSampling(paradigm, Ranks()).samples(7, nfe, torch.Generator().manual_seed(1), sampler)
    assert both.rows == alone.rows
    return {"images": float((both.x - alone.x).abs().max())}


def answer(rank, store, cases):
    torch.set_num_threads(1)
    mine = list(cases)[rank::2]
    with patch.object(flow, "REFERENCE_ROWS", REFERENCE_ROWS):
        # The processes wait for each other while they train together, and not before.
        alone = {case: train(*cases[case], Ranks()) for case in mine}
        torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
        found = {}
        for case, (name, options) in cases.items():
            found[case] = together(name, options, Ranks(rank, 2), alone.get(case))
            found[case] |= {} if options else sampled(name, Ranks(rank, 2), case in mine)
    return found
