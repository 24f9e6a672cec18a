"""`doctor`: what this computer has, and whether the instruments are right."""

from __future__ import annotations

import json
import sys

from tabulate import tabulate

from benchmarks import options


def command(selftest: options.Selftest = False, data_dir: options.DataDir = None, as_json: options.Json = False) -> int:
    """Print what this machine has, and what would stop a run.

    Hardware, versions, data sets and the cells of each preset. The exit code is 1 where there is a problem.
    """
    from benchmarks import doctor as doctor_

    if selftest:
        return _print_checks(doctor_.selftest(), as_json)
    found = doctor_.examine(data_dir)
    print(json.dumps(found, indent=1) if as_json else _lines(found))
    return 1 if found["problems"] else 0


def _lines(found: dict, indent: str = "") -> str:
    lines = []
    for key, value in found.items():
        nested = isinstance(value, dict) and value
        shown = "\n" + _lines(value, indent + "  ") if nested else f" {'-' if value in (None, [], {}) else value}"
        lines.append(f"{indent}{key}:{shown}")
    return "\n".join(lines)


def _print_checks(checks: list[dict], as_json: bool) -> int:
    """Print the checks of the instruments, and those that fail on standard error; returns the exit code."""
    failed = [check for check in checks if not check["holds"]]
    rows = [check | {"holds": "yes" if check["holds"] else "NO"} for check in checks]
    table = tabulate(rows, "keys", "simple", disable_numparse=True, maxcolwidths=50)
    print(json.dumps(checks, indent=1) if as_json else table)
    for check in failed:
        print(f"{check['name']}: expected {check['expected']}, found {check['found']}", file=sys.stderr)
    return 1 if failed else 0
