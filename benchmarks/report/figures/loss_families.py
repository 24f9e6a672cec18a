"""One loss through the chain against local losses: FID ratio of every generator at 1, 2, 4 and 8 evaluations."""

from __future__ import annotations

from itertools import accumulate

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report import estimates as stated
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import ratio_title
from benchmarks.report.formats import number
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.intervals import half_shown
from benchmarks.report.frames.loss_families import LOCAL, ONE_LOSS, best, loss_families
from benchmarks.report.languages import say
from benchmarks.report.languages.wrapping import balanced

SHOWN = "all"
LOOKS = {ONE_LOSS: ("vermillion", "D"), LOCAL: ("blue", "o")}
NAME_WIDTH, NAME_WIDTH_ON_STAGE = 46, 36  # letters of a line of a name
LINE = 0.25  # inches of a line of a name
FURNITURE = 2.9  # inches of title, axis and caption
MOST_TICKS = 12  # of all panels of a slide
ASIDE_WIDTH, ASIDE_LINE = 78, 0.25  # letters and inches of a line below the panels of a slide
LINES_ON_STAGE = 13  # of the names of a figure on a slide, with those of the families


def draw(frames: Frames) -> Figure | None:
    """A row per method and a panel per number of evaluations: the mean with its 95 % interval, coloured by family.

    On a slide a number of evaluations with which one family alone was sampled has a line of text instead of a panel.
    """
    table = loss_families(frames)
    lowest = best(table)
    if lowest.empty:
        return None
    alone = _lowest_alone(table, lowest)
    shown, aside = (table[table.nfe.isin(lowest.nfe)], alone) if style.on_stage() else (table, alone[:0])
    below = balanced(_without_panel(frames, aside), ASIDE_WIDTH) if len(aside) else []
    names = _names(frames, shown)
    if style.on_stage():
        names = _for_stage(table, names, LINES_ON_STAGE - len(below))
    estimates = [*_estimates(frames, lowest), *_estimates(frames, alone)]
    fig = style.figure(_finding(lowest), sum(map(len, names.values())) * LINE + FURNITURE, estimates)
    _write_below(fig, below)
    _panels(fig, shown, lowest, names)
    _note(fig, frames, table)
    return fig


def _lowest_alone(table: DataFrame, lowest: DataFrame) -> DataFrame:
    """The rows with the lowest means with numbers of evaluations for which `lowest` has no row."""
    alone = table[~table.nfe.isin(lowest.nfe)]
    return table.loc[alone.groupby("nfe")["mean"].idxmin()]


def _panels(fig: Figure, table: DataFrame, lowest: DataFrame, names: dict[str, list[str]]) -> None:
    nfes = sorted(table.nfe.unique())
    panels = fig.subplots(1, len(nfes), sharex=True, sharey=True, squeeze=False, gridspec_kw={"wspace": 0.04})[0]
    places = _rows(panels[0], table, names)
    for ax, nfe in zip(panels, nfes, strict=True):
        _panel(ax, table[table.nfe.eq(nfe) & table.variant.isin(places)], places, lowest[lowest.nfe == nfe])
        ax.set_title(say("{nfe} NFE", nfe=nfe), fontsize=style.SMALL + 2)
    # Intervals of two seeds may be longer than any axis.
    panels[0].set_xlim(min(0.7, 0.7 * table["mean"].min()), 1.7 * table["mean"].max())
    decades = [10**power for power in range(4) if 10**power <= 1.7 * table["mean"].max()]
    decades = decades[::2] if style.on_stage() and len(decades) * len(panels) > MOST_TICKS else decades
    panels[0].set_xticks(decades, [f"{decade}" for decade in decades])
    panels[0].xaxis.set_minor_formatter(NullFormatter())
    panels[0].set_xlabel(ratio_title(), loc="left", fontsize=style.SMALL)


def _note(fig: Figure, frames: Frames, table: DataFrame) -> None:
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. Means over {caption.seeds(frames, set(table.variant))} with their "
        "95 % t intervals, each method at its best sampler; training FLOPs are equal, pre-training included. Filled: "
        "the lowest mean of its family with so many evaluations. One loss: an update trains evaluations of the chain "
        "on their own inputs at inference, from a loss on the end of the chain (on-policy reach above 0), or the "
        "method's era is end-to-end. Local losses: all others. "
        + caption.absent(frames.only(frames.samples.variant), set(table.variant), "with another budget or with marks"),
        caption.scoring(frames),
        caption.origin(frames),
    )


def _names(frames: Frames, table: DataFrame) -> dict[str, list[str]]:
    """The lines of the names of families and their methods, from the top: each family by the lowest of the means."""
    most = NAME_WIDTH_ON_STAGE if style.on_stage() else NAME_WIDTH
    words = {ONE_LOSS: say("one loss through the chain"), LOCAL: say("local losses")}
    names = {}
    for family in LOOKS:
        means = table[table.family == family].groupby("variant")["mean"].min().sort_values()
        names[family] = balanced(words[family], most)
        names |= {variant: balanced(style.label(frames, variant), most) for variant in means.index}
    return names


