"""Starts child processes quickly: a server process imports torch and the rest once, and every child is a fork of it.

A child ends when the process that started it ends, together with everything that it started. `start` runs a cell; `ask`
and `ask_all` call a function in a child and return its value.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.execute.forking import STATUS

COMMAND = """
import sys
sys.path[:] = {path!r}
from benchmarks.execute import forking
forking.main({fd}, {pid}, {names!r})
"""
TICK_SECONDS = 0.5

_lock = threading.Lock()
_modules: list[str] = []
_server: tuple[int, subprocess.Popen, socket.socket] | None = None  # with the process id of the owner


class Lost(ChildProcessError):
    """The fork server was ended from outside, and its children with it."""


class Child:
    """A process that the server has forked.

    channel: socket to it; when it closes, the child ends.
    status: pipe that gives its process id and, when it has ended, its exit code.
    """

    def __init__(self, channel: socket.socket, status: int):
        self.channel, self._status = channel, status
        self.pid, self._code, self.lost = self._read(), None, False

    def checked(self) -> Child:
        """The child. Raises OSError where the system has refused to make another process."""
        if self.pid < 0:
            raise OSError(-self.pid, f"cannot start a process: {os.strerror(-self.pid)}")
        return self

    def fileno(self) -> int:
        """Descriptor that becomes readable when the child ends."""
        return self._status

    @property
    def exitcode(self) -> int | None:
        """None while it runs; negative for the number of the signal that ended it. A lost child was killed."""
        if self._code is None and select.select([self._status], [], [], 0)[0]:
            code = self._read()
            self.lost = code is None
            self._code = -signal.SIGKILL if code is None else code
            self.channel.close()
            os.close(self._status)
        return self._code

    def send(self, number: int) -> None:
        """Send a signal to its process group."""
        if self.pid is not None and self.exitcode is None:
            with suppress(ProcessLookupError, PermissionError):
                return os.killpg(self.pid, number)
            with suppress(ProcessLookupError, PermissionError):  # just forked: it has no group yet
                os.kill(self.pid, number)

    def join(self) -> int:
        """Wait until it has ended; returns the exit code."""
        while self.exitcode is None:
            select.select([self._status], [], [])
        return self.exitcode

    def _read(self) -> int | None:
        found = os.read(self._status, STATUS.size)
        return STATUS.unpack(found)[0] if found else None


def import_once(modules: Sequence[str]) -> None:
    """Name what the server imports before its first fork; without effect once the server runs.

    modules: names of modules.
    """
    # Elsewhere system libraries may not survive a fork, and every child imports for itself.
    _modules[:] = modules if sys.platform == "linux" else []


def start(module: str, spec: Path, log: Path, variables: Mapping[str, str] | None = None) -> Child:
    """Start a child process that calls `module.main(spec)`; returns the process.

    module: name of a module.
    spec: argument of its function `main`, whose return value is the child's exit code.
    log: file for standard output and standard error of the child, as in `BoundedLog`; an exception leaves its
        traceback there and exit code 1.
    variables: environment variables of the child.
    """
    with log.open("wb") as file:
        return _fork((module, "main", {"spec_path": str(spec)}, dict(variables or {})), file.fileno())


def ask(module: str, request: dict, limit_seconds: float | None = None, tick: Callable = lambda: None) -> object:
    """Call `module.answer(**request)` in a child process; returns its value.

    module: name of a module.
    request: keyword arguments of its function `answer`.
    limit_seconds, tick: as in `ask_all`.

    Raises BadInput where the function raises it, TimeoutError where it takes too long, ChildProcessError where the
    child ends without a value.
    """
    (answer,) = ask_all(module, [request], 1, limit_seconds, tick)
    return answer


def ask_all(
    module: str,
    requests: Sequence[dict],
    at_once: int,
    limit_seconds: float | None = None,
    tick: Callable[[], object] = lambda: None,
) -> list[object]:
    """Call `module.answer` once per request, each in a child process; returns the values in the order of the requests.

    module, requests: as in `ask`.
    at_once: number of children at a time.
    limit_seconds: wall-clock time of one child; None for no limit.
    tick: is called about twice a second meanwhile.

    Raises as `ask` does; the first error ends all children.
    """
    answers: list[object] = [None] * len(requests)
    waiting, working = list(enumerate(requests)), {}
    try:
        while waiting or working:
            while waiting and len(working) < at_once:
                index, request = waiting.pop(0)
                child = begin(module, request)
                working[child.channel] = index, child, time.monotonic()
            readable, _, _ = select.select(list(working), [], [], TICK_SECONDS)
            for channel in readable:
                index, child, _ = working[channel]
                answers[index] = receive(child)
                end(child)
                del working[channel]
            tick()
            if limit_seconds and any(time.monotonic() - began > limit_seconds for *_, began in working.values()):
                raise TimeoutError(f"takes longer than {limit_seconds:g} s")
    finally:
        for _, child, _ in working.values():
            end(child)
    return answers


def begin(module: str, request: dict) -> Child:
    """Start a call of `module.answer(**request)` in a child process; its channel is readable once there is a value."""
    return _fork((module, "answer", request, {}))


def receive(child: Child) -> object:
    """The value of a call that has been begun, as in `ask`."""
    try:
        answer = pickle.load(child.channel.makefile("rb"))
    except (EOFError, OSError, pickle.UnpicklingError):
        code = child.join()
        ended = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        raise ChildProcessError(ended) from None
    if isinstance(answer, BadInput):
        raise answer
    return answer


def end(child: Child) -> None:
    """End a child, whether it has given its value or not."""
    child.channel.close()
    child.send(signal.SIGTERM)  # it ends what it has started, too
    if child.exitcode is None and not select.select([child], [], [], 2.0)[0]:
        child.send(signal.SIGKILL)
    child.join()


def _fork(request: tuple, *log: int) -> Child:
    with _lock:
        return _fork_alone(request, *log)


def _fork_alone(request: tuple, *log: int) -> Child:
    for _ in range(3):
        server = _running_server()
        ours, its = socket.socketpair()
        status, told = os.pipe()
        try:
            socket.send_fds(server, [b"f"], [its.fileno(), told, *log])
            its.close()
            os.close(told)
            ours.sendall(pickle.dumps(request))
        except OSError:
            its.close()
            with suppress(OSError):
                os.close(told)
        if (child := Child(ours, status)).pid is not None:
            return child.checked()
        ours.close()
        os.close(status)
        close()  # it has been ended from outside
    raise Lost("cannot be started: the fork server ends while it imports; `doctor` may say why")


def _running_server() -> socket.socket:
    global _server
    if _server is None or _server[0] != os.getpid():
        ours, its = socket.socketpair()
        script = COMMAND.format(path=sys.path, fd=its.fileno(), pid=os.getpid(), names=_modules)
        flags = subprocess._args_from_interpreter_flags()
        process = subprocess.Popen(
            [sys.executable, *flags, "-c", script],
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        its.close()
        _server = os.getpid(), process, ours
    return _server[2]


def close() -> None:
    """End the server and all children; the next request starts another server."""
    global _server
    if _server is not None and _server[0] == os.getpid():
        _, process, ours = _server
        ours.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    _server = None
