"""What a command prints to, where that is not a usual terminal."""

import io
import os
import subprocess
import sys

import pytest

from benchmarks import cli
from benchmarks.execute import session
from tests import ROOT

WITHOUT_STREAMS = """
import os, sys
from benchmarks import cli
try:
    cli.main(["glossary"])
except SystemExit as ended:
    os._exit(bool(ended.code) or open(sys.argv[1], "w").fileno() < 3)
"""


def test_text_that_the_terminal_cannot_show_is_printed_as_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "finish", lambda *_, **__: "the table of 你")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed := io.BytesIO(), encoding="ascii"))
    with pytest.raises(SystemExit) as ended:
        cli.main(["report", str(tmp_path)])
    sys.stdout.flush()
    assert not ended.value.code and printed.getvalue() == b"the table of \\u4f60\n"


def test_without_standard_streams_no_file_takes_their_place(tmp_path):
    command = ["bash", "-c", 'exec "$@" <&- >&- 2>&-', "bash", sys.executable, "-c", WITHOUT_STREAMS]
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run([*command, str(tmp_path / "file")], cwd=ROOT, env=variables).returncode == 0
