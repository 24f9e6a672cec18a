"""Counters, clock, memory and provenance, each on a case with a known answer."""

import copy
import subprocess

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.cost.clock import time_calls
from benchmarks.cost.memory import peak_memory
from benchmarks.flops import count_flops
from benchmarks.score.nfe import count_evaluations
from benchmarks.store.provenance import provenance

ROWS, INPUTS, OUTPUTS = 7, 10, 20
FORWARD = 2 * ROWS * INPUTS * OUTPUTS


@pytest.fixture
def layer() -> nn.Linear:
    return nn.Linear(INPUTS, OUTPUTS, bias=False)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.ones(ROWS, INPUTS)


def test_evaluations_are_batch_rows_so_a_doubled_batch_counts_double(layer, x):
    with count_evaluations(layer) as counter:
        layer(x)
        layer(input=torch.cat([x, x]))
    assert counter.rows == 3 * ROWS


def test_calls_outside_the_context_are_not_counted_and_the_hook_is_removed(layer, x):
    layer(x)
    with count_evaluations(layer) as counter:
        pass
    layer(x)
    assert counter.rows == 0 and not layer._forward_hooks


def test_the_hook_is_removed_after_an_exception(layer, x):
    with pytest.raises(RuntimeError), count_evaluations(layer) as counter:
        layer(x)
        layer(x.T)
    assert counter.rows == ROWS and not layer._forward_hooks


def test_nested_counters_each_count_the_calls_in_their_own_context(layer, x):
    with count_evaluations(layer) as outer:
        layer(x)
        with count_evaluations(layer) as inner:
            layer(x)
        layer(x)
    assert (outer.rows, inner.rows) == (3 * ROWS, ROWS)


def test_a_deep_copy_counts_while_the_context_lasts_and_never_after(layer, x):
    before = copy.deepcopy(layer)
    with count_evaluations(layer) as counter:
        taken = copy.deepcopy(layer)
        taken(x)
        before(x)
    taken(x)
    assert counter.rows == ROWS


def test_flops_of_a_linear_layer_are_the_formula_forward_backward_and_forward_mode(layer, x):
    assert count_flops(lambda: layer(x)) == FORWARD
    assert count_flops(lambda: layer(x).sum().backward()) == 2 * FORWARD  # no gradient of the input
    assert count_flops(lambda: layer(x.clone().requires_grad_()).sum().backward()) == 3 * FORWARD
    # Value, tangent of the input, and the zero tangent of the closed-over weight.
    assert count_flops(lambda: torch.func.jvp(layer, (x,), (x,))) == 3 * FORWARD


def test_flops_of_a_gradient_with_respect_to_the_input_are_counted(layer, x):
    x.requires_grad_()
    assert count_flops(lambda: torch.autograd.grad(layer(x).sum(), x)) == 2 * FORWARD


def test_flops_of_a_convolution_are_the_formula():
    layer = nn.Conv2d(3, 5, 3, padding=1)
    assert count_flops(lambda: layer(torch.zeros(2, 3, 8, 8))) == 2 * (2 * 5 * 64) * (3 * 9)


def test_flops_of_attention_on_a_cpu_are_not_zero():
    q = torch.zeros(2, 3, 16, 8)
    assert count_flops(lambda: F.scaled_dot_product_attention(q, q, q)) == 2 * (2 * 3 * 16 * 16 * 8 * 2)


def test_peak_memory_of_a_known_allocation_is_its_size_and_repeats():
    kept = torch.zeros(1000)

    def allocate():
        a = torch.empty(1 << 20, dtype=torch.uint8)
        b = torch.empty(1 << 19, dtype=torch.uint8)
        del a
        return b, torch.empty(1 << 18, dtype=torch.uint8), kept.view(-1)

    expected = {"allocated_bytes": (1 << 20) + (1 << 19), "reserved_bytes": None}
    assert [peak_memory(allocate, "cpu") for _ in range(3)] == [expected] * 3


def test_peak_memory_of_nothing_is_zero():
    assert peak_memory(lambda: None, "cpu")["allocated_bytes"] == 0


def test_the_clock_returns_the_median_of_the_requested_repeats(monkeypatch):
    seconds = iter([100.0, 5.0, 1.0, 3.0, 2.0, 4.0])  # the first is warm-up
    now = [0.0]
    monkeypatch.setattr("benchmarks.cost.clock.time.perf_counter", lambda: now[0])

    def call():
        now[0] += next(seconds)

    timing = time_calls(call, "cpu", warmup_seconds=0, min_repeats=5, min_seconds=0)
    assert (timing.repeats, timing.median_seconds, timing.warmup_seconds) == (5, 3.0, 100.0)
    assert timing.p10_seconds == pytest.approx(1.4) and timing.p90_seconds == pytest.approx(4.6)


def test_the_clock_continues_for_the_requested_seconds_of_warm_up_and_measurement(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("benchmarks.cost.clock.time.perf_counter", lambda: now[0])

    def call():
        now[0] += 0.25

    timing = time_calls(call, "cpu", warmup_seconds=1.0, min_repeats=2, min_seconds=2.0)
    assert (timing.warmup_seconds, timing.repeats) == (1.0, 8)


def test_provenance_names_versions_and_device_and_leaves_unknown_facts_empty():
    found = provenance("cpu", threads=1, exclusive=True)
    # A build for one device names it in the module ("2.13.0+cu130") and not always in the package's metadata.
    assert found["versions"]["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    assert (found["device"], found["threads"], found["exclusive"]) == ("cpu", 1, True)
    assert found["gpu_model"] is None and found["tf32_matmul"] is None
    assert found["timestamp_utc"].endswith("+00:00")


def git(folder, *arguments):
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_provenance_gives_the_commit_and_detects_a_changed_file(tmp_path, monkeypatch):
    (file := tmp_path / "provenance.py").write_text("")
    monkeypatch.setattr("benchmarks.store.provenance.__file__", str(file))
    assert provenance("cpu", threads=1, exclusive=False)["commit"] is None  # no repository
    git(tmp_path, "init")
    assert provenance("cpu", threads=1, exclusive=False)["dirty"] is None  # a repository that does not hold the file
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message", "one")
    found = provenance("cpu", threads=1, exclusive=False)
    assert (found["commit"], found["dirty"]) == (git(tmp_path, "rev-parse", "HEAD"), False)
    file.write_text("changed")
    assert provenance("cpu", threads=1, exclusive=False)["dirty"] is True
