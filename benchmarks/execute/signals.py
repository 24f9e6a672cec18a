"""What Ctrl-C, SIGTERM and SIGHUP do to a command: it ends what it has started, and exits."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

GIVE_UP_SECONDS = 10.0
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside, the first of these signals raises KeyboardInterrupt, and those that follow do nothing.

    So a second Ctrl-C cannot interrupt the end of the workers, which takes a few seconds at most; after GIVE_UP_SECONDS
    it ends the process, and the kernel ends the workers. A signal that is
    ignored on entry stays ignored, as `nohup` wants it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]

    first: list[float] = []

    def interrupt(number: int, frame: object) -> None:
        if not first:
            first.append(time.monotonic())
            raise KeyboardInterrupt
        if time.monotonic() - first[0] > GIVE_UP_SECONDS:
            os._exit(130)

    for number in heeded:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])
