"""`report`: tables and figures from records."""

from __future__ import annotations

from benchmarks import options
from benchmarks.commands.outcome import require_folder
from benchmarks.execute import session


def command(
    results: options.Finished,
    budget_axis: options.Axis = None,
    aa: options.AA = None,
    as_json: options.Json = False,
) -> int:
    """Write tables and figures; print the comparison.

    They are made from the records of a folder and written into its tables/ and figures/. The exit code is 1 where one
    of them failed; all others are written.
    """
    require_folder(results)
    failures: list[str] = []
    print(session.finish(results, as_json, budget_axis and budget_axis.value, aa, failures))
    return 1 if failures else 0
