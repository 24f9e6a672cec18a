"""Logits and features of images by a trained paradigm, in batches."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.data.pixels import to_float
from paradigms.base import Paradigm


@torch.no_grad()
def outputs(paradigm: Paradigm, ability: str, images: Tensor, batch: int = 256) -> Tensor:
    """Returns the logits or features of images, (N, D), on the CPU.

    paradigm: in eval mode.
    ability: "logits" or "features".
    images: uint8, (N, C, H, W).
    batch: images per call.
    """
    compute = getattr(paradigm, ability)
    return torch.cat([compute(to_float(x.to(paradigm.device))).cpu() for x in images.split(batch)])
