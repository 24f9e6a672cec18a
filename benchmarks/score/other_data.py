"""Other training data for a paradigm to observe, so that what follows the images can be distinguished from statistics.

Labels stay where they are, since a chain may be conditioned on the class: images are exchanged within their classes.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from paradigms.base import Batch


def halves(x: Tensor, label: Tensor) -> list[Batch]:
    """Two sets of training data as large as the given one, each made of one half of the images of each class.

    x, label: training images (N, C, H, W) and classes (N,). No image is in both sets, unless it is alone in its class;
    means and other statistics of the images change little.
    """
    rows = torch.arange(len(x), device=x.device).repeat(2, 1)
    for members in _classes(label):
        middle = len(members) // 2
        for row, part in zip(rows, (members[:middle], members[middle:]), strict=True):
            row[members] = part.repeat(3)[: len(members)] if len(part) else members
    return [Batch(x[row], label) for row in rows]


def exchanged(x: Tensor, label: Tensor) -> Batch:
    """The same images, each at the place of another one of its class: no statistic of the images changes.

    x, label: training images (N, C, H, W) and classes (N,).
    """
    rows = torch.arange(len(x), device=x.device)
    for members in _classes(label):
        rows[members] = members.roll(max(1, len(members) // 2))
    return Batch(x[rows], label)


def without(x: Tensor, label: Tensor, removed: Tensor) -> Batch:
    """The images but for a few, each of which is replaced by the nearest that remains: statistics change little.

    x, label: training images (N, C, H, W) and classes (N,). removed: numbers of images, fewer than N.
    """
    kept = torch.ones(len(x), dtype=torch.bool, device=x.device)
    kept[removed] = False
    rows, points = torch.arange(len(x), device=x.device), x.flatten(1)
    rows[removed] = kept.nonzero()[:, 0][torch.cdist(points[removed], points[kept]).argmin(1)]
    return Batch(x[rows], label)


def _classes(label: Tensor) -> Iterator[Tensor]:
    return ((label == value).nonzero()[:, 0] for value in label.unique())
