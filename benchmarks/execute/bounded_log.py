"""The output of a cell in a file of bounded size: a plug-in that prints without end must not fill the disk.

The first bytes are written as they come. Of what follows only the last bytes are kept, and written at the end: the last
line is the reason of many a failed cell. A line in between says so.
"""

from __future__ import annotations

import os
from contextlib import suppress

LIMIT_BYTES, TAIL_BYTES = 4 << 20, 1 << 16
CHUNK_BYTES, PIPE_BYTES = 1 << 16, 1 << 20


class BoundedLog:
    """Copies from a pipe to a file; it never waits for the pipe.

    pipe: descriptor from which the output is read; it is closed here.
    file: descriptor of the file; it is closed here.
    limit_bytes: number of first bytes that are written as they come.
    """

    def __init__(self, pipe: int, file: int, limit_bytes: int = LIMIT_BYTES):
        os.set_blocking(pipe, False)
        self._pipe, self._file = pipe, file
        self._left, self._n_more, self._tail = limit_bytes, 0, b""

    def fileno(self) -> int:
        """Descriptor that is readable when there is output to copy, or when there will be none."""
        return self._pipe

    def copy(self) -> int:
        """Copy one piece of the output that is there; returns its number of bytes, 0 where there is none now."""
        try:
            found = os.read(self._pipe, CHUNK_BYTES)
        except OSError:
            return 0
        head, rest = found[: self._left], found[self._left :]
        self._left -= len(head)
        self._write(head)
        if rest and not self._n_more:
            self._write(b"\n[more output follows; of what follows only the end is kept]\n")
        self._n_more += len(rest)
        self._tail = (self._tail + rest)[-TAIL_BYTES:]
        return len(found)

    def finish(self) -> None:
        """Copy what is left in the pipe, write the end of the output, and close both descriptors."""
        copied = 0
        while copied < PIPE_BYTES and (n_bytes := self.copy()):  # what it has started may go on writing
            copied += n_bytes
        if self._n_more > len(self._tail):
            self._write(f"[{self._n_more - len(self._tail)} bytes of output are left out here]\n".encode())
        self._write(self._tail)
        self.close()

    def close(self) -> None:
        """Close both descriptors."""
        os.close(self._pipe)
        os.close(self._file)

    def _write(self, content: bytes) -> None:
        with suppress(OSError):  # a full disk ends the cell that writes its record, not the one that reads its output
            while content:
                content = content[os.write(self._file, content) :]
