"""Trains one stage on one batch, for tests of what a stage's loss does."""

from dataclasses import replace

import torch

from paradigms.base import Batch, Paradigm, Stage


def solve(paradigm: Paradigm, stage: Stage, batch: Batch, n_updates: int = 5) -> None:
    """Enters and begins `stage`, makes `n_updates` updates at a constant rate on the one batch, and leaves it."""
    paradigm.enter(replace(stage, schedule=lambda progress: 1.0), n_updates)
    with torch.no_grad():
        stage.begin()
    paradigm.restart_averages()
    optimizer = paradigm.configure_optimizers()
    for _ in range(n_updates):
        paradigm.update_once(batch, optimizer)
    paradigm.leave()
