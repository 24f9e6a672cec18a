"""FID against evaluations as a chart that can be edited in the file."""

from __future__ import annotations

from matplotlib.colors import to_hex

from benchmarks.report import figures
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import ratio_of
from benchmarks.report.frames.frames import over_seeds
from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import Chart, Slide
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
    x_title = say("network evaluations per sample (NFE)")
    speech = (say("The same numbers as on the slide before, as a chart with its data in the file."),)
    chart = Chart(lines, x_title, y_title, drawn.finding)
    return Slide(drawn.finding, (chart,), drawn.run, speech, caption=drawn.caption)
