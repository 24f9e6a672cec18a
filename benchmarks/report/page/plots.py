"""Charts as Altair makes them: lines with bands, whose series the legend and the tables of the page switch.

Two parameters connect a chart with the page: `hidden`, the series that are switched off, and `chosen`, those that are
selected in a table, if any, which stand out. A chart draws the rows of a listing, which the page hands over as `rows`.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from benchmarks.report.frames.frames import Frames
from benchmarks.report.page.looks import drawn

HEIGHT, SMALL_HEIGHT = 380, 240
GREY = "#767676"
ON = "indexof(hidden, datum.variant) < 0"
STANDS_OUT = "length(chosen) == 0 || indexof(chosen, datum.variant) >= 0"
WORDS = {"title", "variant", "sampler", "extractor", "stage", "own"}  # values that are no numbers
Fields = dict[str, str]


def base(small: bool = False, every: bool = False) -> alt.Chart:
    """A chart of the listing's rows of the series that are switched on. every: of those that are switched off, too."""
    hidden, chosen = alt.param(name="hidden", value=[]), alt.param(name="chosen", value=[])
    chart = alt.Chart(alt.NamedData("rows"), width="container", height=SMALL_HEIGHT if small else HEIGHT)
    chart = chart.add_params(hidden, chosen)
    return chart if every else chart.transform_filter(ON)


def axis(field: str, title: str, kind: str = "log", **scale: object) -> tuple[str, dict]:
    """(shorthand, settings) of a quantitative axis. kind: "log", "log2" or "linear"."""
    ticks = {"format": "~e"} if field == "flops" else {}
    if kind == "log2":
        scale |= {"type": "log", "base": 2}
    else:
        scale |= {"type": kind, "zero": False} if kind == "linear" else {"type": kind}
    return f"{field}:Q", {"title": title, "scale": alt.Scale(nice=False, padding=6, **scale), "axis": alt.Axis(**ticks)}


def colored(frames: Frames, names: Sequence[str], field: str = "variant") -> dict:
    """Encodings of colour, shape and dash by series, without a legend of their own."""
    looks = [drawn(frames, name) for name in names]
    return {
        "color": alt.Color(f"{field}:N", legend=None, scale=scale(names, [look.color for look in looks])),
        "shape": alt.Shape(f"{field}:N", legend=None, scale=scale(names, [look.shape for look in looks])),
        "strokeDash": alt.StrokeDash(f"{field}:N", legend=None, scale=scale(names, [look.dash for look in looks])),
    }


def scale(names: Sequence[str], values: list) -> alt.Scale:
    """A scale that maps each name to its value."""
    return alt.Scale(domain=list(names), range=values)


def lines(
    chart: alt.Chart,
    look: dict,
    x: tuple,
    y: tuple,
    tooltip: Fields,
    detail: Sequence[str] = (),
    bands: bool = True,
    size: int = 90,
) -> alt.LayerChart:
    """Lines with points, and with bands from `low` to `high`, of which neither needs to be known.

    look: as `colored` returns it. x, y: as `axis` returns them. tooltip: name of a value -> its words. detail: values
    by which a series has several lines. size: of points.
    """
    encoded = {
        "x": alt.X(x[0], **x[1]),
        "y": alt.Y(y[0], **y[1]),
        "detail": [alt.Detail(f"{name}:N") for name in detail],
    }
    tips = tips_of(tooltip)
    band = chart.mark_area(strokeWidth=0).encode(
        encoded["x"], alt.Y("low:Q"), alt.Y2("high:Q"), color=look["color"], detail=encoded["detail"],
        opacity=opacity(0.2, 0.04),
    )  # fmt: skip
    line = chart.mark_line(strokeWidth=2.5).encode(
        **encoded, color=look["color"], strokeDash=look["strokeDash"],
        opacity=opacity(1, 0.15),
    )  # fmt: skip
    points = chart.mark_point(filled=True, size=size).encode(
        **encoded, color=look["color"], shape=look["shape"], tooltip=tips,
        opacity=opacity(1, 0.15),
    )  # fmt: skip
    return alt.layer(*([band] if bands else []), line, points)


def opacity(standing_out: float, otherwise: float) -> alt.OpacityValue:
    """Opacity of a mark of a series that stands out, and of the others; without any, all stand out."""
    return alt.OpacityValue(otherwise, condition={"test": STANDS_OUT, "value": standing_out})


def tips_of(tooltip: Fields) -> list[alt.Tooltip]:
    """What is shown at a point. tooltip: name of a value -> its words."""
    return [
        alt.Tooltip(field, title=words, type="nominal")
        if field in WORDS
        else alt.Tooltip(field, title=words, type="quantitative", format=".4~g")
        for field, words in tooltip.items()
    ]


def floor(value: float, words: str) -> alt.LayerChart:
    """A grey horizontal line with words at it."""
    at = alt.Chart(alt.InlineData([{"at": value, "words": words}]))
    rule = at.mark_rule(color=GREY, strokeDash=[6, 3], strokeWidth=2).encode(alt.Y("at:Q"))
    place = {"align": "left", "dx": 4, "dy": -7, "color": GREY}
    return alt.layer(rule, at.mark_text(**place).encode(alt.Y("at:Q"), text="words:N", x=alt.value(0)))


def spec(chart: alt.LayerChart | alt.Chart, text: str) -> dict:
    """The Vega-Lite specification. text: what a screen reader says of the picture."""
    fitted = alt.AutoSizeParams(type="fit-x", contains="padding")
    return chart.properties(description=text, autosize=fitted).to_dict(validate=False)
