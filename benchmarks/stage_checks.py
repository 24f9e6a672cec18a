"""What has to hold when a stage ends: all planned updates were made, and its numbers are finite."""

from __future__ import annotations

import torch

from paradigms.base import NonFinite, Paradigm


def check_updates(paradigm: Paradigm) -> None:
    """Check the stage that `paradigm` has entered and just been trained on.

    Raises RuntimeError where fewer or more updates than planned were made, and NonFinite where the loss of the last
    update, which is not always part of the recorded curve, is NaN or infinite.
    """
    stage, update, planned, loss = paradigm.stage.name, paradigm.update, paradigm.n_updates, paradigm.last_loss
    if update != planned:
        raise RuntimeError(f"stage {stage!r}: {update} of {planned} planned updates were made")
    if loss is not None and not torch.isfinite(loss):
        raise NonFinite(f"stage {stage!r}, update {update - 1}: loss is {float(loss)}")


def check_weights(paradigm: Paradigm, stage: str) -> None:
    """Check every parameter and buffer of the state dict after the stage of that name.

    Raises NonFinite, which names the first one that holds a NaN or an infinity.
    """
    for name, value in paradigm.state_dict().items():
        if not torch.isfinite(value).all():
            raise NonFinite(f"stage {stage!r} ends with {name} not finite")
