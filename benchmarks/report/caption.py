"""Sentences under tables and figures: number of seeds, scoring network, hardware, timing, and origin of the records."""

from __future__ import annotations

from collections.abc import Collection

from pandas import Series

from benchmarks.report.formats import number
from benchmarks.report.frames import marks
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.lengths import by_flops
from benchmarks.report.frames.provenance import provenance_line

MOST_NAMES = 12  # that a caption lists
OLD_CHARGE = (
    "charged for loss and gradient only; the optimiser's matrix products (up to 5 %) and work before the first update "
    "were free"
)


def seeds(frames: Frames, shown: Collection[str] | None = None) -> str:
    """The number of training seeds that means are over, such as "3 training seeds"; of the variants in `shown` alone,
    if given."""
    quality = frames.cells[(frames.cells.kind == "quality") & (frames.cells.status == "done")]
    quality = quality if shown is None else quality[quality.variant.isin(shown)]
    counts = sorted(quality.groupby("variant").size().unique())
    counted = " to ".join(str(count) for count in dict.fromkeys([*counts[:1], *counts[-1:]])) or "no"
    return f"{counted} training seed{'s' if counts != [1] else ''}"


def spread(frames: Frames, shown: Collection[str] | None = None, mark: str = "band") -> str:
    """What lines and bands are, in sentences; without a band where there is one seed.

    shown: the variants in the figure; None for all. mark: the word for what shows the standard deviation.
    """
    counted = seeds(frames, shown)
    if counted == "1 training seed":
        text = f"{counted} per variant, so there is no {mark}."
    else:
        shown_as = "Points" if mark == "bar" else "Lines"
        text = f"{shown_as}: mean over {counted}; {mark}: ± 1 standard deviation over seeds (tables: 95 % t intervals)."
    return " ".join([text, *_without_result(frames)])


def _without_result(frames: Frames) -> list[str]:
    quality = frames.cells[frames.cells.kind == "quality"]
    ended = {name: sorted(set(cells.status)) for name, cells in quality.groupby("variant")}
    lost = [f"{name} ({', '.join(statuses)})" for name, statuses in ended.items() if "done" not in statuses]
    return [f"Without a result: {', '.join(lost)}."] if lost else []


def scoring(frames: Frames) -> str:
    """What the FID compares, by which scoring network, and its floor."""
    samples = frames.samples
    n = _several(samples.n_samples, "{:,.0f}")
    floor, whole = (_several(samples[name], "{:.3g}") for name in ("fid_floor", "fid_floor_whole"))
    network = extractors(frames, "fid_extractor")
    return (
        f"FID: {n} samples against the held-out split, in features of {network}. FID ratio: FID / {floor}, the mean "
        f"FID of random draws of as many training images (whole training split: {whole})."
    )


def unequal(frames: Frames, shown: Collection[str]) -> str:
    """The training budgets of the variants in `shown`, where they are not equal."""
    done = frames.cells[(frames.cells.kind == "quality") & frames.cells.variant.isin(shown)]
    budgets = by_flops(done.groupby("variant").train_flops.first())
    if len(budgets) < 2:
        return ""
    parts = [f"{number(flops)} for {', '.join(names)}" for flops, names in budgets]
    return f"Training FLOPs differ: {'; '.join(parts)}."


def origin(frames: Frames) -> str:
    """Commit, state of the training code and hardware of the records."""
    more = [_left_out(frames), charge(frames), *(f"{marks.SIGN} {reason}" for reason in marks.reasons(frames))]
    said = [provenance_line(frames), f"Hardware: {_several(frames.cells.machine, '{}')}.", *more]
    return " ".join(text for text in said if text)


def charge(frames: Frames) -> str:
    """What training FLOPs do not count in records that were made before whole updates were charged; empty without."""
    trained = frames.cells[frames.cells.train_flops.notna()]
    older = frames.ordered(trained.variant[trained.charged.isna()])
    if not older:
        return ""
    some = len(older) < trained.variant.nunique()
    of = f" of {', '.join(older) if len(older) <= MOST_NAMES else f'{len(older)} variants'}" if some else ""
    return f"Training FLOPs{of}: {OLD_CHARGE}."


def _left_out(frames: Frames) -> str:
    """The further variants of the data set, by name, or counted where they are many."""
    names = frames.left_out
    if len(names) > MOST_NAMES:
        return f"{len(names)} further variants are in the tables and in the figures of families and series."
    return f"Not in this figure, but in the tables: {', '.join(names)}." if names else ""


def absent(frames: Frames, drawn: Collection[str], reason: str) -> str:
    """A sentence that names the finished variants of the frames that are not drawn, or counts them; empty if all are.

    drawn: the variants in the figure. reason: what they lack, such as "no timing cell".
    """
    done = frames.cells[(frames.cells.kind == "quality") & (frames.cells.status == "done")]
    names = frames.ordered(set(done.variant) - set(drawn))
    listed = ", ".join(names) if len(names) <= MOST_NAMES else f"{len(names)} variants, which are in the tables"
    return f"Not drawn, {reason}: {listed}." if names else ""


def timing(frames: Frames) -> str:
    """Whether other work ran on the hardware while times were measured."""
    timed = frames.cells[(frames.cells.kind == "timing") & (frames.cells.status == "done")]
    shared = sorted(set(timed.variant[timed.exclusive.ne(True)]))
    if timed.empty:
        return "Times were not measured."
    if shared:
        return f"Times measured on a SHARED computer: {', '.join(shared)}."
    return "Times were measured while no other cell of this project was running."


def extractors(frames: Frames, column: str) -> str:
    """The scoring networks of a FID, by name. column: fid_extractor or fid2_extractor."""
    return _several(frames.samples[column], "{}")


def _several(values: Series, form: str) -> str:
    return ", ".join(sorted({form.format(value) for value in values.dropna()})) or "unknown"
