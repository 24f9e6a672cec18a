"""A paradigm's code that misbehaves in a cell leaves a record that names the cause, and the process as it was."""

import os
import signal

import pytest
import torch

from benchmarks import worker
from benchmarks.execute import fork_server
from benchmarks.global_state import ChangedState, unchanged
from benchmarks.store import records
from tests.benchmarks.train.plug_in import executed, specified, training_cell

LOSS = """
import os, signal, sys
import numpy

class Mine(Paradigm):
    title, era, reference, task = "Mine", "other", "none", "recognition"

    def __init__(self, shape, n_classes):
        super().__init__(shape, n_classes)
        self.head = nn.Linear(64, n_classes)

    def stages(self):
        return [Stage("all", list(self.parameters()), self.loss, batch_size=32)]

    def loss(self, batch):
        {act}
        return nn.functional.cross_entropy(self.head(batch.x.float().flatten(1)), batch.label)
"""
ACTS = {
    "sys.exit(0)": ("failed", "SystemExit"),
    "sys.exit('bye')": ("failed", "SystemExit: bye"),
    "raise ValueError('a\\x1b[2J' + 'b' * 10**6)": ("failed", "ValueError: a [2Jbbb"),
    "raise RuntimeError(chr(0xd800))": ("failed", "RuntimeError"),
    "raise MemoryError": ("oom", "MemoryError"),
    "torch.empty(10**15)": ("oom", "DefaultCPUAllocator"),
    "numpy.zeros(10**16)": ("oom", "Unable to allocate"),
    "torch.set_default_dtype(torch.float64)": ("failed", "default dtype from torch.float32 to torch.float64"),
    "os.chdir('/')": ("failed", "working directory"),
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)": ("failed", "the handler of SIGTERM"),
    "torch.set_num_threads(7)": ("failed", "number of threads"),
    "return batch.x": ("failed", ""),
    "return None": ("failed", ""),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_loss_that_misbehaves_is_a_record_with_its_cause(tmp_path, act):
    before = torch.get_default_dtype(), os.getcwd(), signal.getsignal(signal.SIGTERM), torch.get_num_threads()
    cell = training_cell(tmp_path / "mine.py", LOSS.replace("{act}", act.replace("\x1b", "\\x1b")))
    record = executed(cell, tmp_path)
    status, said = ACTS[act]
    assert record["status"] == status and said in record["reason"]
    assert len(record["reason"]) <= records.REASON and record["reason"].isprintable()
    after = torch.get_default_dtype(), os.getcwd(), signal.getsignal(signal.SIGTERM), torch.get_num_threads()
    assert after == before


def test_a_loss_that_behaves_is_done(tmp_path):
    assert executed(training_cell(tmp_path / "mine.py", LOSS.replace("{act}", "pass")), tmp_path)["status"] == "done"


def test_where_srun_is_installed_no_hint_on_it_becomes_the_last_line_of_a_cell_and_so_its_reason(
    tmp_path, monkeypatch, recwarn
):
    (tmp_path / "srun").write_text("#!/bin/sh\n")
    (tmp_path / "srun").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    cell = training_cell(tmp_path / "mine.py", LOSS.replace("{act}", "pass"))
    assert executed(cell, tmp_path)["status"] == "done"
    assert not [str(found.message) for found in recwarn if "srun" in str(found.message)]


def test_an_error_that_follows_from_a_change_is_named_with_it():
    with pytest.raises(ChangedState, match=r"default dtype .*; then: TypeError: mixed"), unchanged():
        torch.set_default_dtype(torch.float64)
        raise TypeError("mixed")
    assert torch.get_default_dtype() is torch.float32
    with pytest.raises(KeyError), unchanged():
        raise KeyError


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), "\ud800", b"bytes"], ids=str)
def test_a_score_that_no_record_can_hold_is_a_record_that_says_so(tmp_path, monkeypatch, value):
    cell = training_cell(tmp_path / "mine.py", LOSS.replace("{act}", "pass"))
    monkeypatch.setitem(worker.RUN, "training", lambda *_: {"of a plug-in": value})
    record = executed(cell, tmp_path)
    assert record["status"] == ("done" if isinstance(value, float) else "failed")
    assert value != value or "does not fit the schema" in record["reason"]


TIMING = {"kind": "timing", "timing_seconds": 0.001, "budget_flops": 1e6, "scores": ["recognition"]}


@pytest.mark.parametrize(
    ("returned", "kind"), [("found[:, 0]", r"torch.float32 (2,)"), ("found.tolist()", "'list'"), ("None", "'NoneType'")]
)
def test_a_timing_cell_names_logits_that_break_the_contract(tmp_path, returned, kind):
    logits = f"""
    def logits(self, x):
        found = self.head(x.flatten(1))
        return {returned}
"""
    cell = training_cell(tmp_path / "mine.py", LOSS.replace("{act}", "pass") + logits)
    record = executed(cell.model_copy(update=TIMING), tmp_path)
    assert record["status"] == "failed"
    assert record["reason"] == f"BrokenContract: logits are {kind}; must be floating-point (2, 10)"


def test_the_log_of_a_timing_cell_says_nothing_of_the_profiler(tmp_path, warm_server):
    """In a process of its own: the profiler's library reads how much to say once, when it is first used."""
    text = LOSS.replace("{act}", "pass") + "\n    def logits(self, x):\n        return None\n"
    cell = training_cell(tmp_path / "mine.py", text).model_copy(update=TIMING)
    spec, log = specified(cell, tmp_path), tmp_path / "log.txt"
    fork_server.start("benchmarks.worker", spec, log).join()
    assert "Traceback" in log.read_text() and "USDT:" not in log.read_text()
