"""How figures look: one colour, marker and dash per variant everywhere, read from the back row, the same bytes twice.

Colours: Okabe and Ito, "Color Universal Design" (2008), without the yellow, which is 1.3 to 1 on white.
"""

from __future__ import annotations

import hashlib
import textwrap
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure

FIGSIZE = (12.8, 7.2)
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#767676"
SOLID, DASHED, DOTTED, DASHDOT = "-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5))
SMALL, TINY = 13, 10
FORMATS = {
    "png": {"dpi": 200, "metadata": {"Software": None}},
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"CreationDate": None}},
}
NOTE_WIDTH = 170  # characters of TINY print


class Look(NamedTuple):
    """What tells a series from the others: colour, marker and dash, each enough alone among the known variants."""

    color: str
    marker: str
    dash: str | tuple


KNOWN = {
    "dbn": Look(ORANGE, "s", SOLID),
    "sdae": Look(SKY, "D", SOLID),
    "end-to-end": Look(BLACK, "o", SOLID),
    "end-to-end-mlp": Look(BLACK, "X", DASHED),
    "diffusion": Look(BLUE, "o", SOLID),
    "unrolled-k1": Look(VERMILLION, "v", DASHED),
    "unrolled-k4": Look(VERMILLION, "^", SOLID),
    "diffusion-unrolled-k4": Look(PURPLE, "P", SOLID),
    "meanflow": Look(GREEN, "*", SOLID),
    "drifting": Look(PURPLE, "H", DASHED),
    "shortcut": Look(SKY, "d", DASHED),
}
# Lines of figures over depth, which never stand beside variants.
SERIES = {
    "sigmoid, standard start": Look(VERMILLION, "X", DASHED),
    "sigmoid, Glorot start x 4": Look(PURPLE, "v", DASHED),
    "sigmoid, RBMs": Look(ORANGE, "s", SOLID),
    "sigmoid, denoising": Look(SKY, "D", SOLID),
    "tanh, Glorot start": Look(GREEN, "^", DASHED),
    "ReLU, He start": Look(BLACK, "o", SOLID),
    "ReLU, He start, batch norm": Look(BLUE, "P", SOLID),
}
# Samplers of the layer-wise era, which stand beside one another.
CHAINS = {
    "chains-pcd": Look(ORANGE, "s", SOLID),
    "chains-cd1": Look(VERMILLION, "v", DASHED),
    "chains-rdm10": Look(GREEN, "^", DASHED),
    "dae": Look(SKY, "D", SOLID),
    "dae-walkback": Look(BLUE, "P", DASHED),
}
# Recognisers of that era and after it, which stand beside one another and beside those samplers.
RECOGNISERS = {
    "alexnet": Look(BLACK, "o", SOLID),
    "dbn-fine-tuned": Look(ORANGE, "p", DASHDOT),
    "dbn-labels": Look(VERMILLION, "<", SOLID),
    "dbn-labels-up-down": Look(VERMILLION, ">", DOTTED),
    "sdae-3": Look(SKY, "d", DASHDOT),
    "mlp-relu": Look(BLUE, "X", DASHED),
    "mlp-glorot": Look(PURPLE, "h", DASHED),
    "mlp-standard": Look(GREEN, "8", DOTTED),
}
# Chains fine-tuned after diffusion, and a peer, which stand beside paradigms.
FINE_TUNED = {
    "diffusion-k1": Look(ORANGE, "<", DASHED),
    "diffusion-k4": Look(PURPLE, "P", SOLID),
    "diffusion-k4-last1": Look(ORANGE, "p", SOLID),
    "diffusion-k4-drift": Look(BLACK, "h", DASHED),
    "torchcfm": Look(BLACK, "x", SOLID),
}
# Lines over the length of chains, which stand beside paradigms.
FAMILIES = {
    "Unrolled, K": Look(VERMILLION, "v", DASHED),
    "Diffusion, then K": Look(PURPLE, "P", SOLID),
}
FREE_COLORS = [BLACK, ORANGE, SKY, GREEN, BLUE, VERMILLION, PURPLE]
FREE_MARKERS = ["<", ">", "p", "h", "x", "8"]
FREE_DASHES = [DOTTED, DASHDOT]


def look(variant: str) -> Look:
    """The look of a variant or series. One that is not known gets its own from its name alone, in any company."""
    named = KNOWN | SERIES | CHAINS | RECOGNISERS | FINE_TUNED | FAMILIES
    if variant in named:
        return named[variant]
    number = int.from_bytes(hashlib.sha256(variant.encode()).digest()[:6], "big")
    picked = []
    for choices in (FREE_COLORS, FREE_MARKERS, FREE_DASHES):
        number, index = divmod(number, len(choices))
        picked.append(choices[index])
    return Look(*picked)


def context() -> AbstractContextManager:
    """The settings under which figures are drawn and saved."""
    settings = sns.axes_style("whitegrid") | sns.plotting_context("talk", font_scale=0.95)
    return mpl.rc_context(
        settings
        | {
            "font.family": ["DejaVu Sans"],  # comes with matplotlib, so every machine draws the same bytes
            "svg.fonttype": "path",
            "svg.hashsalt": "alexnet-moment",
            "pdf.fonttype": 42,
            "grid.color": "#e4e4e4",
            "axes.edgecolor": "#444444",
            "lines.linewidth": 3,
            "lines.markersize": 10,
            "axes.titlesize": 17,
            "axes.axisbelow": True,
        }
    )


def figure() -> Figure:
    """An empty 16:9 figure that makes room for its labels."""
    fig = Figure(figsize=FIGSIZE, layout="constrained")
    fig.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
    return fig


def ink(color: str) -> tuple[float, ...]:
    """A colour darkened for text: the light ones of the palette are 2.3 to 1 on white."""
    return tuple(0.72 * channel for channel in mpl.colors.to_rgb(color))


def note(fig: Figure, *lines: str) -> None:
    """The small print under a figure."""
    wrapped = [part for line in lines for part in textwrap.wrap(line, NOTE_WIDTH)]
    fig.supxlabel("\n".join(wrapped), fontsize=TINY, color=GREY, x=0.01, ha="left")


def save(fig: Figure, path: Path) -> None:
    """Write `path` in every one of `FORMATS`, with no date in them."""
    fig.draw_without_rendering()
    fig.set_layout_engine("none")  # laid out once, not once a format: it is most of the time
    for form, settings in FORMATS.items():
        fig.savefig(path.with_name(f"{path.name}.{form}"), **settings)