def _for_stage(table: DataFrame, names: dict[str, list[str]], n_lines: int) -> dict[str, list[str]]:
    """The families and as many methods as fit into lines, first those that are lowest with some evaluations, whether
    these have a panel or not."""
    ranks = table.groupby(["nfe", "family"])["mean"].rank().groupby(table.variant).min()
    chosen, left = {*LOOKS}, n_lines - len(LOOKS)
    for variant in sorted(ranks.index.intersection([*names]), key=ranks.get):
        if len(names[variant]) <= left:
            chosen.add(variant)
            left -= len(names[variant])
    return {name: lines for name, lines in names.items() if name in chosen}


def _rows(ax: Axes, table: DataFrame, names: dict[str, list[str]]) -> dict[str, float]:
    """Write the names in the colours of their families; returns the height of every row."""
    ends = [*accumulate(map(len, names.values()))]
    places = {name: end - len(lines) / 2 for (name, lines), end in zip(names.items(), ends, strict=True)}
    ax.set_ylim(ends[-1] + 0.3, -0.2)
    ax.set_yticks([*places.values()], ["\n".join(lines) for lines in names.values()], fontsize=style.SMALL - 1)
    families = table.groupby("variant").family.first()
    for label, name in zip(ax.get_yticklabels(), places, strict=True):
        label.set_color(style.ink(style.theme().series[LOOKS[families.get(name, name)][0]]))
        label.set_fontweight("bold" if name in LOOKS else "normal")
    return places


def _panel(ax: Axes, rows: DataFrame, places: dict[str, float], lowest: DataFrame) -> None:
    series, paper = style.theme().series, style.theme().paper
    for _, row in rows.iterrows():
        color, marker = LOOKS[row.family]
        known = row.low == row.low
        spread = [[row["mean"] - max(row.low, row["mean"] / 20)], [row.high - row["mean"]]] if known else None
        fill = series[color] if row.variant in set(lowest.variant) else paper
        look = {"fmt": marker, "color": series[color], "markerfacecolor": fill, "markeredgewidth": 2, "markersize": 8}
        ax.errorbar(row["mean"], places[row.variant], xerr=spread, capsize=4, elinewidth=2, zorder=3, **look)
    for family in LOOKS:
        ax.axhline(places[family] - 0.5, color=style.theme().grid, linewidth=1, zorder=0)
    ax.axvline(1, color=style.theme().muted, linestyle=(0, (6, 3)), linewidth=2, zorder=1)
    ax.set_xscale("log")
    ax.tick_params(axis="x", labelsize=style.SMALL)
    ax.grid(False, axis="y")


def _write_below(fig: Figure, lines: list[str]) -> None:
    """Write lines below the panels of a slide."""
    if lines:
        share = len(lines) * ASIDE_LINE / fig.get_figheight()
        fig.get_layout_engine().set(rect=(0, share, 1, 1 - share))
        fig.text(0.012, share / 2, "\n".join(lines), va="center", fontsize=style.SMALL, color=style.theme().muted)


def _without_panel(frames: Frames, lowest: DataFrame) -> str:
    """With which numbers of evaluations methods of one family alone were sampled, and the lowest ratio of each."""
    words = {
        LOCAL: "Only local losses were sampled with {nfes} NFE; lowest: {found}",
        ONE_LOSS: "Only methods with one loss were sampled with {nfes} NFE; lowest: {found}",
    }
    texts = []
    for family, rows in lowest.groupby("family"):
        found = [f"{style.label(frames, row.variant)} {number(row['mean'])}" for _, row in rows.iterrows()]
        nfes = ", ".join(f"{nfe}" for nfe in rows.nfe)
        texts.append(say(words[family], nfes=nfes, found=say("; ").join(found)))
    return say("; ").join(texts)


def _estimates(frames: Frames, rows: DataFrame) -> list[str]:
    """The means of some rows of the table with their intervals."""
    return [
        stated.of_mean(
            say("{name}, {nfe} NFE", name=style.label(frames, row.variant), nfe=row.nfe),
            *(row["mean"], half_shown(row["mean"], row.low, row.high), row.n),
        )
        for _, row in rows.iterrows()
    ]


def _finding(lowest: DataFrame) -> str:
    """The lowest ratio of each family with the fewest and with about 4 evaluations."""
    means = lowest.set_index(["nfe", "family"])["mean"]
    nfes = sorted(set(lowest.nfe))
    texts = [
        say(
            "{one} against {local} with {nfe} NFE",
            **{"one": number(means[nfe, ONE_LOSS]), "local": number(means[nfe, LOCAL]), "nfe": nfe},
        )
        for nfe in dict.fromkeys((nfes[0], min(nfes, key=lambda nfe: abs(nfe - 4))))
    ]
    return say("Lowest FID ratio, one loss against local losses: {found}", found=say("; ").join(texts))
