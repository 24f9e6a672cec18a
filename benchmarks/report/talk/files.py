"""The figures and animations of a talk as files, for other decks: PNG at twice the size, SVG, PDF, GIF and MP4."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from benchmarks.report.figures import style
from benchmarks.report.talk.parts import Film, SlideFigure

TWICE = {"png": style.FORMATS["png"] | {"dpi": 2 * style.DPI}, "svg": style.FORMATS["svg"], "pdf": style.FORMATS["pdf"]}
COLORS = 255  # of a GIF; fewer take the colour from small letters


def write_picture(picture: SlideFigure, folder: Path) -> Path:
    """Write a figure in three formats; returns the PNG."""
    style.save(picture.figure, folder / picture.name, TWICE)
    return folder / f"{picture.name}.png"


def write_film(film: Film, folder: Path) -> Path:
    """Write an animation as GIF, its strip for print, and MP4 where ffmpeg is installed; returns the GIF."""
    gif = folder / f"{film.name}.gif"
    palette = film.images[-1].quantize(COLORS)
    images = [image.quantize(palette=palette, dither=0) for image in film.images]
    # The last state stays longer, so that it can be explained, and stands first, since editors show the first one.
    durations = [1000 * film.seconds] * len(images) + [3000 * film.seconds]
    images[-1].save(gif, save_all=True, append_images=images, duration=durations, loop=0, optimize=True)
    style.save(film.still, folder / f"{film.name}_strip", TWICE)
    if shutil.which("ffmpeg"):
        _mp4(film, folder / f"{film.name}.mp4")
    return gif


def _mp4(film: Film, path: Path) -> None:
    width, height = (side - side % 2 for side in film.images[0].size)  # the codec takes even sizes only
    raw = b"".join(image.crop((0, 0, width, height)).tobytes() for image in film.images)
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{1 / film.seconds}", "-i", "-"]
    command = ["ffmpeg", "-loglevel", "error", "-y", *source, "-pix_fmt", "yuv420p", "-r", "25", str(path)]
    subprocess.run(command, input=raw, check=True)
