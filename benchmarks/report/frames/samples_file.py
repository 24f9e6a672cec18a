"""The arrays that a quality cell kept for eyes: first samples, their nearest training images, real ones, a path."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy import ndarray
from pandas import DataFrame

from benchmarks.report.frames.frames import Frames


def arrays(path: Path) -> dict[str, ndarray] | None:
    """Every array by its name; None where the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile):
        return None


def first_cells(frames: Frames) -> DataFrame:
    """By variant, its first seed's cell that kept such a file."""
    return frames.cells.dropna(subset="samples_file").sort_values("repetition").groupby("variant").first()
