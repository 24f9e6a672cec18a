"""The drift of generated samples, attracted by real ones and repelled by one another, as a regression target.

Source: "Generative Modeling via Drifting", 2026, arXiv 2602.04770: algorithms 1 (the loss) and 2 (the drift).

symbol        meaning                                                        shape
g             generated samples, flattened; also the negatives               (n, D)
y             real samples, flattened: the positives                         (m, D)
scale         mean distance from g to negatives and positives                scalar
temperatures  of the affinity exp(-distance / (scale temperature))           (S,)
a             affinity: geometric mean of its softmax over row and column    (n, n + m)

The drift of a sample is sum_ij a-_i a+_j (y_j - g_i), where a- are its affinities to negatives and a+ those to
positives. So it is anti-symmetric in positives and negatives and vanishes where they are the same. The loss moves each
sample by its drift, whose size is normalised, so the value of the loss carries no information.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from paradigms.parts.losses.distances import EPSILON, squared_distances

SMALLEST = 1e-6  # affinity, so that a distant sample still drifts
SELF = 1e6  # distance of a sample to itself as a negative, so that it does not repel itself


def drift(x: Tensor, positives: Tensor, negatives: Tensor, temperature: float, own: bool) -> Tensor:
    """Returns the drift, (n, D), of samples towards positives and away from negatives.

    x: samples, (n, D).
    positives: what attracts them, (m, D).
    negatives: what repels them, (k, D).
    temperature: of the affinity, in units of the mean distance, above 0.
    own: whether the negatives are x themselves; then no sample repels itself.
    """
    to_negatives, to_positives = (_distances(x, other) for other in (negatives, positives))
    scale = torch.cat([to_negatives, to_positives], 1).mean()
    if own:
        to_negatives = to_negatives + SELF * torch.eye(len(x), dtype=x.dtype, device=x.device)
    logits = -torch.cat([to_negatives, to_positives], 1) / (scale * temperature)
    affinity = (logits.softmax(1) * logits.softmax(0)).clamp(min=SMALLEST).sqrt()
    push, pull = affinity.split([len(negatives), len(positives)], 1)
    pulls, pushes = pull * push.sum(1, keepdim=True), push * pull.sum(1, keepdim=True)
    return pulls @ positives - pushes @ negatives


def drifting_loss(g: Tensor, y: Tensor, temperatures: Sequence[float]) -> Tensor:
    """Returns the mean squared distance of samples to their drifted positions; its gradient is minus the drift.

    A scalar. The drifts of all temperatures are scaled to unit mean square and added, in float32 or better even under
    autocast.

    g: generated samples, (n, D).
    y: real samples, (m, D).
    temperatures: of the affinity, in units of the mean distance.
    """
    with torch.autocast(g.device.type, enabled=False):
        g, y = (part.float() if part.dtype == torch.bfloat16 else part for part in (g, y))
        with torch.no_grad():
            scale = torch.cat([_distances(g, g), _distances(g, y)], 1).mean() / g.shape[1] ** 0.5
            steps = [drift(g, y, g, temperature, own=True) for temperature in temperatures]
            target = g / scale + sum(step / (step.square().mean().sqrt() + EPSILON) for step in steps)
        return (g / scale - target).square().mean()


def _distances(a: Tensor, b: Tensor) -> Tensor:
    return (squared_distances(a, b) + EPSILON).sqrt()
