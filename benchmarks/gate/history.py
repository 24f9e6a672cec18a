"""The history of gates: one line of JSON per gate or blessing, read back as series over commits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.errors import BadInput
from benchmarks.gate.finding import Finding
from benchmarks.store.records import finite

if TYPE_CHECKING:
    from pandas import DataFrame  # imported where it is used, since every command imports this file

NAME = "history.jsonl"
COLUMNS = ["entry", "commit", "dirty", "preset", "stage", "series", "value", "low", "high"]


def of_gate(
    preset: str,
    findings: Sequence[Finding],
    commit: str | None,
    dirty: bool,
    machine: Mapping[str, object],
    counters: Mapping[str, Mapping[str, float | None]],
) -> dict:
    """The entry of a gate.

    preset: its name.
    findings: of all its stages.
    commit: of head; None where there is none.
    dirty: whether head has changes that are not committed.
    machine: as `baseline.machine_class`.
    counters: subject -> counter -> value of the baseline; head's where they differ are taken from the findings.
    """
    known = {
        subject: {name: value for name, value in one.items() if value is not None} for subject, one in counters.items()
    }
    for finding in findings:
        if finding.stage == "counters" and isinstance(finding.head, int | float):
            known.setdefault(finding.subject, {})[finding.quantity] = finding.head
    told = ("subject", "quantity", "base", "head", "effect", "low", "high", "reason")
    measured = {
        stage: [
            {name: getattr(finding, name) for name in told} | {"verdict": finding.verdict.value}
            for finding in findings
            if finding.stage == stage and finding.effect is not None
        ]
        for stage in ("quality", "speed")
    }
    verdicts = {finding.stage: [] for finding in findings}
    for finding in findings:
        verdicts[finding.stage].append(finding.verdict.value)
    counted = {stage: {name: names.count(name) for name in sorted(set(names))} for stage, names in verdicts.items()}
    facts = {"event": "gate", "preset": preset, "commit": commit, "dirty": dirty, "machine": dict(machine)}
    return facts | {"verdicts": counted, "counters": known} | measured


def of_blessing(kind: str, preset: str, reason: str, commit: str | None) -> dict:
    """The entry of a blessing.

    kind: "counters", "quality" or "speed".
    preset: its name.
    reason: as blessed.
    commit: of head.
    """
    return {"event": "blessing", "kind": kind, "preset": preset, "reason": reason, "commit": commit}


def append(path: Path, entry: dict) -> None:
    """Add a line to a history, which is made if absent.

    path: the file.
    entry: without its date.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    dated = {"date": datetime.now(UTC).isoformat(timespec="seconds")} | entry
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(finite(dated), allow_nan=False) + "\n")


def read(path: Path) -> list[dict]:
    """The entries of a history, in the order of the file.

    path: the file.

    Raises BadInput where there is none, or where a line is no entry.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise BadInput(f"history {path}: {error}; every gate writes one: python -m benchmarks gate digits") from None
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            entry["event"], entry["preset"]
        except (ValueError, KeyError, TypeError):
            raise BadInput(f"history {path}, line {number}: is no entry of a gate; remove the line") from None
        entries.append(entry)
    if not entries:
        raise BadInput(f"history {path}: is empty; every gate adds a line: python -m benchmarks gate digits")
    return entries


def series(entries: Sequence[dict]) -> DataFrame:
    """One row per gate and quantity, with `COLUMNS`: quality and counters as measured on head, speed as head over base.

    entries: of one history. The column `entry` is their index.
    """
    rows = []
    for index, entry in enumerate(entries):
        if entry["event"] != "gate":
            continue
        about = {"entry": index, **{name: entry.get(name) for name in ("commit", "dirty", "preset")}}
        for subject, one in entry.get("counters", {}).items():
            rows += [
                about | {"stage": "counters", "series": f"{subject}: {name}", "value": v} for name, v in one.items()
            ]
        for stage, value in (("quality", "head"), ("speed", "effect")):
            for one in entry.get(stage, []):
                name = f"{one['subject']}: {one['quantity']}"
                bounds = {"low": one["low"], "high": one["high"]} if stage == "speed" else {}
                rows.append(about | {"stage": stage, "series": name, "value": one[value]} | bounds)
    from pandas import DataFrame

    return DataFrame(rows, columns=COLUMNS).dropna(subset="value", ignore_index=True)
