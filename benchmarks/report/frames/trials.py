"""Trials of options: of each training seed the one that is best on the validation split counts; all are listed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

from pandas import DataFrame

CRITERIA = ["validation_accuracy", "validation_fid"]  # of recognisers, of generators
COLUMNS = ["dataset", "variant", "repetition", "trial", "changes", *CRITERIA, "status", "chosen"]


def chosen(records: Iterable[dict]) -> list[dict]:
    """The records without those of trials that lost. Where no trial of a seed finished, its first one stays."""
    records = list(records)
    best = {}
    for record in filter(_is_trial, records):
        held = best.setdefault(_seed(record), record)
        if _merit(record) > _merit(held):
            best[_seed(record)] = record
    return [record for record in records if not _is_trial(record) or best[_seed(record)] is record]


def trials(records: Iterable[dict]) -> DataFrame:
    """One row per trial, with the columns COLUMNS; empty where there are no trials."""
    records = [record for record in records if _is_trial(record)]
    kept = {id(record) for record in chosen(records)}
    rows = [
        {
            **{name: record["cell"][name] for name in ("dataset", "variant", "repetition", "trial")},
            "changes": json.dumps(record["cell"]["changes"]),
            **{name: (record.get("quality") or {}).get(name) for name in CRITERIA},
            **{"status": record["status"], "chosen": id(record) in kept},
        }
        for record in records
    ]
    return DataFrame(rows, columns=COLUMNS)


def _is_trial(record: dict) -> bool:
    return record["cell"].get("trial") is not None


def _seed(record: dict) -> tuple:
    cell = record["cell"]
    return cell["dataset"], cell["variant"], cell["repetition"]


def _merit(record: dict) -> float:
    """Validation accuracy, or minus the FID; below every number for what did not finish, so that the first of equals
    stays."""
    accuracy, fid = ((record.get("quality") or {}).get(name) for name in CRITERIA)
    if record["status"] != "done" or (accuracy is None and fid is None):
        return -math.inf
    return -fid if accuracy is None else accuracy
