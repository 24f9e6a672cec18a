"""A scoring network that is ready only while another is being built too, to test that they are built in parallel."""

import time
from pathlib import Path

from benchmarks.errors import BadInput

PATIENCE_SECONDS = 60


def answer(dataset, kind, data_dir, n_samples=None):
    if kind == "refused":
        raise BadInput("refused")
    Path(data_dir, kind).write_text("")
    began = time.monotonic()
    while len(list(Path(data_dir).iterdir())) < 2:
        if time.monotonic() - began > PATIENCE_SECONDS:
            Path(data_dir, "gave up").write_text("")
            raise BadInput("alone")
        time.sleep(0.01)
    return f"{dataset}-{kind}"
