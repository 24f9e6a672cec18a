"""One small variant is measured: its trace repeats, and sees what changes; its counters count."""

import json

import pytest
import torch

from benchmarks.gate import broken, executed, identity, trace, variant
from benchmarks.score.metrics import scorer
from paradigms.base import Paradigm
from paradigms.training.solver import Solver
from tests.benchmarks.gate.conftest import PRESET

SMALL = """
[variants.a]
paradigm = "diffusion"
nfe = [1, 2]
options = { backbone = "mlp", width = 16, batch_size = 16 }

[variants.b]
paradigm = "unrolled"
nfe = [2]
init_from = "a"
options = { backbone = "mlp", width = 16, k = 2 }

[variants.c]
paradigm = "end_to_end"
options = { network = "mlp", widths = [16] }
"""


def measurement(folder, name):
    """The measurement of a variant, not yet made."""
    path = folder / "small.toml"
    path.write_text(PRESET.split("[variants.a]")[0] + 'extractors = ["cnn"]\n' + SMALL)
    return variant.Measurement(variant.cells_of(str(path), name, "digits", [], None), folder, None)


def causes(base, head):
    return [difference.reason for difference in identity.differences(base["identity"], head["identity"])]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return {name: measurement(tmp_path_factory.mktemp(name), name).whole() for name in "abc"}


def test_a_measurement_repeats_to_the_bit_and_is_plain_data(tmp_path, base):
    assert json.loads(json.dumps(measurement(tmp_path, "c").whole())) == base["c"]


def test_a_trace_has_every_update_of_every_stage(base):
    for found in base.values():
        assert [len(stage["updates"]) for stage in found["identity"]["stages"]] == [20]
    assert set(base["a"]["identity"]["samples"]) == {"euler at 1 NFE", "euler at 2 NFE"}
    assert "recognition / accuracy" in base["c"]["identity"]["scores"]


def test_nan_ends_in_an_error_or_a_reason_everywhere(base):
    said = base["a"]["identity"]["broken"]
    assert said["training"].startswith("NonFinite: stage 'flow matching', update 0")
    assert said["samples"].startswith("NonFinite: samples of 'euler'")
    assert said["a metric"] == "no error: None, {'broken': 'not finite: nan'}"
    assert base["c"]["identity"]["broken"]["logits"].startswith("NonFinite: logits")


def test_a_variant_starts_from_the_traced_weights_of_its_ancestor(base):
    start, end = base["b"]["identity"]["start"], base["a"]["identity"]["stages"][0]["tensors"]
    assert {name: start[name] for name in end} == {name: value.split()[1] for name, value in end.items()}


def test_counters_are_those_of_the_variant(base):
    counters = base["a"]["counters"]
    assert None not in counters.values()
    assert counters["8 samples, euler at 2 NFE: NFE"] == 2
    flops = [counters[f"8 samples, euler at {nfe} NFE: FLOPs"] for nfe in (1, 2)]
    assert flops[1] == 2 * flops[0] > 0
    stage = "update of stage 'flow matching'"
    assert counters[f"{stage}: bytes kept"] == 4  # the loss that is appended to the curve
    assert counters[f"{stage}: FLOPs"] >= counters[f"{stage}: charged FLOPs"] > 0


def test_an_average_that_is_not_adopted_is_seen_at_the_end_of_the_stage(tmp_path, base, monkeypatch):
    monkeypatch.setattr(Solver, "swap_averages", lambda self: None)
    job = measurement(tmp_path, "a").job
    stages, _ = trace.train(job, job.build())
    evaluated, end = causes(base["a"], {"identity": base["a"]["identity"] | {"stages": stages}})
    assert "evaluated along training differ" in evaluated
    assert "the weights at the end of stage 'flow matching' differ" in end and "its updates are equal" in end


def test_shifted_labels_are_named_before_what_they_change(tmp_path, base, monkeypatch):
    open_job = variant.open_job

    def shifted(*arguments):
        job = open_job(*arguments)
        job.label = job.label.roll(1)
        return job

    monkeypatch.setattr(variant, "open_job", shifted)
    first, second, *_ = causes(base["c"], measurement(tmp_path, "c").whole())
    assert first == "the training labels differ, before anything is trained"
    assert second.startswith("the batch of update 0 of stage 'end to end' differs")


def test_a_nan_without_its_reason_is_seen(tmp_path, base, monkeypatch):
    computed = scorer._computed
    monkeypatch.setattr(scorer, "_computed", lambda *arguments: (computed(*arguments)[0], {}))
    job = measurement(tmp_path, "a").job
    said = broken.said(job, job.build())
    (found,) = causes(base["a"], {"identity": base["a"]["identity"] | {"broken": said}})
    assert found.startswith("a metric of numbers that are not finite ends differently")


def test_a_leak_a_synchronisation_and_float64_are_counted(tmp_path, monkeypatch):
    job, update_once, kept = measurement(tmp_path, "a").job, Paradigm.update_once, []
    (before,) = executed.of_updates(job, job.build()).values()

    def slower(self, batch, optimizer):
        loss = update_once(self, batch, optimizer)
        kept.append(batch.x.double())
        loss.item()
        return loss

    monkeypatch.setattr(Paradigm, "update_once", slower)
    (after,) = executed.of_updates(job, job.build()).values()
    change = {name: after[name] - before[name] for name in (executed.KEPT, executed.SYNCS, executed.DOUBLE)}
    assert change == {executed.KEPT: 16 * 64 * 8, executed.SYNCS: 1, executed.DOUBLE: 1}
    assert after[executed.FLOPS] == before[executed.FLOPS]


def test_memory_and_operations_of_a_call_are_exact():
    x = torch.zeros(1000)
    found = executed.of_call(lambda: (x + 1).sum())
    assert found[executed.OPERATIONS] == 2 and found[executed.KEPT] == 0
    assert 4000 <= found[executed.PEAK] < 4200


def test_a_variant_that_fails_says_why(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(PRESET.replace('"diffusion"', '"diffusion"\noptions = { width = -1 }'))
    assert "failed" in variant.answer(str(path), "a", "digits", [], None)
