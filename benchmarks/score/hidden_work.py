"""Whether a sampler does more work per sample than its counted evaluations (NFE) account for.

An evaluation is one call of the inference link, which a hook counts. Calls that go around the hook, and a chain that
runs inside one call of the link, are not counted. Two ratios show them; both are 1 where nothing is hidden:

flops_ratio    FLOPs per sample / (NFE x FLOPs of one call of the link + FLOPs of one use of every other weight)
weight_uses    FLOPs of products with the link's weights per sample / (NFE x FLOPs of one use of every weight of it)

The other weights are those of a decoder, or of the layers below the top of a deep belief network: one use of each is
allowed per sample. One use is the largest single product with a weight. A weight and its transpose, both of which a
Gibbs sweep uses, are two weights with one use each.
"""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor, nn

from benchmarks.columns import Column
from benchmarks.flops import FLOPS_ROWS, count_flops
from benchmarks.score.nfe import count_evaluations
from paradigms.base import Paradigm

COLUMNS = [
    Column(
        "flops_ratio",
        unit="none; 1 where nothing is hidden",
        direction=None,
        meaning="FLOPs per sample over those that its counted evaluations account for. A row above 1.5 is marked "
        "with hidden evaluations.",
        formula="FLOPs per sample / (NFE x FLOPs of one call of the link + FLOPs of one use of every other weight)",
        source="defined here",
        misleads="It does not see a chain inside one call of the link; see `weight_uses`. Several copies of a network, "
        "each used once, count as parts of a decoder.",
        also=("link_flops",),
    ),
    Column(
        "weight_uses",
        unit="uses per evaluation; 1 where nothing is hidden",
        direction=None,
        meaning="How often a counted evaluation uses the weights of the link, inside or outside its calls. A row above "
        "1.5 is marked with hidden evaluations.",
        formula="FLOPs of products with the link's weights per sample / (NFE x FLOPs of one use of every weight)",
        source="defined here",
        misleads="A recurrent network that applies most of its weights several times is marked too. Products with "
        "copies of the weights are not seen; see `flops_ratio`. A known way to fool both is a chain inside one call of "
        "the link that clones the weights there; only the time per sample shows it.",
    ),
]
FIELDS = ("link_flops", "flops_ratio", "weight_uses")


class _Work:
    """FLOPs of a chain: of all products, of those within calls of the link, and of each weight (one entry per use)."""

    def __init__(self, paradigm: Paradigm, link: nn.Module):
        self.all = self.within = self.open_calls = 0
        self.link_uses, self.other_uses = defaultdict(list), defaultdict(list)
        self.owned = {p.untyped_storage().data_ptr(): self.other_uses for p in paradigm.parameters()}
        self.owned |= {p.untyped_storage().data_ptr(): self.link_uses for p in link.parameters()}

    def add(self, tensors: list[Tensor], flops: int) -> None:
        """Book one product of `tensors`, under the largest weight among them: biases enter the same operations."""
        self.all += flops
        self.within += flops if self.open_calls else 0
        weights = [tensor for tensor in tensors if tensor.untyped_storage().data_ptr() in self.owned]
        if weights:
            weight = max(weights, key=Tensor.numel)
            storage = weight.untyped_storage().data_ptr()
            as_read = storage, weight.storage_offset(), tuple(weight.shape), weight.stride()
            self.owned[storage][as_read].append(flops)

    def begin(self, *_: object) -> None:
        self.open_calls += 1

    def end(self, *_: object) -> None:
        self.open_calls -= 1


@torch.no_grad()
def hidden_work(paradigm: Paradigm, nfe: int, sampler: str) -> dict[str, float | None]:
    """Returns link_flops (of one call, per sample), flops_ratio and weight_uses of a chain, from a few samples.

    A field is None where no call of the link was counted, or where it executes no product.
    """
    link, generator = paradigm.link(), torch.Generator(paradigm.device).manual_seed(0)
    work = _Work(paradigm, link)
    handles = [link.register_forward_pre_hook(work.begin), link.register_forward_hook(work.end)]
    try:
        with count_evaluations(link) as counter:
            count_flops(lambda: paradigm.sample(FLOPS_ROWS, nfe, generator, sampler), watch=work.add)
    finally:
        for handle in handles:
            handle.remove()
    used, once = sum(map(sum, work.link_uses.values())), _once(work.link_uses) * counter.rows / FLOPS_ROWS
    return {
        "link_flops": work.within / counter.rows if counter.rows else None,
        "flops_ratio": work.all / (work.within + _once(work.other_uses)) if work.within else None,
        "weight_uses": used / once if once else None,
    }


def _once(uses: dict[tuple, list[int]]) -> int:
    return sum(max(flops) for flops in uses.values())
