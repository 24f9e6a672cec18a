"""Logits and features of images by a trained paradigm, in batches."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.data.pixels import to_float
from paradigms.base import NonFinite, Paradigm


@torch.no_grad()
def outputs(paradigm: Paradigm, ability: str, images: Tensor, batch: int = 256) -> Tensor:
    """Returns the logits or features of images, (N, D), on the CPU.

    paradigm: in eval mode; its ranks share the images, and each returns all.
    ability: "logits" or "features".
    images: uint8, (N, C, H, W).
    batch: images per call.

    Raises NonFinite where an output is NaN or infinite: it has no largest entry, and no distance to another.
    """
    compute, ranks = getattr(paradigm, ability), paradigm.ranks
    found = torch.cat([compute(to_float(x.to(paradigm.device))).cpu() for x in ranks.rows(images).split(batch)])
    if ranks.n > 1:
        found = ranks.gathered(found.to(paradigm.device), len(images)).cpu()
    n_broken = int((~found.isfinite()).flatten(1).any(1).sum())
    if n_broken:
        raise NonFinite(f"{ability} of {n_broken} of {len(images)} images are not finite")
    return found
