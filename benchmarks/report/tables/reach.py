"""How much of the inference graph one update trains, and what local training costs along the chain."""

from __future__ import annotations

import pandas as pd
from pandas import DataFrame

from benchmarks.report.formats import DASH, number
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "comparison", 80
HEADS = {
    **{"reach": "on-policy reach", "reach_coverage": "coverage", "flops_weighted_reach": "by FLOPs"},
    **{"credit_length": "credit length", "effective_reach": "effective", "mismatch_amplification": "amplification"},
}
NOTES = (
    "on-policy reach: share of the links of the inference chain that one update evaluates on their own inference input "
    "and differentiates. coverage: the same on any input. by FLOPs: on-policy reach with links weighted by their "
    "FLOPs. credit length: number of links on the longest gradient path. effective: number of links among which the "
    "gradient is evenly shared (exp of the entropy of its shares), over the number of links.",
    "amplification: sum of the errors accumulated along the chain, over the sum of those that each step makes from a "
    "correct input. Above 1 the errors build up.",
)


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per variant."""
    rows = rows.drop_duplicates("variant")
    if rows[[*HEADS]].isna().all(axis=None):
        return []
    lines = []
    for _, row in rows.iterrows():
        cells = {"variant": row.variant} | {head: number(row[name]) for name, head in HEADS.items()}
        if pd.isna(row.mismatch_amplification) and isinstance(row.mismatch_reason, str):
            cells["amplification"] = f"{DASH} ({row.mismatch_reason})"
        lines.append(cells)
    return [Sheet("Gradient reach and train/inference mismatch", DataFrame(lines), NOTES)]
