"""One loss through the chain against local losses: every generator with few evaluations at equal training FLOPs."""

from __future__ import annotations

import altair as alt
from pandas import DataFrame

from benchmarks.report.figures.loss_families import LOOKS
from benchmarks.report.figures.theme import OKABE_ITO
from benchmarks.report.frames.loss_families import ONE_LOSS, loss_families
from benchmarks.report.page import images, plots
from benchmarks.report.page.blocks import Block, Chart, Listing, Value, heads
from benchmarks.report.page.looks import NAMED
from benchmarks.report.page.run import Run, shown

ORDER, TITLE = 37, "One loss through the chain against local losses"
FIELDS = ["variant", "family", "nfe", "sampler", "mean", "low", "high", "n"]
HEADS = ["method", "kind of loss", "NFE", "sampler", "FID ratio", "low", "high", "seeds"]
TIPS = {"title": "method", "sampler": "sampler", "mean": "FID ratio", "low": "95 % interval from", "high": "to"}
TIPS |= {"n": "training seeds"}
TEXT = (
    "FID ratio of every method with 1, 2, 4 and 8 network evaluations, with 95 % intervals over training seeds, at "
    "equal training FLOPs. Diamonds: one loss through the chain. Discs: local losses. Lower is better; 1 is as close "
    "to held-out images as real training images are."
)
ROW = 26  # pixels of a method


def blocks(run: Run) -> list[Block]:
    """Per data set a chart and its numbers, where both kinds of losses have methods of one budget."""
    tables = {dataset: loss_families(run.frames.of(dataset)) for dataset in run.frames.datasets}
    return [_chart(run, dataset, table) for dataset, table in tables.items() if len(table)]


def _chart(run: Run, dataset: str, table: DataFrame) -> Chart:
    title = run.in_data("FID ratio with few evaluations, by kind of loss", dataset)
    cells = [
        [
            *(run.variant(row.variant), Value(row.family), Value(f"{row.nfe}"), Value(row.sampler)),
            *(Value(shown(row[name])) for name in FIELDS[4:]),
        ]
        for _, row in table.iterrows()
    ]
    numbers = Listing(run.id("families", dataset), f"Numbers: {title}", heads(HEADS, FIELDS), cells)
    specs = {f"{nfe} NFE": plots.spec(_drawn(run, table, nfe), TEXT) for nfe in sorted(table.nfe.unique())}
    picture = images.figure(run.figure("loss_families", dataset))
    return Chart(run.id("families-chart", dataset), title, numbers, specs, TEXT, picture, switch="With")


def _drawn(run: Run, table: DataFrame, nfe: int) -> alt.LayerChart:
    """A row per method, one loss first, with its interval at one number of evaluations; axes as at all others."""
    lowest = table.groupby(["family", "variant"])["mean"].min().reset_index()
    order = lowest.assign(local=lowest.family != ONE_LOSS).sort_values(["local", "mean"]).variant
    low, high = table["mean"].min(), table["mean"].max()
    x, settings = plots.axis(
        "mean", "FID ratio (lower is better)", domain=[min(0.6, 0.7 * low), 1.5 * high], clamp=True
    )
    titles = list(dict.fromkeys(run.titles.get(name, name) for name in order))
    y = alt.Y("title:N", sort=titles, title=None, scale=alt.Scale(domain=titles), axis=alt.Axis(grid=True))
    colors, shapes = ([part[place] for part in LOOKS.values()] for place in (0, 1))
    color = alt.Color("family:N", legend=None, scale=plots.scale([*LOOKS], [OKABE_ITO[name] for name in colors]))
    shape = alt.Shape("family:N", legend=None, scale=plots.scale([*LOOKS], [NAMED[name] for name in shapes]))
    chart = plots.base(every=True).properties(height=ROW * len(titles)).transform_filter(alt.datum.nfe == int(nfe))
    bar = chart.mark_rule(strokeWidth=2).encode(alt.X("low:Q", **settings), alt.X2("high:Q"), y=y, color=color)
    point = chart.mark_point(filled=True, size=90).encode(
        alt.X(x, **settings), y=y, color=color, shape=shape, tooltip=plots.tips_of(TIPS), opacity=plots.opacity(1, 0.15)
    )
    rule = alt.Chart(alt.InlineData([{"at": 1}])).mark_rule(color=plots.GREY, strokeDash=[6, 3], strokeWidth=2)
    return alt.layer(rule.encode(alt.X("at:Q")), bar, point)
