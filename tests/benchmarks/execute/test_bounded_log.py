"""The output of a cell is kept in a file of bounded size: its beginning, its end, and a line that says so."""

import os

import pytest

from benchmarks.execute import bounded_log
from benchmarks.execute.bounded_log import BoundedLog


def kept(path, *written):
    """What is in the file after these pieces were written to the pipe, with room for 10 bytes, then for 6 more."""
    output, write = os.pipe()
    log = BoundedLog(output, os.open(path, os.O_WRONLY | os.O_CREAT), limit_bytes=10)
    for piece in written:
        os.write(write, piece)
        assert log.copy() == len(piece)
    assert log.copy() == 0, "it does not wait for more"
    os.write(write, b"." if written else b"")
    log.finish()
    os.close(write)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(bounded_log, "TAIL_BYTES", 6)


def test_output_within_the_limit_is_kept_as_it_is(tmp_path):
    assert kept(tmp_path / "a", b"one\n", b"two\n", b"3") == b"one\ntwo\n3."
    assert kept(tmp_path / "b") == b""


def test_of_longer_output_the_beginning_and_the_end_are_kept(tmp_path):
    begin, said, left_out, end = kept(tmp_path / "a", b"0123456789abc", b"defghijklmn").splitlines()
    assert (begin, end) == (b"0123456789", b"jklmn.")
    assert b"only the end is kept" in said and b"9 bytes of output are left out here" in left_out


def test_a_little_more_than_the_limit_is_kept_whole(tmp_path):
    found = kept(tmp_path / "a", b"0123456789abc")
    assert found.startswith(b"0123456789\n[") and found.endswith(b"abc.") and b"left out" not in found


def test_a_full_disk_does_not_stop_the_reader():
    output, write = os.pipe()
    log = BoundedLog(output, os.open("/dev/full", os.O_WRONLY))
    os.write(write, b"text")
    assert log.copy() == 4
    log.finish()
    os.close(write)
