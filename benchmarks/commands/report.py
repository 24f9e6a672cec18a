"""`report`: tables, figures and a page from records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Argument

from benchmarks import options
from benchmarks.commands.outcome import require_folder
from benchmarks.execute import session

Folders = Annotated[
    list[Path], Argument(help="Results folders of runs; several stand on one page, that of the first folder.")
]


def command(
    results: Folders,
    budget_axis: options.Axis = None,
    aa: options.AA = None,
    as_json: options.Json = False,
) -> int:
    """Write tables, figures and the page report.html; print the comparison.

    They are made from the records of a folder and written into its tables/ and figures/, and beside them. The exit code
    is 1 where one of them failed; all others are written.
    """
    for folder in results:
        require_folder(folder)
    failures: list[str] = []
    print(session.finish(results, as_json, budget_axis and budget_axis.value, aa, failures))
    print(f"page: {session.page_of(results)}", file=sys.stderr)
    return 1 if failures else 0
