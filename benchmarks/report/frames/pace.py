"""Training seconds without other work on the computer: seconds per update of the timing cells, times updates.

The seconds in a quality record are of a cell that may have shared the computer with other cells, so they say nothing
about the variant.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean

from benchmarks.report.frames.parts import listed, part

NO_TIMING = "no clean timing"
Key = tuple[str, str]
Paces = dict[Key, dict[str, float]]


def key(record: dict) -> Key:
    """Data set and variant of a record."""
    return record["cell"]["dataset"], record["cell"]["variant"]


def paces(timing: Iterable[dict]) -> Paces:
    """Data set and variant -> stage -> seconds per update, mean over the launches that had the computer to themselves.

    timing: finished timing records.
    """
    found: dict[Key, dict[str, list[float]]] = {}
    for record in timing:
        if part(record, "timing").get("exclusive") is True:
            for stage in listed(part(record, "timing").get("stages")):
                if stage.get("step_seconds_median"):
                    launches = found.setdefault(key(record), {}).setdefault(stage.get("name"), [])
                    launches.append(stage["step_seconds_median"])
    return {who: {stage: mean(values) for stage, values in stages.items()} for who, stages in found.items()}


def seconds(stages: list[dict], updates: int | None, per_update: dict[str, float]) -> float | None:
    """The time of the first `updates` updates of training; None where one of their stages was not timed.

    stages: of the training record, in order. per_update: stage -> seconds per update.
    """
    left, spent = updates, 0.0
    for stage in stages:
        done = min(left or 0, stage.get("updates") or 0)
        if done and stage.get("name") not in per_update:
            return None
        spent += done * per_update.get(stage.get("name"), 0.0)
        left = (left or 0) - done
    return None if left or updates is None or not stages else spent
