"""What this machine can run at a time: cores, GPUs, memory that is free now."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.execute.cores import cores
from benchmarks.plan.cell import Cell
from benchmarks.rank_nodes import HOW

CELL_BYTES = 1 << 30  # of a cell of which nothing is known yet: torch, the data and a small network
OPEN_FILES_PER_CELL = 4  # in the process that starts cells and in the fork server


@cache
def gpus() -> tuple[str, ...]:
    """The GPUs that this process may use, as values of CUDA_VISIBLE_DEVICES."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return tuple(name.strip() for name in visible.split(",") if name.strip())
    if not shutil.which("nvidia-smi"):
        return ()
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60)
    return tuple(str(index) for index, _ in enumerate(re.findall("^GPU ", listed.stdout, re.MULTILINE)))


def shares_gpu_by_mps() -> bool:
    """Whether NVIDIA's Multi-Process Service runs here, through which cells on one GPU compute at the same time."""
    return (Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps")) / "control").exists()


def default_jobs(cell: Cell) -> int:
    """Cells that train or score at a time: as many as there are GPUs for, else as many as cores allow, at least one.

    Whether memory allows them is seen while they run (`fits`).

    cell: one of the run; all have the same device and number of threads.
    """
    if cell.device == "cuda":
        return max(1, len(gpus()) // cell.devices)
    files = (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 32) // OPEN_FILES_PER_CELL
    return max(1, min(cores() // (cell.threads * cell.devices), files))


def refuse_devices(cell: Cell) -> None:
    """Raise BadInput where a cell needs more devices than this machine has; one device may be shared.

    cell: one of the run; all have the same device, number of devices and number of threads.
    """
    available, what = (len(gpus()), "GPUs") if cell.device == "cuda" else (cores(), "CPU cores")
    if cell.devices > max(available, 1):
        raise BadInput(
            f"preset {cell.preset!r}: devices = {cell.devices}: this machine has {available} {what}; allowed: 1 to "
            f"{max(available, 1)}; for devices of several machines: {HOW}"
        )


def cell_bytes(cell: Cell) -> int:
    """Memory that a cell is expected to need: the preset's `memory_gib`, else CELL_BYTES."""
    return int(cell.memory_gib * (1 << 30)) if cell.memory_gib else CELL_BYTES


def free_bytes() -> int:
    """Memory that new processes can use without swapping, within the limit of the container."""
    free = [_field(Path("/proc/meminfo"), "MemAvailable:")]
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        cached = _field(group / "memory.stat", "inactive_file", unit=1) or 0
        free.append(limit - used + cached)
    known = [value for value in free if value is not None]
    return max(0, min(known)) if known else 1 << 62


def fits(needed: int, pids: Iterable[int]) -> bool:
    """Whether memory is left for a further process, once those that run have grown to what each needs.

    needed: memory of one process.
    pids: of those that run.
    """
    growth = sum(max(0, needed - used_bytes(pid)) for pid in pids)
    return free_bytes() - growth >= needed


def used_bytes(pid: int) -> int:
    """Resident memory of a process that it does not share with files or other processes; 0 where it has ended."""
    return _field(Path(f"/proc/{pid}/status"), "RssAnon:") or 0


def _field(path: Path, name: str, unit: int = 1024) -> int | None:
    with suppress(OSError):
        for line in path.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * unit
    return None
