"""Variants at the number of evaluations that their training is about, and which of them differ in one thing only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pandas as pd
from pandas import DataFrame

from benchmarks.report.caption import number, percent, plus_minus
from benchmarks.report.frames import Frames, over_seeds
from benchmarks.report.intervals import half_shown, half_width
from benchmarks.report.sheet import Sheet, dense

MOST_CHANGES = 2  # options in which a variant may differ from the one that it is held against
SHOWN_LENGTH = 4  # steps, where one chain of a family is shown
CLOSE = 1.2  # ratio of training FLOPs up to which two variants count as equally dear


@dataclass(frozen=True)
class Entry:
    """A variant with its options, the length of the chain that its training is about (None where nothing tells), its
    FLOPs, and its mean FID ratio with sd and seeds at that length (missing without one)."""

    variant: str
    title: str
    paradigm: str
    options: dict
    nfe: int | None
    flops: float
    ratio: float = float("nan")
    sd: float = float("nan")
    n: int = 0

    def changes(self, base: Entry) -> dict | None:
        """The options in which it differs from `base`; None where it is another paradigm or another budget."""
        if self.paradigm != base.paradigm or max(self.flops, base.flops) > CLOSE * min(self.flops, base.flops):
            return None
        names = sorted(self.options.keys() | base.options.keys())
        return {name: self.options.get(name) for name in names if self.options.get(name) != base.options.get(name)}


def entries(frames: Frames) -> list[Entry]:
    """An entry a finished generator of one data set, in the order of the tables."""
    cells = frames.cells[(frames.cells.kind == "quality") & (frames.cells.status == "done")]
    cells = cells[cells.variant.isin(set(frames.samples.variant))]
    primary = frames.samples[frames.samples.primary.eq(True)]
    means = over_seeds(primary, ["variant", "nfe"], "fid_ratio").set_index(["variant", "nfe"])
    firsts = cells.groupby("variant").first()
    found = []
    for name in frames.ordered(firsts.index):
        row = firsts.loc[name]
        settings = json.loads(row.settings)
        nfe = None if pd.isna(row.natural_nfe) else int(row.natural_nfe)
        about = (name, row.title, Path(settings["paradigm"]).stem, settings["options"], nfe, row.train_flops)
        at = means.loc[(name, nfe)] if (name, nfe) in means.index else None
        found.append(Entry(*about) if at is None else Entry(*about, at["mean"], at.sd, int(at.n)))
    return found


def by_budget(found: list[Entry]) -> list[list[Entry]]:
    """Entries in groups of about equal FLOPs, the least first."""
    groups: list[list[Entry]] = []
    for entry in sorted(found, key=lambda entry: entry.flops):
        if groups and entry.flops <= CLOSE * groups[-1][0].flops:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return groups


def families(found: list[Entry]) -> dict[str, list[Entry]]:
    """Variants that differ in one option and, by it, in the length of their chain: what they are called -> shortest
    first. Only families of two or more. found: of one budget."""
    grown: dict[tuple, list[Entry]] = {}
    for entry in found:
        for name in entry.options if entry.nfe else ():
            rest = json.dumps({k: v for k, v in entry.options.items() if k != name}, sort_keys=True)
            grown.setdefault((entry.paradigm, name, rest), []).append(entry)
    named = {}
    for members in grown.values():
        if len(members) > 1 and len({entry.nfe for entry in members}) == len(members):
            members = sorted(members, key=lambda entry: entry.nfe)
            named[_common(members)] = members
    return named


def _common(members: list[Entry]) -> str:
    """What the members' titles share, up to where they differ, and then their lengths."""
    titles = [entry.title for entry in members]
    start = _shared(titles)
    end = _shared([title[len(start) :][::-1] for title in titles])[::-1]
    return f"{start.rstrip(' =')} = {', '.join(str(entry.nfe) for entry in members)}{end}"


def _shared(texts: list[str]) -> str:
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*texts, strict=False))
    return "".join(column[0] for column in columns)


def main(found: list[Entry]) -> list[str]:
    """Variants that stand for all where there are too many to look at: of the least budget, paradigms as they come, and
    of every family the longest chain that is short enough to show."""
    cheapest = next(iter(by_budget(found)), [])
    longest = [[e for e in members if e.nfe <= SHOWN_LENGTH][-1:] for members in families(cheapest).values()]
    chosen = {entry.variant for members in longest for entry in members}
    return [entry.variant for entry in cheapest if not entry.options or entry.variant in chosen]


def one_change(found: list[Entry]) -> tuple[Entry, list[tuple[str, Entry]]] | None:
    """The variant that most others are changes of, and those with their changes in words; None without four."""
    known = [entry for entry in found if entry.n]
    best = max(((base, list(_changed(base, known))) for base in known), key=lambda pair: len(pair[1]), default=None)
    return best if best and len(best[1]) >= 4 else None


def _changed(base: Entry, found: list[Entry]) -> Iterator[tuple[str, Entry]]:
    for entry in found:
        changes = entry.changes(base)
        adds = changes and (len(changes) == 1 or changes.keys().isdisjoint(base.options))
        if adds and len(changes) <= MOST_CHANGES and all(value is not None for value in changes.values()):
            yield ", ".join(f"{name} = {value}" for name, value in changes.items()), entry


def sheet(frames: Frames, rows: DataFrame) -> Sheet | None:
    """Every generator at the length that its training is about. rows: of the comparison, one data set's."""
    lines = []
    for entry in entries(frames):
        if not entry.n:
            continue
        at = rows[(rows.variant == entry.variant) & (rows.nfe == entry.nfe)].iloc[0]
        second = half_shown(at.fid2_ratio, at.fid2_ratio_ci_low, at.fid2_ratio_ci_high)
        lines.append(
            {
                **{"variant": entry.variant, "NFE": f"{entry.nfe}"},
                "FID ratio": plus_minus(entry.ratio, half_width(entry.sd, entry.n)),
                "ratio 2": plus_minus(at.fid2_ratio, second),
                **{"coverage": number(at.coverage), "label agreement": percent(at.label_agreement)},
                **{"distance ratio": number(at.memorisation_ratio), "training FLOPs": number(entry.flops)},
            }
        )
    note = (
        "NFE: as many as one update's loss sees of the chain, measured; a field that is trained at single times has "
        "none; ± half the 95 % t interval over seeds; distance ratio: to the nearest training image over held-out ones'"
    )
    return Sheet("At the length that training is about", dense(lines), (note,)) if lines else None
