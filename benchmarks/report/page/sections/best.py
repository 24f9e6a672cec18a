"""The best method at each number of evaluations, with its significance, its cost, and its record."""

from __future__ import annotations

from benchmarks.report.formats import number
from benchmarks.report.page.blocks import Block, Listing, Value, heads
from benchmarks.report.page.leaders import Leader, by_second, leaders, mean_shown, records
from benchmarks.report.page.run import Run

ORDER, TITLE = 10, "Which method is best, and at what cost"
GENERATORS = ["data set", "NFE", "lowest", "FID ratio", "different from all others?", "by the second network"]
GENERATORS += ["training FLOPs", "ms/image", "methods compared", "record"]
RECOGNISERS = ["data set", "highest", "accuracy", "different from all others?", "training FLOPs", "methods compared"]
RECOGNISERS += ["record"]
BUDGETS = (
    "Methods that were trained on different budgets are compared too: see the training FLOPs. Rows with marks are "
)
BUDGETS += "left out. Mean ± half of the 95 % t interval over training seeds."
RATIOS = "NFE: network evaluations per sample. A FID ratio of 1 is as close to held-out images as real training images "
RATIOS += "are; lower is better."


def blocks(run: Run) -> list[Block]:
    """Two tables: of generators a row per data set and number of evaluations, of recognisers one per data set."""
    found = leaders(run)
    sampled = [leader for leader in found if leader.nfe is not None]
    recognised = [leader for leader in found if leader.nfe is None]
    return [
        *_listing(run, sampled, GENERATORS, "Generation: the best at each number of evaluations", (RATIOS, BUDGETS)),
        *_listing(run, recognised, RECOGNISERS, "Recognition: the highest accuracy", (BUDGETS,)),
    ]


def _listing(run: Run, found: list[Leader], texts: list[str], title: str, notes: tuple[str, ...]) -> list[Listing]:
    kept = [text for text in texts if run.several or text != "data set"]
    rows = [[cells[text] for text in kept] for leader in found for cells in [_cells(run, leader)]]
    return [Listing(run.id("best", texts[1]), title, heads(kept), rows, notes)] if rows else []


def _cells(run: Run, leader: Leader) -> dict[str, Value]:
    row, accuracy = leader.row, leader.nfe is None
    best = Value(mean_shown(leader), bold=not leader.ties and leader.tested, value=f"{leader.mean:.6g}")
    return {
        "data set": Value(leader.dataset),
        "NFE": Value("-" if accuracy else f"{leader.nfe:g}"),
        **dict.fromkeys(("lowest", "highest"), run.variant(leader.variant)),
        **dict.fromkeys(("FID ratio", "accuracy"), best),
        "different from all others?": Value(_tested(run, leader)),
        "by the second network": _second(run, leader),
        "training FLOPs": Value(number(row.train_flops)),
        "ms/image": Value(number(row.sample_ms_per_image)),
        "methods compared": Value(f"{leader.n_methods}"),
        "record": _records(run, leader),
    }


def _tested(run: Run, leader: Leader) -> str:
    if not leader.tested:
        return "not tested: one seed"
    names = ", ".join(run.titles.get(name, name) for name in leader.ties)
    return f"no: not from {names}" if names else "yes, significantly"


def _second(run: Run, leader: Leader) -> Value:
    top = by_second(run, leader)
    return Value("-") if top is None else run.variant(top.variant, f"ratio 2: {number(top.fid2_ratio)}")


def _records(run: Run, leader: Leader) -> Value:
    files = records(run, leader)
    if not files:
        return Value("-")
    text = "1 seed" if len(files) == 1 else f"{len(files)} seeds, all under Provenance; the first:"
    return Value(text, files[0])
