"""A worker without torch, for tests of `execute`: its cell's option `act` says how it ends."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from benchmarks.plan.cell import Cell
from benchmarks.store import records


def main(spec_path):
    spec = json.loads(Path(spec_path).read_text())
    cell = Cell.model_validate(spec["cell"])
    results_dir = Path(spec["results_dir"])
    act = cell.options.get("act", "succeed")
    (results_dir / "pids").mkdir(exist_ok=True)
    (results_dir / "pids" / f"{cell.stem}.{os.getpid()}").touch()
    print("a line of log", flush=True)
    if act == "crash":
        raise RuntimeError("the worker fell over")
    if act == "say nothing":
        return
    if act == "chatter":
        for _ in range(12):
            os.write(1, b"x" * (1 << 20))  # as a library in C writes
        raise RuntimeError("the last line")
    if act == "closed descriptors":
        os.closerange(0, 3)
    stay(act, cell, results_dir)
    if act.startswith("parent gets "):
        os.kill(os.getppid(), getattr(signal, act.split()[-1]))
        time.sleep(0.5)
    if act.startswith("SIG"):
        os.kill(os.getpid(), getattr(signal, act))
    status = {"diverge": "non_finite"}.get(act, "done")
    time.sleep(cell.options.get("seconds", 0))
    record = records.opening(cell, status, None if status == "done" else "stage 'a', update 3: loss is nan")
    record |= {"wall_seconds": 0.1, "span": [time.time(), os.getpid()], "loss": float("nan"), "result": cell.seed}
    if act == "another key":
        record["key"] = "0" * 64
    records.write(results_dir / "cells" / f"{cell.stem}.json", record)


def stay(act, cell, results_dir):
    """What does not end by itself: a loop, with or without a handler of SIGTERM, and processes that outlive a cell."""
    if act in ("hang", "stubborn"):
        leave = act == "hang"
        signal.signal(signal.SIGTERM, lambda *_: (results_dir / f"sigterm-{act}").touch() or (leave and os._exit(0)))
        while True:
            time.sleep(0.1)
    if act.startswith("detach"):
        child = subprocess.Popen(["sleep", "300"], start_new_session=True)
        (results_dir / "pids" / f"{cell.stem}.{child.pid}").touch()
        time.sleep(300 if act == "detach" else 0)
        if act.endswith("SIGKILL"):
            os.kill(os.getpid(), signal.SIGKILL)
    if act == "fork bomb":
        for _ in range(5):  # every process so far forks: 32 in the end
            os.fork()
            (results_dir / "pids" / f"{cell.stem}.{os.getpid()}").touch()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(300)
