"""FID against evaluations as a chart that can be edited in the file."""

from __future__ import annotations

from matplotlib.colors import to_hex
from pandas import DataFrame

from benchmarks.report import estimates as stated
from benchmarks.report import figures
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import ratio_of
from benchmarks.report.formats import number, plus_minus
from benchmarks.report.frames import leaders
from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.frames.intervals import half_width
from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import NativeChart, Slide
from benchmarks.report.talk.runs import Runs

ORDER = 70
NEEDS = "generators with FIDs"


def slide(runs: Runs) -> Slide | None:
    """The lines of the first sampler of every generator."""
    drawn = runs.drawn("fid_vs_nfe", layout.on_stage(layout.BODY))
    if drawn is None:
        return None
    frames = figures.shown("fid_vs_nfe", drawn.run.frames)
    samples = frames.samples[frames.samples.primary.eq(True)]
    value, y_title = ratio_of(samples)
    means = over_seeds(samples, ["variant", "nfe"], value).dropna(subset="mean").sort_values("nfe")
    lines = {
        style.label(frames, variant): (
            to_hex(style.look(frames, variant).color),
            own.nfe.tolist(),
            own["mean"].tolist(),
        )
        for variant, own in means.groupby("variant")
    }
    found = leaders.leaders(frames, int(means.nfe.min()))[:2]
    ratios = zip(found.variant, found.fid_ratio, strict=True)
    title = say(
        "FID ratio with {nfe} NFE: {found}",
        nfe=f"{means.nfe.min():g}",
        found=say("; ").join(f"{style.label(frames, name)} {number(ratio)}" for name, ratio in ratios),
    )
    title = title if len(found) else drawn.finding
    x_title = say("network evaluations per sample (NFE)")
    speech = (say("The same numbers as on the slide before, as a chart with its data in the file."),)
    chart = NativeChart(lines, x_title, y_title, title)
    estimates = (*_in_title(frames, found), *_line_by_line(frames, means))
    return Slide(title, (chart,), drawn.run, speech, caption=drawn.caption, estimates=estimates)


def _in_title(frames: Frames, found: DataFrame) -> list[str]:
    """The ratios of the title."""
    rows = [row for _, row in found.iterrows()]
    return [stated.of_values(style.label(frames, row.variant), leaders.by_seed(frames, row)) for row in rows]


def _line_by_line(frames: Frames, means: DataFrame) -> list[str]:
    """The points of every line of the chart."""
    points = means.assign(half=half_width(means.sd, means.n))
    written = [f"{row.nfe:g} NFE {plus_minus(row['mean'], row.half)}" for _, row in points.iterrows()]
    lines = points.assign(written=written).groupby("variant").written.agg(say("; ").join)
    return [say("{name}: {points}", name=style.label(frames, name), points=line) for name, line in lines.items()]
