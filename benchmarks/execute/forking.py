"""The process of the fork server: it imports modules once, and every request is executed in a fork of it.

It is a process of its own, so that a fork has one thread and no descriptor of the process that asks. Requests come by a
socket, each with two or three descriptors: a channel for the request and the answer, a pipe for process id and exit
status and, for a request that gives no answer, a file for the output.
"""

from __future__ import annotations

import importlib
import os
import pickle
import select
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from benchmarks.errors import BadInput
from benchmarks.execute import processes
from benchmarks.execute.bounded_log import BoundedLog
from benchmarks.execute.signals import ENDING

STATUS = struct.Struct("i")

_handlers: dict[int, object] = {}  # of the signals that the server ignores: what its children do


@dataclass
class Fork:
    """A child of the server.

    status: descriptor of its status pipe.
    log: its output; None where it writes to that of the server, or has closed its own.
    """

    status: int
    log: BoundedLog | None

    def close(self) -> None:
        """Close the descriptors of this process."""
        os.close(self.status)
        if self.log:
            self.log.close()


def main(fd: int, parent: int, modules: Sequence[str]) -> None:
    """Serve requests until the socket closes or the parent ends; then end every process that a request has started.

    fd: file descriptor of the socket.
    parent: process id of the process that asks.
    modules: what to import before the first fork.
    """
    # It ends with its socket. A cell may signal its parent by mistake, and all cells would end with it.
    _handlers.update({number: signal.signal(number, signal.SIG_IGN) for number in ENDING})
    wake, awaken = os.pipe()
    os.set_blocking(awaken, False)
    signal.set_wakeup_fd(awaken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # the descriptor wakes the loop
    # The kernel sends it at the end of the thread that has started this process, which may not be that of the process.
    # SIGCONT wakes a process that is stopped, too.
    signal.signal(signal.SIGCONT, lambda *_: None if os.getppid() == parent else _end_all())
    processes.die_with(parent, signal.SIGCONT)
    processes.adopt_orphans()
    running: dict[int, Fork] = {}  # by process id
    server = socket.socket(fileno=fd)
    try:
        for module in modules:
            with suppress(Exception):  # whoever needs it imports it again, and says so
                importlib.import_module(module)
        _serve(server, wake, running)
    finally:
        _end_all()


def _end_all() -> NoReturn:
    """End every process that a request has started, then this one.

    A signal handler calls it, and may interrupt it: every child wakes the server when the parent ends. An exception
    from the handler would leave the work half done.
    """
    signal.signal(signal.SIGCONT, signal.SIG_IGN)
    processes.end_descendants(os.getpid())
    os._exit(0)


def _serve(server: socket.socket, wake: int, running: dict[int, Fork]) -> None:
    while True:
        logs = [fork.log for fork in running.values() if fork.log]
        readable, _, _ = select.select([server, wake, *logs], [], [])
        for fork in running.values():
            if fork.log and fork.log in readable and not fork.log.copy():  # its output is closed
                fork.log.finish()
                fork.log = None
        if wake in readable:
            os.read(wake, 4096)
            _collect(running)
        if server in readable:
            message, fds, _, _ = socket.recv_fds(server, 1, 3)
            if not message:
                return
            _start(server, fds, running)


def _start(server: socket.socket, fds: list[int], running: dict[int, Fork]) -> None:
    """Fork, and let the child execute a request.

    fds: of its channel, of its status pipe and perhaps of the file for its output.
    """
    channel, status, *files = fds
    pipe: tuple[int, ...] = ()
    try:
        pipe = os.pipe() if files else ()
        pid = os.fork()
    except OSError as error:  # no memory, too many processes or open files
        pid = -error.errno
    if pid == 0:
        for fork in running.values():
            fork.close()
        for fd in (server.detach(), *pipe[:1], *files):
            os.close(fd)
        _execute(channel, status, pipe[1] if pipe else None, os.getppid())
    for fd in (channel, *pipe[1:]):
        os.close(fd)
    _tell(status, pid)
    if pid > 0:
        running[pid] = Fork(status, BoundedLog(pipe[0], *files) if files else None)
    else:
        for fd in (status, *pipe[:1], *files):
            os.close(fd)


def _collect(running: dict[int, Fork]) -> None:
    """Report the children that have ended, and end the orphans that they left to this process."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if (fork := running.pop(ended[0], None)) is not None:
                if fork.log:
                    fork.log.finish()  # before whoever asked reads it
                    fork.log = None
                _tell(fork.status, os.waitstatus_to_exitcode(ended[1]))
                fork.close()
    for orphan in set(processes.children(os.getpid())) - running.keys():
        with suppress(ProcessLookupError):
            os.kill(orphan, signal.SIGKILL)


def _tell(status: int, value: int) -> None:
    with suppress(OSError):  # whoever asked has ended
        os.write(status, STATUS.pack(value))


def _execute(channel: int, status: int, output: int | None, server: int) -> None:
    """The life of a fork: execute one request and exit; it never returns."""
    code = 1
    try:
        os.setsid()  # no Ctrl-C, which the process that asks handles, and a process group to signal
        os.close(status)
        processes.die_with(server)
        processes.adopt_orphans()
        _default_signals()
        link = socket.socket(fileno=channel)
        module, function, arguments, variables = pickle.load(link.makefile("rb"))
        threading.Thread(target=_watch, args=(link, server), daemon=True).start()
        os.environ.update(variables)
        _redirect(output)
        code = _call(link, module, function, arguments, answers=output is None)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        processes.end_descendants(os.getpid())
        os._exit(code or 0)


def _call(link: socket.socket, module: str, function: str, arguments: dict, answers: bool) -> int:
    try:
        value = getattr(importlib.import_module(module), function)(**arguments)
    except BadInput as error:
        if not answers:
            raise
        value = error
    if not answers:
        return value
    link.sendall(pickle.dumps(value))
    return 0


def _redirect(output: int | None) -> None:
    if output is None:
        os.dup2(2, 1)  # standard output of the parent is for results
        return
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    sys.stdout.reconfigure(line_buffering=True)


def _watch(link: socket.socket, server: int) -> None:
    """End this process once the one that asked has gone; the kernel does so too, unless the server is stopped."""
    while True:
        try:
            if not link.recv(1):
                break
        except OSError:
            break
    with suppress(ProcessLookupError):
        os.kill(server, signal.SIGCONT)
    processes.end_descendants(os.getpid())
    os._exit(1)


def _default_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGCONT):
        signal.signal(number, signal.SIG_DFL)
    for number, handler in _handlers.items():
        signal.signal(number, handler)
    # Lightning replaces a default action of SIGTERM by an orderly end with exit code 0; a handler it calls as well.
    signal.signal(signal.SIGTERM, _end_by_signal)


def _end_by_signal(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_DFL)
    processes.end_descendants(os.getpid())
    os.kill(os.getpid(), number)
