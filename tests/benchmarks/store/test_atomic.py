"""Whatever is written appears whole or not at all, inside of the results folder."""

import os
import subprocess
import sys

import pytest

from benchmarks import report
from benchmarks.errors import BadInput
from benchmarks.report import figures
from benchmarks.report.figures import style
from benchmarks.store import atomic
from benchmarks.store.inside import WRITTEN, inside, refuse_links
from tests import ROOT
from tests.benchmarks import fake_run


def test_a_file_appears_whole_and_replaces_the_old_one(tmp_path):
    atomic.write(path := tmp_path / "deep" / "a", b"old")
    with atomic.replacing(path) as fresh:
        fresh.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" and list(path.parent.iterdir()) == [path]


def test_a_writer_that_fails_leaves_the_old_file_and_no_litter(tmp_path):
    atomic.write(path := tmp_path / "a", b"old")
    with pytest.raises(KeyError), atomic.replacing(path) as fresh:
        fresh.write_bytes(b"half")
        raise KeyError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_what_is_written_has_reached_the_disk_before_it_replaces_anything(tmp_path, monkeypatch):
    acts = []
    synchronise, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: acts.append("fsync") or synchronise(fd))
    monkeypatch.setattr(os, "replace", lambda *paths: acts.append("replace") or replace(*paths))
    atomic.write(tmp_path / "a", b"new")
    assert acts == ["fsync", "replace"]


def test_a_link_in_place_of_a_file_is_replaced_and_not_followed(tmp_path):
    (outside := tmp_path / "outside").write_text("mine")
    (tmp_path / "results").mkdir()
    (link := tmp_path / "results" / "aa.csv").symlink_to(outside)
    atomic.write(link, b"table")
    assert outside.read_text() == "mine" and not link.is_symlink() and link.read_bytes() == b"table"


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "link/x", "loop", "a\0b"])
def test_a_path_that_leads_out_of_the_folder_is_refused_in_one_line(tmp_path, name):
    (folder := tmp_path / "results").mkdir()
    (folder / "link").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    with pytest.raises(BadInput, match="results") as error:
        inside(folder, name)
    assert "\n" not in str(error.value)


def test_a_path_in_the_folder_is_allowed_also_where_the_folder_itself_is_a_link(tmp_path):
    (tmp_path / "real" / "cells").mkdir(parents=True)
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    refuse_links(tmp_path / "linked")
    assert inside(tmp_path / "linked", "cells/a.json") == tmp_path / "linked" / "cells" / "a.json"


@pytest.mark.parametrize("name", WRITTEN)
def test_a_report_follows_no_link_out_of_its_folder(tmp_path, name):
    fake_run.write(folder := tmp_path / "results", fake_run.timing("end-to-end"))
    (outside := tmp_path / "outside").mkdir()
    if name == "cells":
        (folder / "cells").rename(outside / "cells")
        outside = outside / "cells"
    (folder / name).symlink_to(outside)
    before = {path: path.stat().st_mtime_ns for path in outside.rglob("*")}
    with pytest.raises(BadInput, match=f"'{name}' leads out of it"):
        report.write(folder)
    assert {path: path.stat().st_mtime_ns for path in outside.rglob("*")} == before


def test_the_figures_of_an_earlier_report_stay_until_the_new_ones_are_there(tmp_path, monkeypatch):
    fake_run.write_run(tmp_path, ("end-to-end",), n_seeds=1, npz=False)
    monkeypatch.setattr(style, "FORMATS", {"svg": style.FORMATS["svg"]})
    monkeypatch.setattr(figures, "names", lambda: ["cost_bars"])
    (tmp_path / "figures").mkdir()
    (old := tmp_path / "figures" / "cost_bars.svg").write_text("old")
    (other := tmp_path / "figures" / "cost_bars-mnist.svg").write_text("of a data set that is gone")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(figures, "ProcessPoolExecutor", interrupted)
        report.write(tmp_path)
    assert old.read_text() == "old"
    report.write(tmp_path)
    assert old.read_text() != "old" and not other.exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from benchmarks.store import atomic
with atomic.replacing(Path(sys.argv[1])) as fresh:
    fresh.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_sweep_removes_what_a_killed_writer_left_at_once(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, tmp_path / "tables" / "a.csv"], cwd=ROOT, check=False)
    assert len(list(tmp_path.rglob("*"))) == 2
    atomic.sweep(tmp_path)
    assert not list((tmp_path / "tables").iterdir())


def test_a_sweep_spares_what_is_being_written_here_or_may_be_elsewhere(tmp_path):
    old, fresh, whole = (tmp_path / name for name in (".a.svg.elsewhere-1.tmp", ".b.svg.elsewhere-2.tmp", "c.svg"))
    for path in (old, fresh, whole):
        path.write_text("")
    for path in (old, whole):
        os.utime(path, (0, 0))
    with atomic.replacing(tmp_path / "d.svg") as mine:
        mine.write_text("")
        atomic.sweep(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted([fresh, whole, mine])
