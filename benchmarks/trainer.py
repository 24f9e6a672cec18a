"""The Lightning Trainer of a stage; environment variables and cluster detection change nothing of it."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.plugins.environments import LightningEnvironment

TRAINER_DEFAULTS = "PL_TRAINER_"  # environment variables of this prefix replace defaults of Trainer's arguments


@contextmanager
def _without_trainer_defaults() -> Iterator[None]:
    """Inside, the environment replaces no default of the Trainer: some would end training early without a word."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(TRAINER_DEFAULTS)}
    try:
        yield
    finally:
        os.environ.update(hidden)


@_without_trainer_defaults()
def trainer(callback: Callback, device: torch.device) -> Trainer:
    """A Trainer for one stage on one device, which nothing in the environment changes."""
    # Lightning's work per step that nobody reads is switched off: for small networks it would be half the time.
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        plugins=[LightningEnvironment()],  # else a cluster's variables, such as SLURM_NTASKS, are read
        max_epochs=1,
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
