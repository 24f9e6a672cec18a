"""The depth study: test error against the number of hidden layers."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report.page import images, plots
from benchmarks.report.page.blocks import Block, Chart, Listing, Value, heads
from benchmarks.report.page.legend import names
from benchmarks.report.page.run import Run, shown
from benchmarks.report.page.sheets import listings

ORDER, TITLE = 35, "Test error against depth"
FIELDS = ["variant", "layers", "mean", "low", "high", "n"]
TEXT = (
    "Test error of every series against the number of hidden layers, with bands of ± 1 standard deviation over seeds."
)


def blocks(run: Run) -> list[Block]:
    """Per data set a chart and its numbers; then the tables of the study."""
    rows = run.rows.get("depth")
    if rows is None:
        return []
    found = [block for dataset in run.frames.datasets for block in _of(run, dataset, rows[rows.dataset == dataset])]
    return found + listings(run, "depth")


def _of(run: Run, dataset: str, rows: DataFrame) -> list[Block]:
    if rows.empty:
        return []
    frames, listing = run.frames.of(dataset), run.id("depth", dataset)
    spread = rows.error_sd.fillna(0)
    table = DataFrame({"variant": rows.series, "layers": rows.n_hidden_layers, "mean": rows.error})
    table = table.assign(low=(rows.error - spread).clip(lower=0), high=rows.error + spread, n=rows.n_seeds)
    tips = {"variant": "series", "layers": "hidden layers", "mean": "test error", "low": "1 sd below", "high": "above"}
    x = plots.axis("layers", "hidden layers", "linear")
    y = plots.axis("mean", "test error (lower is better)")
    chart = plots.lines(plots.base(), plots.colored(frames, names(frames)), x, y, tips)
    title = run.in_data("Test error against depth", dataset)
    cells = [
        [Value(row.variant, value=row.variant), *(Value(shown(row[name])) for name in FIELDS[1:])]
        for _, row in table.iterrows()
    ]
    columns = heads(["series", "layers", "error", "low", "high", "seeds"], FIELDS)
    picture = images.figure(run.figure("depth", dataset))
    specs = {"layers": plots.spec(chart, TEXT)}
    numbers = Listing(listing, f"Numbers: {title}", columns, cells)
    return [Chart(run.id("depth-chart", dataset), title, numbers, specs, TEXT, picture)]
