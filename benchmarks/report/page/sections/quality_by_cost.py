"""FID ratio against what sampling costs: evaluations, milliseconds, FLOPs per sample."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.page import images, plots
from benchmarks.report.page.blocks import Block, Chart, Listing, Value, heads
from benchmarks.report.page.legend import names
from benchmarks.report.page.run import Run, shown

ORDER, TITLE = 40, "Quality against the cost of sampling"
COLUMNS = {
    **{"variant": "method", "sampler": "sampler", "nfe": "NFE", "sample_ms_per_image": "ms/image"},
    **{"flops_per_sample": "FLOPs/sample", "fid_ratio": "FID ratio", "fid_ratio_ci_low": "low"},
    **{"fid_ratio_ci_high": "high", "fid2_ratio": "FID ratio 2", "n_seeds": "seeds", "fid_extractor": "extractor"},
}
FIELDS = [*["variant", "sampler", "nfe", "ms", "flops", "mean", "low", "high", "second", "n", "extractor"]]
COSTS = ["nfe", "sample_ms_per_image", "flops_per_sample"]  # columns of the comparison that are the axes
WORDS = {"variant", "sampler", "fid_extractor"}
AXES = {
    "evaluations (NFE)": plots.axis("nfe", "network evaluations per sample (NFE)", "log2"),
    "milliseconds": plots.axis("ms", "milliseconds per image"),
    "FLOPs per sample": plots.axis("flops", "FLOPs per sample"),
}
TIPS = {"title": "method", "sampler": "sampler", "nfe": "NFE", "mean": "FID ratio", "low": "95 % interval from"}
TIPS |= {"high": "to", "second": "FID ratio 2", "n": "training seeds", "extractor": "scored by", "ms": "ms per image"}
TEXT = "FID ratio of every method and sampler against {axis}, with bands of the 95 % interval over training seeds."


def blocks(run: Run) -> list[Block]:
    """Per data set a chart and its numbers."""
    found: list[Block] = []
    for dataset in run.frames.datasets:
        rows = run.comparison[run.comparison.dataset == dataset].dropna(subset="fid_ratio")
        if len(rows):
            found += _of(run, dataset, rows)
    return found


def _of(run: Run, dataset: str, rows: DataFrame) -> list[Block]:
    frames, listing = run.frames.of(dataset), run.id("quality", dataset)
    look = plots.colored(frames, names(frames))
    y = plots.axis("mean", "FID ratio (lower is better)")
    specs = {}
    bands = bool(rows.fid_ratio_ci_low.notna().any())
    for (words, x), name in zip(AXES.items(), COSTS, strict=True):
        if rows[name].isna().all():
            continue
        lines = plots.lines(plots.base(), look, x, y, TIPS, ("sampler",), bands)
        floor = plots.floor(1, "real training images")
        specs[words] = plots.spec(lines + floor, TEXT.format(axis=words))
    text = (
        f"{TEXT.format(axis='the cost of sampling')} Lower is better; the grey line, at 1, is the distance of real "
        f"training images. {caption.timing(frames)}"
    )
    title = run.in_data("FID ratio against the cost of sampling", dataset)
    picture = images.figure(run.figure("fid_vs_nfe", dataset))
    cells = [
        [run.variant(row.variant), *(Value(row[name] or "") if name in WORDS else Value(shown(row[name])) for name in
         list(COLUMNS)[1:])]
        for _, row in rows.iterrows()
    ]  # fmt: skip
    numbers = Listing(listing, f"Numbers: {title}", heads([*COLUMNS.values()], FIELDS), cells)
    return [Chart(run.id("quality-chart", dataset), title, numbers, specs, text, picture)]
