"""Child processes that need not import what they run: a server imports it once, and every child is a fork of it.

A child is still a process of its own, with a group of its own; it ends when the process that asked for it ends.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Sequence
from multiprocessing import connection, reduction
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.errors import BadInput

# Elsewhere system libraries may not survive a fork, and every child imports for itself.
_context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")


def import_once(modules: Sequence[str]) -> None:
    """Name what the server imports before its first fork; without effect once it runs."""
    _context.set_forkserver_preload(list(modules))


def start(module: str, spec: Path, log: Path, keep_fds: Sequence[int] = ()) -> BaseProcess:
    """Call `module.main(spec)` in a child, whose output goes to `log` and which keeps these descriptors open.

    Its exit code is what main returns; an exception ends it with 1 and a traceback in the log.
    """
    kept = [_Descriptor(fd) for fd in keep_fds]
    child = _context.Process(target=_work, args=(module, str(spec), str(log), kept))
    child.start()
    return child


def ask(module: str, request: dict) -> object:
    """What `module.answer(**request)` returns in a child. Raises BadInput as it does, ChildProcessError if it dies."""
    (answer,) = ask_all(module, [request], 1)
    return answer


def ask_all(module: str, requests: Sequence[dict], at_once: int) -> list[object]:
    """`ask` for every request, in children of which `at_once` work at a time; the first error ends them all."""
    answers: list[object] = [None] * len(requests)
    waiting, working = list(enumerate(requests)), {}
    try:
        while waiting or working:
            while waiting and len(working) < at_once:
                index, request = waiting.pop(0)
                receiver, child = _asked(module, request)
                working[receiver] = index, child
            for receiver in connection.wait(list(working)):
                index, child = working[receiver]
                answers[index] = _answered(receiver, child)
                _end(child)
                del working[receiver]
    finally:
        for _, child in working.values():
            _end(child)
    return answers


def _asked(module: str, request: dict) -> tuple[connection.Connection, BaseProcess]:
    receiver, sender = _context.Pipe(duplex=False)
    child = _context.Process(target=_answer, args=(module, request, sender), daemon=True)
    child.start()
    sender.close()
    return receiver, child


def _answered(receiver: connection.Connection, child: BaseProcess) -> object:
    try:
        answer = receiver.recv()
    except EOFError:
        child.join()
        raise ChildProcessError(f"ended with exit code {child.exitcode}") from None
    if isinstance(answer, BadInput):
        raise answer
    return answer


def _end(child: BaseProcess) -> None:
    child.kill()
    child.join()


def _work(module: str, spec: str, log: str, kept: list[_Descriptor]) -> None:
    _enter()
    with open(log, "wb", buffering=0) as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(importlib.import_module(module).main(spec))


def _answer(module: str, request: dict, sender) -> None:
    _enter()
    os.dup2(2, 1)  # the parent's standard output is for results
    try:
        sender.send(importlib.import_module(module).answer(**request))
    except BadInput as error:
        sender.send(error)


def _enter() -> None:
    # Ctrl-C is the parent's to handle, and what this process starts must end with it.
    os.setsid()
    parent = multiprocessing.parent_process()

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class _Descriptor:
    """A file descriptor that stays open in the child that it is pickled for."""

    def __init__(self, fd: int):
        self.fd = fd

    def __reduce__(self):
        return _adopt, (reduction.DupFd(self.fd),)


def _adopt(duplicate) -> _Descriptor:
    return _Descriptor(duplicate.detach())
