"""`diagnose`: one trained cell, scored again in detail."""

from __future__ import annotations

import json

from benchmarks import options
from benchmarks.store import records


def command(
    path: options.Record,
    device: options.Device = options.DeviceName.auto,
    data_dir: options.DataDir = None,
    paradigm: options.Trusted = [],  # noqa: B006 (typer copies it)
    as_json: options.Json = False,
) -> None:
    """Score one trained cell; say where quality is lost.

    Prints sample quality, gradient reach and the mismatch between training and inference along the chain.
    """
    from benchmarks import diagnose as diagnose_  # imports torch

    found = diagnose_.diagnose(path, device.value, data_dir, paradigm)
    print(json.dumps(records.finite(found), indent=1) if as_json else diagnose_.lines(found))
