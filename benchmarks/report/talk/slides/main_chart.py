"""FID against evaluations as a chart that can be edited in the file."""

from __future__ import annotations

from matplotlib.colors import to_hex

from benchmarks.report import figures
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import ratio_of
from benchmarks.report.formats import number
from benchmarks.report.frames import leaders
from benchmarks.report.frames.frames import over_seeds
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
    return Slide(title, (chart,), drawn.run, speech, caption=drawn.caption)
