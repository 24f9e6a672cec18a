"""Images as small data addresses, so that the page is one file."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from numpy import ndarray
from PIL import Image

COLORS = 96  # of a figure, whose lines and letters need no more
WIDTH = 1280  # pixels of a figure


def address(image: Image.Image) -> str:
    """The data address of an image as PNG."""
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def figure(path: Path) -> str | None:
    """The data address of a figure that has been drawn, smaller and with few colours; None where it is missing."""
    try:
        with Image.open(path) as image:
            image = image.convert("RGB")
    except OSError:
        return None
    height = round(image.height * WIDTH / image.width)
    image = image.resize((WIDTH, height), Image.Resampling.BOX)
    # The colours of lines cover few pixels: the default method, median cut, would merge them.
    return address(image.quantize(COLORS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE))


def sheet(images: ndarray, columns: int) -> Image.Image:
    """Images side by side in rows, with a white gap of one pixel. images: (N, C, H, W), uint8."""
    n, channels, height, width = images.shape
    rows = -(-n // columns)
    canvas = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, channels), 255, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * (height + 1), index % columns * (width + 1)
        canvas[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return Image.fromarray(canvas[:, :, 0] if channels == 1 else canvas)
