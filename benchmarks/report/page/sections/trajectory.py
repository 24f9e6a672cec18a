"""The sampling trajectory: states of the chain from noise to image."""

from __future__ import annotations

from benchmarks.report.frames.samples_file import arrays
from benchmarks.report.page import images
from benchmarks.report.page.blocks import Block, Gallery, Picture
from benchmarks.report.page.legend import series
from benchmarks.report.page.run import Run

ORDER, TITLE = 90, "Sampling trajectory"
NOTE = (
    "States of three chains of one training seed, from the same noise in every row, clipped to the grey scale. Each "
    "column is one evaluation later; the last state is the sample."
)


def blocks(run: Run) -> list[Block]:
    """Per data set a gallery: a row per method, a column per state."""
    on = {one.name for one in series(run) if one.on}
    found: list[Block] = []
    for dataset in run.frames.datasets:
        frames = run.frames.of(dataset)
        cells = frames.cells.dropna(subset="samples_file").sort_values("repetition").groupby("variant").first()
        rows = []
        for name in (name for name in frames.ordered(cells.index) if name in on):
            states = (arrays(frames.folder / cells.samples_file[name]) or {}).get("path")
            title = run.titles.get(name, name)
            if states is not None and states.ndim == 5:
                sheets = [images.sheet(state, len(state)) for state in states]
                rows.append((title, name, [
                    Picture(images.address(sheet), sheet.width, sheet.height, f"{title}, state {index}")
                    for index, sheet in enumerate(sheets)
                ]))  # fmt: skip
        if rows:
            columns = ["noise", *(str(index) for index in range(1, max(len(states) for *_, states in rows)))]
            found.append(Gallery(run.in_data("From noise to image", dataset), rows, columns, (NOTE,)))
    return found
