"""The processes of a cell on several devices: the first one starts the others, and all of them do the same work.

They are on one machine and talk over its loopback interface: by gloo on CPU cores, by NCCL on GPUs, of which each
process sees one. The first one alone writes files and the record.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from benchmarks.errors import BadInput
from benchmarks.plan.cell import Cell
from paradigms.training.ranks import Ranks

HOST, LOOPBACK = "127.0.0.1", "lo"
WAIT = timedelta(minutes=10)  # for a rank that is late; the cell's own limit ends a longer one
PATIENCE_SECONDS = 10.0  # for ranks that have nothing left to do


class RankEnded(RuntimeError):
    """Another rank of the cell ended before this one; the message is one line."""


@contextmanager
def started_ranks(cell: Cell, spec: Path, folder: Path) -> Iterator[Ranks]:
    """Inside, the cell's other ranks run `benchmarks.worker` on the same specification, and this process is the first.

    folder: where a rank that fails leaves the reason.

    Raises BadInput where this machine has too few GPUs.
    """
    if cell.devices == 1:
        yield Ranks()
        return
    if cell.device == "cuda" and torch.cuda.device_count() < cell.devices:
        raise BadInput(
            f"devices = {cell.devices}: this machine shows {torch.cuda.device_count()} GPUs to the cell, and a cell "
            "does not span machines; lower devices in the preset"
        )
    for path in folder.glob("rank-*.json"):
        path.unlink()
    store = distributed.TCPStore(HOST, 0, cell.devices, is_master=True, timeout=WAIT, wait_for_workers=False)
    others = [_start(spec, rank, store.port, cell) for rank in range(1, cell.devices)]
    try:
        _join(cell, store, 0)
        yield Ranks(0, cell.devices)
    except Exception as error:
        _blame_the_first(error, others, folder)
        raise
    finally:
        _leave(others)


@contextmanager
def joined_ranks(cell: Cell, rank: int, port: int, folder: Path) -> Iterator[Ranks]:
    """Inside, this process is a rank of the cell that another process has started; a failure is left in a file.

    port: of the store of the first rank.
    folder: of the file.
    """
    try:
        store = distributed.TCPStore(HOST, port, cell.devices, is_master=False, timeout=WAIT)
        _join(cell, store, rank)
        yield Ranks(rank, cell.devices)
    except (Exception, SystemExit) as error:
        found = {"time": time.time(), "type": type(error).__name__, "said": str(error)}
        partial = folder / f"rank-{rank}.tmp"
        partial.write_text(json.dumps(found))
        partial.replace(folder / f"rank-{rank}.json")
        raise
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


def _start(spec: Path, rank: int, port: int, cell: Cell) -> subprocess.Popen:
    paths = [str(Path(__file__).parents[1]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, dict.fromkeys(paths)))}
    if cell.device == "cuda":
        shown = os.environ.get("CUDA_VISIBLE_DEVICES")
        gpus = shown.split(",") if shown else [str(index) for index in range(torch.cuda.device_count())]
        variables["CUDA_VISIBLE_DEVICES"] = gpus[rank]
    return subprocess.Popen([sys.executable, "-m", "benchmarks.worker", spec, str(rank), str(port)], env=variables)


def _join(cell: Cell, store: distributed.Store, rank: int) -> None:
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", LOOPBACK)  # a machine's name need not resolve to an address
    backend = "nccl" if cell.device == "cuda" else "gloo"
    distributed.init_process_group(backend, store=store, rank=rank, world_size=cell.devices, timeout=WAIT)


def _leave(others: Sequence[subprocess.Popen]) -> None:
    """End the other ranks: at once where they still wait for this one."""
    if distributed.is_initialized():
        distributed.destroy_process_group()
    for process in _left_running(others):
        process.kill()
        process.wait()


def _left_running(others: Sequence[subprocess.Popen]) -> list[subprocess.Popen]:
    """Those of the processes that do not end within the time that all of them have together."""
    deadline, left = time.monotonic() + PATIENCE_SECONDS, []
    for process in others:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            left.append(process)
    return left


def _blame_the_first(error: Exception, others: Sequence[subprocess.Popen], folder: Path) -> None:
    """Raises RankEnded, or MemoryError, where another rank failed before this one, which notices that as an error."""
    now = time.time()
    _left_running(others)
    for rank, process in enumerate(others, start=1):
        path = folder / f"rank-{rank}.json"
        found = json.loads(path.read_text()) if path.exists() else None
        if found and found["time"] < now and found["type"] != type(error).__name__:
            kind = MemoryError if found["type"] in ("OutOfMemoryError", "MemoryError") else RankEnded
            raise kind(f"rank {rank}: {found['type']}: {found['said']}") from error
        if not found and (process.returncode or 0) < 0:
            raise MemoryError(f"rank {rank}: killed from outside (signal {-process.returncode})") from error
