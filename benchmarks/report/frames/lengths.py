"""Variants at their natural NFE, and which of them differ in one option only.

The natural NFE is the number of evaluations that one update differentiates through: K for a chain of K steps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pandas as pd
from pandas import DataFrame, Series

from benchmarks.plan import preset
from benchmarks.report.frames.frames import Frames, over_seeds

MOST_CHANGES = 2  # options in which a variant may differ from the one that it is compared with
SHOWN_LENGTH = 4  # steps, where one chain of a family is shown
CLOSE = 1.2  # ratio of training FLOPs up to which two budgets count as equal


@dataclass(frozen=True)
class Entry:
    """A finished generator at its natural NFE.

    options: without those that all variants of its paradigm share, or all generators, such as the network's width.
    nfe: natural NFE; None for one that is trained at single times of the process.
    flops: training FLOPs.
    ratio, sd, n: mean FID ratio over training seeds at that NFE, its sd, and the number of seeds.
    """

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
        """The options in which it differs from `base`; None for another paradigm or another budget."""
        if self.paradigm != base.paradigm or max(self.flops, base.flops) > CLOSE * min(self.flops, base.flops):
            return None
        names = sorted(self.options.keys() | base.options.keys())
        return {name: self.options.get(name) for name in names if self.options.get(name) != base.options.get(name)}


def entries(frames: Frames) -> list[Entry]:
    """One entry per finished generator of one data set, in the order of the tables."""
    cells = frames.cells[(frames.cells.kind == "quality") & (frames.cells.status == "done")]
    cells = cells[cells.variant.isin(set(frames.samples.variant))]
    primary = frames.samples[frames.samples.primary.eq(True)]
    means = over_seeds(primary, ["variant", "nfe"], "fid_ratio").set_index(["variant", "nfe"])
    firsts = cells.groupby("variant").first()
    found = []
    for name in frames.ordered(firsts.index):
        row = firsts.loc[name]
        nfe = None if pd.isna(row.natural_nfe) else int(row.natural_nfe)
        about = (name, row.title, Path(row.paradigm).stem, json.loads(row.changes), nfe, row.train_flops)
        at = means.loc[(name, nfe)] if (name, nfe) in means.index else None
        found.append(Entry(*about) if at is None else Entry(*about, at["mean"], at.sd, int(at.n)))
    return found


def with_changes(cells: DataFrame, sampled: set[str]) -> DataFrame:
    """The cells with the column `changes`: the options of a generator, as JSON, without those that all variants of its
    paradigm share, or all generators of its task.

    An option that no variant changes says nothing about one: a preset that widens every network has default variants.

    sampled: the variants with samples; all others share nothing and keep all options.
    """
    own = {index: {*map(_item, json.loads(text).items())} for index, text in cells.options.items()}
    shared = {index: set() for index in own}
    generators = cells[cells.variant.isin(sampled) & cells.kind.eq("quality") & cells.status.eq("done")]
    for kind in ("paradigm", "task"):
        for _, group in generators.groupby(["dataset", kind]):
            common = set.intersection(*(own[index] for index in group.index))
            for index in group.index:
                shared[index] |= common
    changes = [json.dumps(dict(map(json.loads, sorted(own[index] - shared[index])))) for index in cells.index]
    return cells.assign(changes=changes)


def _item(option: tuple[str, object]) -> str:
    return json.dumps(option, sort_keys=True)


def by_budget(found: list[Entry]) -> list[list[Entry]]:
    """Entries in groups of about equal training FLOPs, the smallest first."""
    groups: list[list[Entry]] = []
    for entry in sorted(found, key=lambda entry: entry.flops):
        if groups and entry.flops <= CLOSE * groups[-1][0].flops:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return groups


def by_flops(flops: Series) -> list[tuple[float, list[str]]]:
    """Variants in groups of about equal training FLOPs: (the smallest FLOPs of the group, its variants).

    flops: by variant; one whose FLOPs are unknown is in no group.
    """
    groups: list[tuple[float, list[str]]] = []
    for name, spent in flops.dropna().sort_values(kind="stable").items():
        if groups and spent <= CLOSE * groups[-1][0]:
            groups[-1][1].append(name)
        else:
            groups.append((float(spent), [name]))
    return groups


def families(found: list[Entry]) -> dict[str, list[Entry]]:
    """Variants that differ in one option and thereby in the length of their chain: name of the family -> its members,
    the shortest chain first. A family has at least two members. found: of one budget."""
    grown: dict[tuple, dict[str, Entry]] = {}
    # Of a chain that stands in several rows, such as under two scoring networks, the one with the most seeds is shown.
    for entry in sorted(found, key=lambda entry: -entry.n):
        for name in entry.options if entry.nfe else ():
            rest = json.dumps({k: v for k, v in entry.options.items() if k != name}, sort_keys=True)
            grown.setdefault((entry.paradigm, name, rest), {}).setdefault(json.dumps(entry.options[name]), entry)
    named = {}
    for members in map(list, map(dict.values, grown.values())):
        if len(members) > 1 and len({entry.nfe for entry in members}) == len(members):
            members = sorted(members, key=lambda entry: entry.nfe)
            named[_common(members)] = members
    return named


def kind_of(family: str) -> str:
    """A family's name without its lengths and budget: the text before its first number, such as "Unrolled, K"."""
    return preset.family(family)


