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
) -> None:
    """Write tables and figures; print the comparison.

    They are made from the records of a folder and written into its tables/ and figures/.
    """
    require_folder(results)
    print(session.finish(results, as_json, budget_axis and budget_axis.value, aa))
