"""`rescore`: score trained cells again."""

from __future__ import annotations

import sys
import time

from benchmarks import options
from benchmarks.commands.outcome import conclude, require_folder
from benchmarks.execute import rescore as rescore_
from benchmarks.execute import session


def command(
    results: options.Finished,
    every: options.Every = False,
    jobs: options.Jobs = None,
    data_dir: options.DataDir = None,
    paradigm: options.Trusted = [],  # noqa: B006 (typer copies it)
    as_json: options.Json = False,
) -> int:
    """Score trained cells again, without training.

    By default those whose metrics or scoring networks have changed. It needs the weights in the folder's trained/.
    """
    require_folder(results)
    place, began = session.Place(results, data_dir=data_dir, jobs=jobs), time.monotonic()
    cells, lines = rescore_.cells_of(place, paradigm)
    for line in lines:
        print(line, file=sys.stderr)
    executed = session.execute(cells, place, again=every)
    code = conclude(cells, executed, results, as_json)
    print(f"scored again in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return code
