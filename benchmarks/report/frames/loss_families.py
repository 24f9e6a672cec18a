"""Generators by what their loss sees, one loss through the chain or local losses, and their FID ratios at few steps."""

from __future__ import annotations

from pandas import DataFrame, Series

from benchmarks.report.frames import leaders
from benchmarks.report.frames.chains import chains
from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.frames.intervals import bounds
from benchmarks.report.frames.lengths import by_flops
from benchmarks.report.frames.parts import listed

ONE_LOSS, LOCAL = "one loss", "local losses"
END_TO_END = "end-to-end"  # era of a method
NFES = (1, 2, 4, 8)
COLUMNS = ["variant", "family", "nfe", "sampler", "mean", "low", "high", "n"]


def family(frames: Frames) -> Series:
    """Generator -> ONE_LOSS or LOCAL.

    ONE_LOSS: an update trains an evaluation of the chain on its own input at inference, from a loss on the end of the
    chain (on-policy reach above 0 at the number of evaluations that it is trained for), or the method's era is
    end-to-end. LOCAL: every other generator.
    """
    cells = frames.cells[frames.cells.kind.eq("quality") & frames.cells.variant.isin(set(frames.samples.variant))]
    reached = {chain.variant for chain in chains(frames, "reach") if _on_policy(chain.quality["reach"]) > 0}
    found = {
        variant: ONE_LOSS if variant in reached or era == END_TO_END else LOCAL
        for variant, era in cells.groupby("variant").era.first().items()
    }
    return Series(found, dtype=object)


def _on_policy(reach: dict) -> float:
    """On-policy reach of the chain that samples, with as many evaluations as it is trained for, else with the most."""
    graphs = [graph for graph in listed(reach.get("graphs")) if graph.get("graph") == "generation"]
    natural = [graph for graph in graphs if graph.get("nfe") == reach.get("natural_nfe")]
    longest = max(natural or graphs, key=lambda graph: graph.get("nfe") or 0, default={})
    return longest.get("on_policy_reach") or 0.0


def loss_families(frames: Frames) -> DataFrame:
    """One row per generator without marks and number of evaluations in NFES, at its best sampler there.

    frames: of one data set. Of several training budgets, the one with the most generators of both families is shown,
    the largest of several that have as many; the table is empty where no budget has both. mean, low, high: FID ratio
    and its 95 % t interval over n seeds.
    """
    families = family(frames)
    done = frames.cells[frames.cells.kind.eq("quality") & frames.cells.status.eq("done")]
    flops = done.groupby("variant").train_flops.first()
    budgets = [names for _, names in by_flops(flops[flops.index.isin(families.index)].astype(float))]
    for names in sorted(reversed(budgets), key=len, reverse=True):
        table = _table(frames.only(names), families)
        if table.family.nunique() == 2:
            return table
    return DataFrame(columns=COLUMNS)


def best(table: DataFrame) -> DataFrame:
    """The rows with the lowest mean of each family and number of evaluations, where both families have one."""
    both = [nfe for nfe, rows in table.groupby("nfe") if rows.family.nunique() == 2]
    lowest = [rows["mean"].idxmin() for _, rows in table[table.nfe.isin(both)].groupby(["nfe", "family"])]
    return table.loc[lowest]


def _table(frames: Frames, families: Series) -> DataFrame:
    keys = ["variant", "sampler", "nfe_asked"]
    means = over_seeds(frames.samples, keys, "fid_ratio").dropna(subset="mean")
    rows = []
    for nfe in NFES:
        chosen = leaders.leaders(frames, nfe)[keys].merge(means, on=keys)
        low, high = bounds(chosen["mean"], chosen.sd, chosen.n, 0)
        for row, *interval in zip(chosen.itertuples(index=False), low, high, strict=True):
            rows.append((row.variant, families[row.variant], nfe, row.sampler, row.mean, *interval, row.n))
    return DataFrame(rows, columns=COLUMNS)
