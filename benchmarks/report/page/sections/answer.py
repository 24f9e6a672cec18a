"""The question of the project, and what this run answers, in three sentences made from the paired ratios."""

from __future__ import annotations

import re

import pandas as pd
from pandas import Series

from benchmarks.report import caption
from benchmarks.report.formats import number
from benchmarks.report.frames import loss_families
from benchmarks.report.page.blocks import Block, Links, Prose
from benchmarks.report.page.leaders import Leader, by_second, leaders, mean_shown, records
from benchmarks.report.page.run import Run
from benchmarks.report.page.sections import best as best_methods
from benchmarks.report.page.sections import paired, provenance

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
HYPOTHESIS = re.compile(r"[A-Z]\d+\b")  # how presets name those of docs/hypotheses.md
FEW = (1, 4)  # evaluations at which the best method is named
BEST = (
    "The best methods, mean ± half of the 95 % t interval over training seeds. An FID ratio of 1 is as close to "
    "held-out images as real training images are; lower is better."
)


def blocks(run: Run) -> list[Block]:
    """The question, the answer, the best methods with few evaluations, what these are about, and where more is said."""
    kinds = {dataset: loss_families.family(run.frames.of(dataset)) for dataset in run.frames.datasets}
    compared = [_pair(run, row) for row in _answering(run, kinds)]
    best = [_leader(run, leader, kinds[leader.dataset].get(leader.variant)) for leader in _few(run)]
    said = compared or best
    shown = [BEST, *best] if compared and best else best[SENTENCES:]
    about = [_about(run, dataset) for dataset in run.frames.datasets]
    answer = Prose(said[:SENTENCES] or ["No method has a result yet."], lead=True)
    return [Prose([QUESTION]), answer, Prose([*shown, *about]), _more(run, len(compared) - SENTENCES, bool(best))]


def _answering(run: Run, kinds: dict[str, Series]) -> list[Series]:
    """The rows of the paired ratios; first those of a method with one loss and one with local losses, which the
    question is about."""
    pairs = run.rows.get("ratios")
    found = [] if pairs is None else [row for _, row in pairs.iterrows()]
    return sorted(found, key=lambda row: len({kinds[row.dataset].get(row[f"variant_{side}"]) for side in "ab"}) < 2)


def _few(run: Run) -> list[Leader]:
    """The best methods with few evaluations, and the best recogniser; all of them where none has so few."""
    found = leaders(run)
    return [leader for leader in found if leader.nfe is None or leader.nfe in FEW] or found


def _more(run: Run, further: int, best: bool) -> Links:
    """Where the answers stand in full. further: pairs that are not among the sentences."""
    pairs = f"{paired.TITLE} ({further} further pair{'s' if further != 1 else ''})"
    targets = [(run.id("best"), best_methods.TITLE)] if best else []
    targets += [(run.id("paired"), pairs)] if further > 0 else []
    return Links([*targets, (run.id("provenance"), provenance.TITLE)])


def _pair(run: Run, row: Series) -> str:
    first, second = (_side(run, row, side) for side in "ab")
    interval = "one seed" if pd.isna(row.ratio_ci_low) else f"95 % CI {row.ratio_ci_low:.2f} to {row.ratio_ci_high:.2f}"
    where = f"{row.dataset}: the" if run.several else "The"
    named = "Hypothesis of docs/hypotheses.md" if HYPOTHESIS.match(row.claim) else "Compared for"
    return (
        f"{where} FID of {first} is {row.ratio:.2f} times that of {second} ({interval}, {row.n_seeds} seeds): "
        f"{OUTCOMES.get(row.outcome, row.outcome)}. {named}: {row.claim}."
    )


def _side(run: Run, row: Series, side: str) -> str:
    name, nfe = row[f"variant_{side}"], row[f"nfe_{side}"]
    return f"{run.titles.get(name, name)} at {_evaluations(nfe)}"


def _leader(run: Run, leader: Leader, kind: str | None) -> str:
    """Which method is best, whether the difference is significant, what it cost, and where its record is.

    kind: of its loss.
    """
    what = "Highest accuracy" if leader.nfe is None else f"Lowest FID ratio with {_evaluations(leader.nfe)}"
    name = f"{run.titles.get(leader.variant, leader.variant)}{f' (trained by {kind})' if kind else ''}"
    row = leader.row
    costs = [f"{number(row.train_flops)} training FLOPs"]
    costs += [] if pd.isna(row.sample_ms_per_image) else [f"{number(row.sample_ms_per_image)} ms per image"]
    files = records(run, leader)
    where = f" Record: {files[0]}{f', and {len(files) - 1} further seeds' if files[1:] else ''}." if files else ""
    return (
        f"{run.in_data(what, leader.dataset)}: {name}, {mean_shown(leader)}; {_significance(run, leader)}. "
        f"Cost: {' and '.join(costs)}.{where}"
    )


def _significance(run: Run, leader: Leader) -> str:
    others = ", ".join(run.titles.get(name, name) for name in leader.ties)
    tested = f"not significantly different from {others}" if others else "significantly different from all others"
    top = by_second(run, leader)
    second = "" if top is None or top.variant == leader.variant else run.titles.get(top.variant, top.variant)
    agreed = f"; by the second scoring network {second} has the lowest" if second else ""
    return (tested if leader.tested else "without a test of significance") + agreed


def _evaluations(nfe: float) -> str:
    return f"{nfe:g} evaluation{'s' if nfe != 1 else ''}"


def _about(run: Run, dataset: str) -> str:
    frames = run.frames.of(dataset)
    sampled = f" {caption.scoring(frames)}" if len(frames.samples) else ""
    return f"Data: {dataset}. {caption.seeds(frames)} per method.{sampled} {caption.origin(frames)}"
