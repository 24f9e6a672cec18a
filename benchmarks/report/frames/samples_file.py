"""The arrays that a quality cell kept for eyes: first samples, their nearest training images, real ones, a path."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy import ndarray
from pandas import DataFrame

from benchmarks.errors import one_line
from benchmarks.report.frames.frames import Frames

MAX_BYTES = 1 << 28  # unpacked; those of a cell hold 16 images per sampler and NFE
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
PATH = "path"


def arrays(path: Path) -> dict[str, ndarray] | None:
    """Every array by its name, "real" among them; all are uint8 images (n, C, H, W) of one shape, and "path", which may
    be absent, is (steps, n, C, H, W).

    None where the file is missing, and with a warning that names it where it holds anything else.
    """
    if not path.is_file():
        return None
    try:
        found = _unpacked(path)
        _check(found)
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        warnings.warn(f"left out of the report: samples {path}: {one_line(error)}", stacklevel=2)
        return None
    return found


def _unpacked(path: Path) -> dict[str, ndarray]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if (size := sum(member.file_size for member in members)) > MAX_BYTES:
            raise ValueError(f"unpacks to {size} bytes; allowed: {MAX_BYTES}")
        return {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}


def _array(content: bytes) -> ndarray:
    """The array in a .npy file; unlike `numpy.load` it never asks for more memory than the file has bytes."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version not in HEADERS:
        raise ValueError(f"has a .npy file of version {version}")
    shape, fortran, dtype = HEADERS[version](file)
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape, order="F" if fortran else "C")


def _check(found: dict[str, ndarray]) -> None:
    if "real" not in found:
        raise ValueError("lacks the array 'real'")
    image = found["real"].shape[1:]
    for name, array in found.items():
        dimensions = 5 if name == PATH else 4
        if array.dtype != np.uint8 or array.ndim != dimensions or not array.size or array.shape[-3:] != image:
            raise ValueError(f"{name!r} is {array.dtype} {array.shape}; it must be uint8 images of shape {image}")
    if image[0] not in (1, 3):
        raise ValueError(f"its images have {image[0]} channels; allowed: 1 or 3")


def first_cells(frames: Frames) -> DataFrame:
    """By variant, its first seed's cell that kept such a file."""
    return frames.cells.dropna(subset="samples_file").sort_values("repetition").groupby("variant").first()
