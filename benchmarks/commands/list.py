"""`list`: what can be run."""

from __future__ import annotations

import json

from tabulate import tabulate

import paradigms
from benchmarks import data, options
from benchmarks.plan import presets


def command(paradigm: options.Files = [], as_json: options.Json = False) -> None:  # noqa: B006 (typer copies it)
    """List paradigms, data sets and presets."""
    facts = [paradigms.facts_or_error(name) for name in (*paradigms.names(), *paradigm)]
    described = {name: presets.load(name).description for name in presets.names()}
    if as_json:
        print(json.dumps({"paradigms": facts, "datasets": data.names(), "presets": described}, indent=1))
        return
    columns = ("name", "title", "era", "task", "reference")
    print(tabulate([[fact.get(column) for column in columns] for fact in facts], columns, "simple"))
    print(f"\ndata sets: {', '.join(data.names())}\n")
    print(tabulate(described.items(), ("preset", "description"), "simple"))
