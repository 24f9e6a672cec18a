"""The question of the project, and what this run answers, in three sentences made from the paired ratios."""

from __future__ import annotations

import pandas as pd
from pandas import Series

from benchmarks.report import caption
from benchmarks.report.formats import number, percent
from benchmarks.report.page.blocks import Block, Prose
from benchmarks.report.page.leaders import Leader, leaders
from benchmarks.report.page.run import Run

ORDER, TITLE = 0, "The question, and the answer of this run"
QUESTION = (
    "At equal training compute, is a generative model better when one loss trains the whole chain of inference than "
    "when each step is trained on a local loss, as diffusion models are?"
)
OUTCOMES = {
    "lower": "significantly lower, by both scoring networks",
    "higher": "significantly higher, by both scoring networks",
    "suggestive": "suggestive, but not settled by both scoring networks",
    "undecided": "not significantly different",
}
SENTENCES = 3


def blocks(run: Run) -> list[Block]:
    """The question, the answer, and what both are about."""
    pairs = run.rows.get("ratios")
    said = [] if pairs is None else [_pair(run, row) for _, row in pairs.iterrows()]
    more = len(said) - SENTENCES
    said = said or [_leader(run, leader) for leader in leaders(run)]
    about = [f"Further pairs, in the table of paired ratios: {more}."] if more > 0 else []
    about += [_about(run, dataset) for dataset in run.frames.datasets]
    return [Prose([QUESTION]), Prose(said[:SENTENCES] or ["No method has a result yet."], lead=True), Prose(about)]


def _pair(run: Run, row: Series) -> str:
    first, second = (_side(run, row, side) for side in "ab")
    interval = "one seed" if pd.isna(row.ratio_ci_low) else f"95 % CI {row.ratio_ci_low:.2f} to {row.ratio_ci_high:.2f}"
    where = run.in_data(row.claim[:1].upper() + row.claim[1:], row.dataset)
    return (
        f"{where}: the FID of {first} is {row.ratio:.2f} times that of {second} ({interval}, {row.n_seeds} seeds): "
        f"{OUTCOMES.get(row.outcome, row.outcome)}."
    )


def _side(run: Run, row: Series, side: str) -> str:
    name, nfe = row[f"variant_{side}"], row[f"nfe_{side}"]
    return f"{run.titles.get(name, name)} at {nfe} evaluation{'s' if nfe != 1 else ''}"


def _leader(run: Run, leader: Leader) -> str:
    title = run.titles.get(leader.variant, leader.variant)
    others = [run.titles.get(name, name) for name in leader.ties]
    accuracy = leader.nfe is None
    value = percent(leader.mean) if accuracy else number(leader.mean)
    what = f"the highest accuracy is {value}" if accuracy else f"the lowest FID ratio at {leader.nfe:g} NFE is {value}"
    tie = (
        f"not significantly different from {', '.join(others)}" if others else "significantly different from all others"
    )
    tie = tie if leader.tested else "without a test of significance"
    return f"On {leader.dataset}, {what}, by {title}: {tie}."


def _about(run: Run, dataset: str) -> str:
    frames = run.frames.of(dataset)
    sampled = f" {caption.scoring(frames)}" if len(frames.samples) else ""
    return f"Data: {dataset}. {caption.seeds(frames)} per method.{sampled} {caption.origin(frames)}"
