"""Writes the report in a child process, so that no process of it outlives the command; skips what would not change.

`.work/report.json` describes the files from which tables, figures and the page were made, and these. While both are as
described, `unchanged` gives what the command prints.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.execute import fork_server, processes
from benchmarks.plan.fingerprint import PACKAGES, ROOT
from benchmarks.store import atomic

STAMP = "report.json"
LIBRARIES = ("matplotlib", "seaborn", "pandas", "numpy", "altair", "jinja2", "itables")


def draw(folders: Sequence[Path], aa_dir: Path | None = None) -> dict:
    """Write tables, figures and the page of results folders.

    Returns the comparisons as "summary" and as "json", and as "failures" what could not be written.

    folders: of the records; several of them share the page of the first.
    aa_dir: as in `report.write`.

    Raises BadInput where there are no records or the folder cannot be written.
    """
    try:
        return fork_server.ask(__name__, {"folders": [*folders], "aa_dir": aa_dir})
    except ChildProcessError as error:
        raise BadInput(
            f"results folder {', '.join(map(str, folders))}: the process that writes the report {error}"
        ) from None


def answer(folders: Sequence[Path], aa_dir: Path | None = None) -> dict:
    """`draw` within the child process."""
    from benchmarks import report

    processes.tie_forks()
    results_dir, *others = folders
    inputs = _described(_inputs(results_dir))
    failures: list[str] = []
    compared = dict(zip(folders, report.write_all(folders, aa_dir, failures), strict=True))
    said = {"summary": report.summaries(compared), "json": report.to_json(compared)}
    if aa_dir is None and not others and not failures and (results_dir / ".work").is_dir():
        stamp = {"inputs": inputs, "outputs": _described(_outputs(results_dir)), **said}
        atomic.write(results_dir / ".work" / STAMP, json.dumps(stamp).encode())
    return said | {"failures": failures}


def unchanged(results_dir: Path) -> dict[str, str] | None:
    """What `draw` would return, where it would write the files that are there; else None."""
    try:
        stamp = json.loads((results_dir / ".work" / STAMP).read_text())
        now = {"inputs": _described(_inputs(results_dir)), "outputs": _described(_outputs(results_dir))}
        return {name: stamp[name] for name in ("summary", "json")} if stamp == stamp | now else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _inputs(results_dir: Path) -> Iterable[Path]:
    for folder in PACKAGES:
        yield from (ROOT / folder).rglob("*.py")
        for kind in ("*.toml", "*.j2", "*.css", "*.js"):
            yield from (ROOT / folder).rglob(kind)
    yield from results_dir.glob("cells*/*.json")
    yield from results_dir.glob("cells.*")
    yield from (results_dir / "samples").glob("*")
    yield from (results_dir.resolve().parent / "aa" / "tables").glob("aa.csv")
    yield from (ROOT / "results" / "reference" / "aa" / "tables").glob("aa.csv")


def _outputs(results_dir: Path) -> Iterable[Path]:
    yield from (results_dir / "tables").rglob("*")
    yield from (results_dir / "figures").rglob("*")
    yield from results_dir.glob("*.html")


def _described(paths: Iterable[Path]) -> str:
    """Hash of the names, sizes and modification times of files, and of the versions of what draws."""
    facts = [(str(path), found.st_size, found.st_mtime_ns) for path in sorted(paths) for found in [path.stat()]]
    return hashlib.sha256(repr((facts, sys.version, [version(name) for name in LIBRARIES])).encode()).hexdigest()