def drawn_names(frames: Frames) -> set[str]:
    """The families of chains of one data set, by kind and by name, and the paradigms with default options."""
    if frames.samples.empty:
        return set()
    found = entries(frames)
    named = [name for budget in by_budget(found) for name in families(budget)]
    return {*named, *map(kind_of, named), *(entry.paradigm for entry in found if not entry.options)}


def _common(members: list[Entry]) -> str:
    """The start that the members' titles share, then their lengths, then the end that they share."""
    titles = [entry.title for entry in members]
    start = _shared(titles)
    end = _shared([title[len(start) :][::-1] for title in titles])[::-1]
    lengths = [str(entry.nfe) for entry in members]
    if end.startswith("-"):  # "1-step chain", "4-step chain"
        return f"{start}{'/'.join(lengths)}{end}"
    return f"{start.rstrip(' =')} = {', '.join(lengths)}{end}"


def _shared(texts: list[str]) -> str:
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*texts, strict=False))
    return "".join(column[0] for column in columns)


def main(found: list[Entry], most: int) -> list[str]:
    """The variants to show where there are too many for a figure: those of the smallest budget if they are at most
    `most`, else of these the paradigms with their default options, of every family its longest chain of at most
    SHOWN_LENGTH steps, and of a paradigm that has neither its variant with the lowest ratio.

    found: of one task.
    """
    cheapest = next(iter(by_budget(found)), [])
    if len(cheapest) <= most:
        return [entry.variant for entry in cheapest]
    longest = [[e for e in members if e.nfe <= SHOWN_LENGTH][-1:] for members in families(cheapest).values()]
    chosen = {entry.variant for members in longest for entry in members}
    chosen |= {entry.variant for entry in cheapest if not entry.options}
    seen = {entry.paradigm for entry in cheapest if entry.variant in chosen}
    for entry in sorted(cheapest, key=lambda entry: (not entry.n, entry.ratio)):
        if entry.paradigm not in seen:
            chosen, seen = chosen | {entry.variant}, seen | {entry.paradigm}
    return [entry.variant for entry in cheapest if entry.variant in chosen]


def one_change(found: list[Entry]) -> tuple[Entry, list[tuple[str, Entry]]] | None:
    """The variant from which most others differ in one change, and (change in words, variant) of those others.

    None where there are fewer than four of them.
    """
    known = [entry for entry in found if entry.n]
    best = max(((base, list(_changed(base, known))) for base in known), key=lambda pair: len(pair[1]), default=None)
    return best if best and len(best[1]) >= 4 else None


def _changed(base: Entry, found: list[Entry]) -> Iterator[tuple[str, Entry]]:
    for entry in found:
        changes = entry.changes(base)
        adds = changes and (len(changes) == 1 or changes.keys().isdisjoint(base.options))
        if adds and len(changes) <= MOST_CHANGES and all(value is not None for value in changes.values()):
            yield ", ".join(f"{name} = {value}" for name, value in changes.items()), entry
