"""What training and scoring say about numbers that are not finite: an error or a reason, never a missing value."""

from __future__ import annotations

import copy
import math
from types import SimpleNamespace

import torch

from benchmarks.columns import Column
from benchmarks.fit import Fit
from benchmarks.inference import outputs
from benchmarks.job import Job
from benchmarks.score.scoring import Scoring
from paradigms.base import Paradigm

NAN_METRIC = SimpleNamespace(
    COLUMNS=[
        Column(
            "broken",
            unit="count",
            direction=None,
            meaning="A metric that returns NaN.",
            formula="NaN",
            source="the gate",
            misleads="Always.",
        )
    ],
    compute=lambda samples: {"broken": math.nan},
)


def said(job: Job, paradigm: Paradigm) -> dict[str, str]:
    """What each part says where its numbers are NaN: the first line of its error, or the value that it returns.

    job: of the variant.
    paradigm: trained; it is not changed.
    """
    poisoned = copy.deepcopy(paradigm)
    with torch.no_grad():
        for parameter in poisoned.parameters():
            parameter.fill_(math.nan)
    parts = {"training": lambda: _trained(job)}
    scoring = Scoring(job, poisoned)
    if scoring.samplers:
        sampler = scoring.samplers[0]
        parts["samples"] = lambda: scoring.draw(sampler, job.cell.nfes(sampler)[0]).evaluations
        parts["a metric"] = lambda: _scored(scoring)
    if poisoned.can("logits"):
        images = torch.from_numpy(job.dataset.test.images[: scoring.n_samples])
        parts["logits"] = lambda: len(outputs(poisoned, "logits", images))
    return {name: _outcome(call) for name, call in parts.items()}


def _outcome(call) -> str:
    try:
        return f"no error: {call()}"
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _trained(job: Job) -> str:
    paradigm = job.build()
    Fit(paradigm, torch.full_like(job.x, math.nan), job.label, [1] * len(paradigm.stages()))()
    return "trained on NaN"


def _scored(scoring: Scoring) -> str:
    scoring.scorer.metrics = [NAN_METRIC]
    found = scoring.scorer.score(scoring.scorer.real.train[: scoring.n_samples])
    return f"{found['broken']}, {found.get('metric_reasons')}"
