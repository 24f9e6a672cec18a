"""A folder that is deleted, locked or damaged while a command works on it: one line and exit code 2."""

import errno

import pytest

from benchmarks import cli
from benchmarks.execute import session
from benchmarks.store import records

ERRORS = [
    (FileNotFoundError(errno.ENOENT, "No such file or directory", "tiny/cells"), "tiny/cells: No such"),
    (PermissionError(errno.EACCES, "Permission denied", "tiny/.work"), "tiny/.work: Permission denied"),
    (OSError(errno.ENAMETOOLONG, "File name too long", "x" * 5000), "xxx"),
    (OSError(errno.ESTALE, "Stale file handle"), "Stale file handle"),
    (records.DamagedRecord("cells/a.json: No such file or directory"), "cells/a.json"),
]


@pytest.mark.parametrize(("error", "said"), ERRORS, ids=[said for _, said in ERRORS])
def test_a_folder_that_changes_during_a_command_is_one_line(tmp_path, capsys, monkeypatch, error, said):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(session, "finish", fail)
    for more, first in (([], "error: "), (["--traceback"], "Traceback")):
        with pytest.raises(SystemExit) as ended:
            cli.main(["report", str(tmp_path), *more])
        lines = capsys.readouterr().err.splitlines()
        assert ended.value.code == 2 and lines[0].startswith(first) and said in lines[-1]
        assert more or (len(lines) == 1 and len(lines[0]) < 2000)
