"""Declarations of the columns for train/inference mismatch."""

from __future__ import annotations

from benchmarks.columns import Column

TITLE = "Train/inference mismatch"
COLUMNS = [
    Column(
        "mismatch_amplification",
        unit="none; above 1, errors accumulate",
        direction=None,
        meaning="Error accumulated along the generating chain over the errors that its links make one by one, and "
        "the reason if it is empty.",
        formula="sum over steps k > 0 of D(p_k, q_k) / sum over steps k > 0 of D(S(q_(k-1)), q_k), with D the "
        "energy distance, p_k the states of the chain, q_k the states that training feeds to link k, and "
        "S one link",
        source="Li and van der Schaar 2024, cumulative and modular error",
        misleads="It is defined only where training feeds the links with states made from data, and left empty if "
        "the denominator is within its noise. Energy distance grows with the square of a shift, so equal "
        "errors that are merely passed on give about a third of the squared number of steps, not 1.",
        head="amplification",
        also=("mismatch_reason",),
        code="benchmarks/score/mismatch/mismatch.py",
    ),
]
