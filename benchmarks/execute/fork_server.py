"""Starts child processes quickly: a server process imports torch and the rest once, and every child is a fork of it.

A child has a process group of its own, and ends when the process that started it ends. `start` runs a cell; `ask` and
`ask_all` call a function in a child and return its value.
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
    """Name what the server imports before its first fork; without effect once the server runs.

    modules: names of modules.
    """
    _context.set_forkserver_preload(list(modules))


def start(module: str, spec: Path, log: Path, keep_fds: Sequence[int] = ()) -> BaseProcess:
    """Start a child process that calls `module.main(spec)`; returns the process.

    module: name of a module.
    spec: argument of its function `main`, whose return value is the child's exit code.
    log: file for standard output and standard error of the child; an exception leaves its traceback there and exit
        code 1.
    keep_fds: file descriptors that stay open in the child.
    """
    kept = [_Descriptor(fd) for fd in keep_fds]
    child = _context.Process(target=_work, args=(module, str(spec), str(log), kept))
    child.start()
    return child


def ask(module: str, request: dict) -> object:
    """Call `module.answer(**request)` in a child process; returns its value.

    module: name of a module.
    request: keyword arguments of its function `answer`.

    Raises BadInput where the function raises it, ChildProcessError where the child ends without a value.
    """
    (answer,) = ask_all(module, [request], 1)
    return answer


def ask_all(module: str, requests: Sequence[dict], at_once: int) -> list[object]:
    """Call `module.answer` once per request, each in a child process; returns the values in the order of the requests.

    module, requests: as in `ask`.
    at_once: number of children at a time.

    Raises as `ask` does; the first error ends all children.
    """
    answers: list[object] = [None] * len(requests)
    waiting, working = list(enumerate(requests)), {}
    try:
        while waiting or working:
            while waiting and len(working) < at_once:
                index, request = waiting.pop(0)
                receiver, child = _start_asking(module, request)
                working[receiver] = index, child
            for receiver in connection.wait(list(working)):
                index, child = working[receiver]
                answers[index] = _receive(receiver, child)
                _end(child)
                del working[receiver]
    finally:
        for _, child in working.values():
            _end(child)
    return answers


def _start_asking(module: str, request: dict) -> tuple[connection.Connection, BaseProcess]:
    receiver, sender = _context.Pipe(duplex=False)
    child = _context.Process(target=_answer, args=(module, request, sender), daemon=True)
    child.start()
    sender.close()
    return receiver, child


def _receive(receiver: connection.Connection, child: BaseProcess) -> object:
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
    os.dup2(2, 1)  # standard output of the parent is for results
    try:
        sender.send(importlib.import_module(module).answer(**request))
    except BadInput as error:
        sender.send(error)


def _enter() -> None:
    # In a session of its own the child gets no Ctrl-C, which the parent handles, and its group can be killed at once.
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
