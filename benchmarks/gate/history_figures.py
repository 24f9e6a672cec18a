"""Draws a history: a panel per quantity over commits, with blessings and change points marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import DataFrame

from benchmarks.gate.change_points import change_points
from benchmarks.report.figures import style

MOST = 16  # panels of a figure
LABELS = 16  # commits that are named below a panel
UNITS = {"quality": "value of head", "counters": "value of head", "speed": "head / base"}
NOTE = (
    "Dashed: a blessing of this baseline. Vermillion: a change point (E-divisive, permutation test at 1 %); it is "
    "never used as a gate. Open marks: a tree with uncommitted changes."
)


def found_changes(table: DataFrame) -> dict[tuple[str, str, str], list[int]]:
    """(preset, stage, series) -> entries at which a change point lies; those without one are left out.

    table: as `history.series` returns it.
    """
    changes = {}
    for key, one in table.groupby(["preset", "stage", "series"], sort=False):
        if points := change_points(one.value.tolist()):
            changes[key] = [int(one.entry.iloc[point]) for point in points]
    return changes


def write(entries: Sequence[dict], table: DataFrame, changes: Mapping, folder: Path) -> list[Path]:
    """Draw one figure per preset and stage, history-PRESET-STAGE in all formats of the report; returns their paths.

    entries: of the history.
    table: as `history.series` returns it.
    changes: as `found_changes` returns them.
    folder: made if absent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with style.context():
        for (preset, stage), rows in table.groupby(["preset", "stage"], sort=False):
            path = folder / f"history-{preset}-{stage}"
            style.save(_figure(entries, rows, (preset, stage), changes), path)
            paths.append(path.with_name(f"{path.name}.png"))
    return paths


def _figure(entries: Sequence[dict], rows: DataFrame, key: tuple[str, str], changes: Mapping) -> Figure:
    preset, stage = key
    spread = rows.groupby("series", sort=False).value.agg(lambda values: values.max() / max(values.min(), 1e-12))
    shown = list(spread.sort_values(ascending=False, kind="stable").index[:MOST])
    columns = min(4, math.ceil(math.sqrt(len(shown))))
    fig = style.figure()
    axes = fig.subplots(math.ceil(len(shown) / columns), columns, sharex=True, squeeze=False).ravel()
    kinds = ("counters", "identity") if stage == "counters" else (stage,)
    blessed = [
        i for i, e in enumerate(entries) if e["event"] == "blessing" and e["preset"] == preset and e["kind"] in kinds
    ]
    for ax, name in zip(axes, shown, strict=False):
        _panel(ax, rows[rows.series == name], name, blessed, changes.get((preset, stage, name), []))
    for ax in axes[len(shown) :]:
        ax.set_visible(False)
    commits = rows.drop_duplicates("entry")
    for ax in axes[: len(shown)]:
        ax.set_xticks(
            commits.entry, [(commit or "?")[:7] for commit in commits.commit], rotation=90, fontsize=style.TINY
        )
    fig.suptitle(f"{stage} of preset {preset} ({UNITS[stage]})")
    left = len(spread) - len(shown)
    style.note(fig, NOTE, *([f"{left} further quantities, which vary least, are not shown."] if left else []))
    return fig


def _panel(ax: Axes, rows: DataFrame, name: str, blessed: Sequence[int], changed: Sequence[int]) -> None:
    ax.plot(rows.entry, rows.value, color=style.COLORS["blue"], linewidth=1.5)
    clean = ~rows.dirty.astype(bool)
    ax.plot(rows.entry[clean], rows.value[clean], "o", color=style.COLORS["blue"], markersize=5)
    ax.plot(
        rows.entry[~clean], rows.value[~clean], "o", color=style.COLORS["blue"], markersize=5, markerfacecolor="white"
    )
    if rows.low.notna().all():
        ax.fill_between(
            rows.entry, rows.low.astype(float), rows.high.astype(float), color=style.COLORS["sky"], alpha=0.3
        )
    for entry in blessed:
        ax.axvline(entry, color=style.theme().muted, linestyle=style.DASHED, linewidth=1.5)
    for entry in changed:
        ax.axvline(entry - 0.5, color=style.COLORS["vermillion"], linewidth=1.5)
    ax.set_title(name.replace(": ", "\n", 1), fontsize=style.TINY)
    ax.tick_params(labelsize=style.TINY)
