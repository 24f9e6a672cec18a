"""Traces a training step by step, as numbers and hashes by which two revisions are compared to the bit.

`benchmarks.fit` trains, so whatever changes an update, its order or its weights changes the trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from benchmarks.fit import Fit
from benchmarks.job import Job
from paradigms.base import Batch, Paradigm

UPDATES = 20
EVALUATED = 10  # update before which the averaged weights are swapped in and out, as scoring along training does
DIGITS = 12  # of a hash: two of a million different states are equal with probability 2e-9


def digest(*tensors: Tensor) -> str:
    """The first hexadecimal digits of a hash over types, shapes and bytes of tensors."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:DIGITS]


def tensors(paradigm: Paradigm) -> dict[str, str]:
    """Name -> hash of every tensor of the state dict."""
    return {name: digest(value) for name, value in paradigm.state_dict().items()}


def train(job: Job, paradigm: Paradigm) -> tuple[list[dict], list[dict]]:
    """Train every stage for `UPDATES` updates, as a cell trains; returns one entry per stage, and the reports of `Fit`.

    An entry has
        name: of the stage.
        updates: a line per update: hash of its batch, loss, norm of the gradient, and hashes of all weights after it
            and of their averages ("-" without averages).
        tensors: name -> hashes of the tensor after the first update and at the end, when averages are adopted.
        evaluated: hash of the weights that are swapped in to evaluate before update `EVALUATED`.

    job: gives the training images.
    paradigm: trained in place.

    Raises NonFinite where a loss or a weight is.
    """
    stages: list[dict] = []
    planned = [UPDATES] * len(paradigm.stages())
    with watched(paradigm, stages):
        fit = Fit(
            paradigm,
            job.x,
            job.label,
            planned,
            points=[[EVALUATED] for _ in planned],
            evaluate=lambda stage, update, seconds: stages[stage].update(evaluated=digest(*_values(paradigm))) or {},
        )
        reports = fit()
    return stages, reports


@contextmanager
def watched(paradigm: Paradigm, stages: list[dict]) -> Iterator[None]:
    """Inside, every update and every end of a stage of `paradigm` appends to `stages`."""
    update_once, leave = paradigm.update_once, paradigm.leave

    def watched_update(batch: Batch, optimizer: torch.optim.Optimizer) -> Tensor:
        first = paradigm.update == 0
        loss = update_once(batch, optimizer)
        if first:
            stages.append({"name": paradigm.stage.name, "updates": [], "tensors": tensors(paradigm)})
        stages[-1]["updates"].append(_line(paradigm, batch, loss))
        return loss

    def watched_leave() -> None:
        leave()
        ended = stages[-1]["tensors"]
        stages[-1]["tensors"] = {name: f"{ended.get(name, '-')} {end}" for name, end in tensors(paradigm).items()}

    paradigm.update_once, paradigm.leave = watched_update, watched_leave
    try:
        yield
    finally:
        del paradigm.update_once, paradigm.leave  # a copy of the paradigm must not report here


def _line(paradigm: Paradigm, batch: Batch, loss: Tensor) -> str:
    gradients = (parameter.grad for parameter in paradigm.stage.parameters)
    averages = digest(*paradigm.averages) if paradigm.averages else "-"
    facts = {"batch": digest(*batch), "loss": float(loss), "gradient": _norm(gradients)}
    facts |= {"weights": digest(*_values(paradigm)), "averages": averages}
    return " ".join(f"{name} {value}" for name, value in facts.items())


def _norm(gradients: Iterable[Tensor | None]) -> float:
    norms = [gradient.double().norm() for gradient in gradients if gradient is not None]
    return float(torch.stack(norms).norm()) if norms else 0.0


def _values(paradigm: Paradigm) -> Iterable[Tensor]:
    return paradigm.state_dict().values()
