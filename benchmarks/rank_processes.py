"""The processes of a cell on several devices: the first one starts the others, and all of them do the same work.

They talk by gloo on CPU cores, and by NCCL on GPUs, of which each process sees one. On one machine gloo uses the
loopback interface. Under Slurm a cell may have several nodes (`rank_nodes`); there gloo uses the interface that
GLOO_SOCKET_IFNAME names, else that of the host's address. The first process alone writes files and the record.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from benchmarks import rank_nodes
from benchmarks.errors import BadInput
from benchmarks.plan.cell import Cell
from benchmarks.rank_nodes import VISIBLE, RankNodes
from paradigms.training.ranks import Ranks

HOST, LOOPBACK = "127.0.0.1", "lo"
WAIT = timedelta(minutes=10)  # for a rank that is late; the cell's own limit ends a longer one
ARRIVED = "arrived"  # key of the store: the number of ranks that have reached it
PATIENCE_SECONDS = 10.0  # for ranks that have nothing left to do


class RankEnded(RuntimeError):
    """Another rank of the cell ended before this one; the message is one line."""


@contextmanager
def started_ranks(cell: Cell, spec: Path, folder: Path) -> Iterator[Ranks]:
    """Inside, the cell's other ranks run `benchmarks.worker` on the same specification, and this process is the first.

    folder: where a rank that fails leaves the reason.

    Raises BadInput where this machine has too few GPUs, RankEnded where another rank ends before this one.
    """
    if cell.devices == 1:
        yield Ranks()
        return
    nodes = rank_nodes.allocated(cell)
    if cell.device == "cuda" and torch.cuda.device_count() < nodes.devices:
        raise BadInput(
            f"devices = {cell.devices}: this machine shows {torch.cuda.device_count()} GPUs to the cell, which needs "
            f"{nodes.devices} here; lower devices in the preset; for GPUs of several machines: {rank_nodes.HOW}"
        )
    for path in folder.glob("rank-*.json"):
        path.unlink()
    store = distributed.TCPStore(HOST, 0, cell.devices, is_master=True, timeout=WAIT, wait_for_workers=False)
    others = {nodes.title(rank): _start(spec, rank, store.port, cell, nodes) for rank in range(1, cell.devices)}
    try:
        _wait_for(others, store)
        _join(cell, store, 0)
        yield Ranks(0, cell.devices)
    except Exception as error:
        _blame_the_first(error, others, folder)
        raise
    finally:
        _leave(others.values())


@contextmanager
def joined_ranks(cell: Cell, rank: int, port: int, folder: Path, index: int | None = None) -> Iterator[Ranks]:
    """Inside, this process is a rank of the cell that another process has started; a failure is left in a file.

    port: of the store of the first rank.
    folder: of the file.
    index: of the rank on its node, where that is not the node of the first rank.
    """
    try:
        host = HOST if index is None else rank_nodes.enter_step(cell, index)
        store = distributed.TCPStore(host, port, cell.devices, is_master=False, timeout=WAIT)
        store.add(ARRIVED, 1)
        _join(cell, store, rank)
        yield Ranks(rank, cell.devices)
    except (Exception, SystemExit) as error:
        found = {"type": type(error).__name__, "said": str(error)}
        partial = folder / f"rank-{rank}.tmp"
        partial.write_text(json.dumps(found))
        partial.replace(folder / f"rank-{rank}.json")
        raise
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


def _start(spec: Path, rank: int, port: int, cell: Cell, nodes: RankNodes) -> subprocess.Popen:
    paths = [str(Path(__file__).parents[1]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, dict.fromkeys(paths)))}
    command = [sys.executable, "-m", "benchmarks.worker", spec, str(rank), str(port)]
    if step := nodes.step(rank, cell):
        variables.pop(VISIBLE, None)  # Slurm sets that of the other node
        return subprocess.Popen([*step, *command, str(rank % nodes.devices)], env=variables)
    if cell.device == "cuda":
        shown = os.environ.get(VISIBLE)
        gpus = shown.split(",") if shown else [str(index) for index in range(torch.cuda.device_count())]
        variables[VISIBLE] = gpus[rank]
    return subprocess.Popen(command, env=variables)


def _wait_for(others: Mapping[str, subprocess.Popen], store: distributed.Store) -> None:
    """Return once every rank has reached the store. Raises RankEnded where one does not."""
    deadline = time.monotonic() + WAIT.total_seconds()
    while (arrived := store.add(ARRIVED, 0)) < len(others):
        if ended := next((title for title, process in others.items() if process.poll() is not None), None):
            raise RankEnded(f"{ended}: ended before all ranks had started")
        if time.monotonic() > deadline:
            raise RankEnded(f"{arrived} of {len(others)} further ranks have started within {WAIT}")
        time.sleep(0.05)


def _join(cell: Cell, store: distributed.Store, rank: int) -> None:
    if sys.platform == "linux" and not rank_nodes.spanned():
        os.environ.setdefault("GLOO_SOCKET_IFNAME", LOOPBACK)  # a machine's name need not resolve to an address
    backend = "nccl" if cell.device == "cuda" else "gloo"
    distributed.init_process_group(backend, store=store, rank=rank, world_size=cell.devices, timeout=WAIT)


def _leave(others: Collection[subprocess.Popen]) -> None:
    """End the other ranks: at once where they still wait for this one."""
    if distributed.is_initialized():
        distributed.destroy_process_group()
    for process in _left_running(others):
        process.kill()
        process.wait()


def _left_running(others: Collection[subprocess.Popen]) -> list[subprocess.Popen]:
    """Those of the processes that do not end within the time that all of them have together."""
    deadline, left = time.monotonic() + PATIENCE_SECONDS, []
    for process in others:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            left.append(process)
    return left


def _blame_the_first(error: Exception, others: Mapping[str, subprocess.Popen], folder: Path) -> None:
    """Raises RankEnded, or MemoryError, where another rank failed before this one, which notices that as an error."""
    mark = folder / "rank-0.failed"
    mark.touch()
    now = mark.stat().st_mtime  # by the clock of the file server, like that of the other ranks' files
    mark.unlink()
    _left_running(others.values())
    files = {path.name: path for path in folder.glob("rank-*.json")}
    for rank, (title, process) in enumerate(others.items(), start=1):
        if path := files.get(f"rank-{rank}.json"):
            found = json.loads(path.read_text())
            if path.stat().st_mtime <= now and found["type"] != type(error).__name__:
                kind = MemoryError if found["type"] in ("OutOfMemoryError", "MemoryError") else RankEnded
                raise kind(f"{title}: {found['type']}: {found['said']}") from error
        elif number := _signal(process.returncode or 0):
            raise MemoryError(f"{title}: killed from outside (signal {number})") from error
        elif process.returncode:
            raise RankEnded(f"{title}: ended with exit code {process.returncode}; the log may say why") from error


def _signal(code: int) -> int:
    """The signal that ended a process, 0 for none; srun adds 128 to that of its task. code: exit code."""
    return -code if code < 0 else max(0, code - 128)
