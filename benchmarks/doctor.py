"""Examines this machine and what the presets would run on it; torch is imported in a child process only."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from benchmarks import data
from benchmarks.errors import BadInput
from benchmarks.plan import presets

TORCH_SCRIPT = """
import json, torch
gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
print(json.dumps({"torch_cuda": torch.version.cuda, "gpus": gpus, "device": "cuda" if gpus else "cpu"}))
"""


def examine(data_dir: Path | None = None) -> dict:
    """This machine and the presets, as values that JSON can hold; what is missing is None.

    data_dir: folder of the data sets; None for the default.

    Keys: python, platform, cpu_count, memory_bytes, torch_cuda, gpus, device, versions, data, free_disk_bytes,
    presets, and problems, which has a line for each thing that would stop a run.
    """
    torch, problems = _torch()
    data_sets = {}
    for name in data.names():
        try:
            data_sets[name] = _place(name, data_dir)
        except BadInput as error:
            data_sets[name] = None
            problems.append(str(error))
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "memory_bytes": _memory_bytes(),
        **torch,
        "versions": _versions(),
        "data": data_sets,
        "free_disk_bytes": shutil.disk_usage(".").free,
        "presets": {name: _would_run(name) for name in presets.names()},
        "problems": list(dict.fromkeys(problems)),
    }


def _torch() -> tuple[dict, list[str]]:
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", TORCH_SCRIPT], capture_output=True, text=True)
    if ended.returncode:
        reason = (ended.stderr.strip().splitlines() or ["no message"])[-1]
        return {"torch_cuda": None, "gpus": [], "device": None}, [f"torch does not import: {reason}"]
    return json.loads(ended.stdout), []


def _versions() -> dict[str, str | None]:
    try:
        names = [line.split(";")[0] for line in requires("alexnet-moment") or [] if "extra ==" not in line]
    except PackageNotFoundError:
        names = ["torch", "pytorch-lightning", "torchmetrics", "numpy"]
    found = {}
    for name in (line.strip() for line in names):
        name = name[: next((i for i, c in enumerate(name) if not (c.isalnum() or c in "-_.")), len(name))]
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _place(name: str, data_dir: Path | None) -> str:
    folder = data.folder(name, data_dir)
    if folder is None:
        return "needs no files"
    return str(folder) if folder.is_dir() and any(folder.iterdir()) else f"absent; a run downloads it to {folder}"


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _would_run(name: str) -> dict:
    preset = presets.load(name)
    variants = len(preset.variants) * len(preset.datasets)
    quality, timing = variants * preset.seeds, variants * preset.timing_launches
    return {"datasets": preset.datasets, "quality_cells": quality, "timing_cells": timing}
