"""Scores of the inference chain itself: reach, mismatch, and what would betray a chain that only looks like one.

A failing diagnosis must not lose the trained cell: its fields become None, with a reason.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence

import torch
from numpy import ndarray

from benchmarks.job import Job
from benchmarks.score.hidden_work import FIELDS as WORK
from benchmarks.score.hidden_work import hidden_work
from benchmarks.score.mismatch.follows_data import FIELDS as CHANGES
from benchmarks.score.mismatch.follows_data import data_dependence
from benchmarks.score.mismatch.mismatch import measure_mismatch, nothing_measured
from benchmarks.score.mismatch.trajectory import sampling_trajectory
from benchmarks.score.reach.reach import measure_reach, no_reach
from paradigms.base import Paradigm
from paradigms.parts.networks.shared_network import plainly

MAX_CHAIN = 8  # longest chain that mismatch is measured along, where training does not fix the length


def chain_scores(job: Job, paradigm: Paradigm, samplers: Sequence[str]) -> tuple[dict, ndarray | None]:
    """Returns {"reach", "mismatch"}, and the images of a few sampling trajectories or None.

    samplers: those that are scored; without any, the chain is that of the paradigm's first.
    """
    data = paradigm, job.x, job.label
    sampler = (list(samplers) or paradigm.samplers)[0]
    reach = attempt(lambda: measure_reach(*data, job.cell.nfe, sampler), no_reach())
    # Mismatch is measured at the length that training fixes. A chain of one link accumulates nothing, so a longer one
    # is taken instead where the sampler allows it.
    nfe = natural = reach["natural_nfe"] or 1
    path = None
    if samplers:
        path = sampling_trajectory(*data, natural, job.cell.nfes(sampler), sampler, job.cell.seed)
    if nfe == 1 or not paradigm.allows(nfe, sampler):
        nfe = max((n for n in job.cell.nfe if n <= MAX_CHAIN and paradigm.allows(n, sampler)), default=1)
    mismatch = attempt(lambda: measure_mismatch(*data, nfe, sampler, job.cell.seed), nothing_measured(nfe, sampler))
    return {"reach": reach, "mismatch": mismatch}, path


def disguise_fields(job: Job, paradigm: Paradigm, scored: Sequence[dict]) -> None:
    """Add to every entry of a record's `samples` what `benchmarks.score.marks` decides by.

    Fields: those of `hidden_work` and of `data_dependence`; None where a measurement fails, and then disguise_reason
    says why.
    """
    chains = [(entry["sampler"], entry["nfe_asked"]) for entry in scored]
    failed = {"changes": [dict.fromkeys(CHANGES)] * len(chains)}
    dependence = attempt(lambda: {"changes": _dependence(job, paradigm, chains)}, failed)
    for entry, (sampler, nfe), change in zip(scored, chains, dependence["changes"], strict=True):
        work = attempt(lambda chain=(nfe, sampler): hidden_work(paradigm, *chain), dict.fromkeys(WORK))
        reason = work.pop("reason", None) or dependence.get("reason")
        entry |= work | change | ({"disguise_reason": reason} if reason else {})


def _dependence(job: Job, paradigm: Paradigm, chains: Sequence[tuple[str, int]]) -> list[dict[str, float]]:
    if not chains:
        return []
    with torch.random.fork_rng(devices=[job.device] if job.device.type == "cuda" else []):
        untrained = job.build().requires_grad_(False)
    return data_dependence(paradigm, untrained, job.x, job.label, chains)


def attempt(measure: Callable[[], dict], otherwise: dict) -> dict:
    """Returns `measure()`, or after a failure `otherwise` with a `reason`."""
    try:
        with plainly():
            return measure()
    except Exception as error:
        traceback.print_exc()
        first_line = (str(error).splitlines() or [""])[0]
        return otherwise | {"reason": f"{type(error).__name__}: {first_line}"}
