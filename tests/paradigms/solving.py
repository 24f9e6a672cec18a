"""A stage solved by the bare loop, for tests of what a stage's loss does."""

import torch

from paradigms.base import Batch, Paradigm, Stage


def solve(paradigm: Paradigm, stage: Stage, batch: Batch, n_updates: int = 5) -> None:
    """Enter `stage`, begin it, update `n_updates` times on the one batch, and leave it."""
    paradigm.enter(stage, n_updates)
    with torch.no_grad():
        stage.begin()
    optimizer = stage.optimizer(list(stage.parameters))
    for _ in range(n_updates):
        optimizer.zero_grad()
        stage.loss(batch).backward()
        optimizer.step()
    paradigm.leave()
