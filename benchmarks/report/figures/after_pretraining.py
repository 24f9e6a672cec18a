"""What training after local pre-training adds: FID of a variant over that of the one whose weights it starts from."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import DataFrame, Series, isna

from benchmarks.report import caption
from benchmarks.report import estimates as stated
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import plain_log
from benchmarks.report.formats import number
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.ratios import ratios
from benchmarks.report.languages import say
from benchmarks.report.languages.wrapping import balanced

SHOWN = "all"
NAME_WIDTH = 40  # letters of a line of a pair's name


def draw(frames: Frames) -> Figure | None:
    """One line per declared pair: the paired ratio with its 95 % interval; open: by the second scoring network."""
    rows = pairs(frames)
    if rows.empty:
        return None
    fig = style.figure(_finding(frames, rows), estimates=_estimates(frames, rows))
    ax = fig.subplots()
    for height, (_, row) in enumerate(rows[::-1].iterrows()):
        _line(ax, row, "ratio", height + 0.13, style.theme().series["purple"], filled=True)
        _line(ax, row, "ratio2", height - 0.13, style.theme().series["blue"], filled=False)
    ax.axvline(1, color=style.theme().muted, linewidth=2, zorder=1)
    ax.set_yticks(
        range(len(rows)),
        ["\n".join(balanced(_pair(frames, row), NAME_WIDTH)) for _, row in rows[::-1].iterrows()],
        fontsize=style.SMALL,
    )
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xscale("log")
    plain_log(ax.xaxis, decades=4)
    ax.set_xlabel(say("FID over that of its starting method (below 1 is better)"))
    ax.legend(loc="best", fontsize=style.SMALL, frameon=False)
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. Geometric mean over {caption.seeds(frames, set(rows.variant_a))}, with "
        "its 95 % t interval on the logarithmic scale. Training FLOPs are equal, pre-training included. A pair is "
        "settled where by both networks the interval excludes 1 and p, after Holm's correction, is below 0.05.",
        caption.origin(frames),
    )
    return fig


def pairs(frames: Frames) -> DataFrame:
    """The paired ratios of variants to those that they start from, with the same training FLOPs."""
    rows = ratios(frames)
    cells = frames.cells[frames.cells.kind.eq("quality") & frames.cells.status.eq("done")].groupby("variant")
    start, flops = cells.starts_from.first(), cells.train_flops.mean()
    kept = [
        start.get(row.variant_a) == row.variant_b and abs(flops[row.variant_a] / flops[row.variant_b] - 1) < 0.05
        for row in rows.itertuples()
    ]
    return rows[kept].reset_index(drop=True)


def _line(ax: Axes, row: Series, name: str, height: float, color: str, filled: bool) -> None:
    if isna(row[name]):
        return
    low, high = row[f"{name}_ci_low"], row[f"{name}_ci_high"]
    spread = None if isna(low) else [[row[name] - low], [high - row[name]]]
    shown = say("first scoring network") if filled else say("second scoring network")
    known = ax.get_legend_handles_labels()[1]
    look = {"markerfacecolor": color if filled else style.theme().paper, "markeredgewidth": 2, "capsize": 4}
    ax.errorbar(row[name], height, xerr=spread, fmt="D", color=color, label=None if shown in known else shown, **look)


def _pair(frames: Frames, row: Series) -> str:
    return say(
        "{a}, {nfe_a} NFE, against {b}, {nfe_b} NFE",
        **{"a": style.label(frames, row.variant_a), "b": style.label(frames, row.variant_b)},
        **{"nfe_a": row.nfe_a, "nfe_b": row.nfe_b},
    )


def _estimates(frames: Frames, rows: DataFrame) -> list[str]:
    """The ratios of the title by both scoring networks."""
    networks = {"ratio": say("first scoring network"), "ratio2": say("second scoring network")}
    return [
        stated.of_ratio(
            say("{pair}, {network}", pair=_pair(frames, row), network=words),
            *(row[f"{name}{part}"] for part in ("", "_ci_low", "_ci_high")),
            row.n_seeds,
        )
        for row in _in_title(rows)
        for name, words in networks.items()
        if not isna(row[name])
    ]


def _in_title(rows: DataFrame) -> list[Series]:
    """The first pair at equal evaluations, and the first against more of them."""
    equal, more = rows[rows.nfe_a == rows.nfe_b], rows[rows.nfe_a < rows.nfe_b]
    return [some.iloc[0] for some in (equal, more) if len(some)]


def _finding(frames: Frames, rows: DataFrame) -> str:
    texts = [_ratio(frames, row) for row in _in_title(rows)]
    return say("; ").join(texts) or say("FID after pre-training over that of the pre-trained method")


def _ratio(frames: Frames, row: Series) -> str:
    values = {"a": style.label(frames, row.variant_a), "b": style.label(frames, row.variant_b)}
    values |= {"ratio": number(row.ratio), "nfe_a": row.nfe_a, "nfe_b": row.nfe_b}
    if row.nfe_a == row.nfe_b:
        return say("{a} has {ratio} times the FID of {b}, both with {nfe_a} NFE", **values)
    return say("{ratio} times that of {b} with {nfe_b} NFE", **values)
