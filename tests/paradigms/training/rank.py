"""One of two processes that train paradigms together, and once more alone: `python -m` with rank, store and cases.

Prints, as JSON, by the name of a case: the largest differences of losses, weights and images, or why it is refused.
"""

import json
import sys
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


def differences(name, options, ranks):
    losses, state = train(name, options, Ranks())
    try:
        split_losses, split_state = train(name, options, ranks)
    except BadInput as error:
        return {"refused": str(error)}
    apart = [abs(a - b) for a, b in zip(losses, split_losses, strict=True)]
    return {"losses": max(apart), "weights": max(float((split_state[k] - v).abs().max()) for k, v in state.items())}


def sampled(name, ranks):
    """The largest difference between images that both ranks draw and one draws; None where it does not sample."""
    paradigm = build(paradigms.load(name))
    if not paradigm.can("sample"):
        return {}
    split, alone, sampler = SplitSampling(paradigm, ranks), SplitSampling(paradigm, Ranks()), paradigm.samplers[0]
    nfe = next(k for k in (4, 2, 1) if paradigm.allows(k, sampler))
    drawn = [one.samples(7, nfe, torch.Generator().manual_seed(1), sampler) for one in (split, alone)]
    assert split.can_split[sampler, nfe] and drawn[0].rows == drawn[1].rows
    return {"images": float((drawn[0].x - drawn[1].x).abs().max())}


def main(rank, store, cases):
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    found = {}
    with patch.object(flow, "REFERENCE_ROWS", REFERENCE_ROWS):
        for case, (name, options) in cases.items():
            found[case] = differences(name, options, Ranks(rank, 2))
            found[case] |= {} if options else sampled(name, Ranks(rank, 2))
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))
