"""What a trained paradigm returns while it is scored, checked against the interface: a plug-in may return anything.

A wrong count, type or range would otherwise be scored without a word, as numbers of something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from benchmarks import inference
from benchmarks.errors import short
from paradigms.base import NonFinite, Paradigm

LARGEST = 1.001  # of a pixel: rounding may leave [-1, 1] by a little


class BrokenContract(ValueError):
    """A paradigm returned what the interface excludes; the message is one line that names the method and the value."""


def outputs(paradigm: Paradigm, ability: str, images: Tensor) -> Tensor:
    """Logits or features of uint8 images (N, C, H, W), as `inference.outputs`: (N, n_classes) or (N, D).

    Raises BrokenContract for another shape or type, NonFinite where one is NaN or infinite.
    """

    def checked(x: Tensor) -> Tensor:
        found = getattr(paradigm, ability)(x)
        width = paradigm.n_classes if ability == "logits" else "D"
        fits = isinstance(found, Tensor) and found.is_floating_point() and found.dim() == 2 and len(found) == len(x)
        if not fits or (ability == "logits" and found.shape[1] != width):
            raise BrokenContract(f"{ability} are {_kind(found)}; must be floating-point ({len(x)}, {width})")
        return found

    held = SimpleNamespace(device=paradigm.device, ranks=paradigm.ranks, **{ability: checked})
    return inference.outputs(held, ability, images)


def check_images(x: object, n: int, shape: Sequence[int], where: str) -> None:
    """Check what a sampler returned.

    x: the samples.
    n, shape: number of requested images, and (C, H, W) of each.
    where: sampler and number of evaluations, in words.

    Raises BrokenContract for another type, count, shape or range, NonFinite for samples that are not finite.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point() or tuple(x.shape) != (n, *shape):
        raise BrokenContract(f"samples of {where} are {_kind(x)}; must be floating-point {(n, *shape)}")
    # Rounding to uint8 would make an image of anything.
    if not torch.isfinite(x).all():
        raise NonFinite(f"samples of {where} are not finite")
    if (largest := float(x.abs().max())) > LARGEST:
        raise BrokenContract(f"samples of {where} reach {largest:.3g}, beyond 1")


def check_labels(label: object, n: int, n_classes: int, where: str) -> None:
    """Check the classes that labelled samples were requested in: None, or (n,) int64 in 0..n_classes - 1.

    Raises BrokenContract for anything else.
    """
    if label is None:
        return
    if not isinstance(label, Tensor) or label.dtype != torch.int64 or tuple(label.shape) != (n,):
        raise BrokenContract(f"labels of {where} are {_kind(label)}; must be None or int64 ({n},)")
    low, high = int(label.min()), int(label.max())
    if low < 0 or high >= n_classes:
        raise BrokenContract(f"labels of {where} are in {low}..{high}; must be in 0..{n_classes - 1}")


@contextmanager
def own_generator(where: str) -> Iterator[None]:
    """Inside, a sampler may draw from the generator that it is given and from no other.

    Raises BrokenContract where the global generator of torch or of NumPy has been drawn from: the samples would depend
    on what was drawn before.
    """
    before = torch.get_rng_state(), np.random.get_state()[1:3]
    yield
    after = torch.get_rng_state(), np.random.get_state()[1:3]
    numpy_moved = before[1][1] != after[1][1] or not np.array_equal(before[1][0], after[1][0])
    for library, moved in (("torch", not torch.equal(before[0], after[0])), ("NumPy", numpy_moved)):
        if moved:
            raise BrokenContract(f"{where} draws from the global generator of {library}; it must use its argument")


def _kind(value: object) -> str:
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else short(type(value).__name__)
