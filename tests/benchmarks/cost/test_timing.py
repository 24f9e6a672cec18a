"""A timing cell on a clock that advances only when the toy paradigm says so: all numbers are exact."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.cost import sanity_checks, timing, timing_samples
from benchmarks.cost.timing_samples import SampleClock
from benchmarks.cost.timing_stages import end_to_end_images_per_second, time_stage
from paradigms.base import Paradigm, Stage

SHAPE, BATCH, STEP, ROW, FIXED = (1, 2, 2), 8, 0.005, 0.001, 0.003
FORWARD_FLOPS = 2 * 4 * 4  # of a row through the link
PEAK = 1e9
PEAKS = {"matmul_peak_flops_per_second": PEAK / 2, "convolution_peak_flops_per_second": PEAK}


class Clock:
    """Stands for time.perf_counter and time.process_time."""

    def __init__(self):
        self.wall = self.cpu = 0.0
        self.slowness = 1.0  # factor on all times

    def work(self, seconds: float, share: float = 1.0) -> None:
        self.wall += self.slowness * seconds
        self.cpu += self.slowness * share * seconds


class Link(nn.Linear):
    """Takes ROW seconds per row, or none where `idle`."""

    def __init__(self, clock: Clock):
        super().__init__(4, 4)
        self.clock, self.idle = clock, False

    def forward(self, x):
        self.clock.work(0.0 if self.idle else ROW * len(x))
        return super().forward(x)


class Toy(Paradigm):
    """A chain of linear steps. Samplers: "honest"; "hidden", whose steps after the first cost nothing; "doubled", of
    two rows an image."""

    title, era, reference, task = "toy", "none", "nobody", "generation"
    samplers = ("honest", "hidden", "doubled")

    def __init__(self, clock: Clock):
        super().__init__(SHAPE, 3)
        self.net, self.clock = Link(clock), clock

    def stages(self):
        def loss(batch):
            self.clock.work(STEP)
            self.net.idle = True
            found = self.net(batch.x.flatten(1)).square().mean()
            self.net.idle = False
            return found

        return [Stage("toy stage", list(self.net.parameters()), loss, batch_size=BATCH)]

    def link(self):
        return self.net

    def sample(self, n, nfe, generator, sampler="honest"):
        x = torch.randn(n, 4, generator=generator)
        self.clock.work(FIXED)
        for step in range(nfe):
            self.net.idle = sampler == "hidden" and step > 0
            given = x
            x = self.net(given.repeat(2, 1) if sampler == "doubled" else given)[:n].clamp(-1, 1)
            given.fill_(9.0)  # a chain may use its memory again
            self.net.idle = False
        return x.view(n, *SHAPE)


class Job:
    """The parts of a job that a timing cell uses, with the toy."""

    def __init__(self, clock: Clock, sampler: str = "honest", nfe=(1, 4)):
        self.clock, self.sampler, self.device = clock, sampler, torch.device("cpu")
        settings = {"nfe": list(nfe), "sample_batch": BATCH, "timing_seconds": 0.2, "seed": 0, "budget_flops": 1e5}
        self.cell = SimpleNamespace(**settings, nfes=lambda sampler: list(nfe))
        self.observed_flops = 0
        self.split = self.x, self.label = torch.zeros(40, *SHAPE), torch.zeros(40, dtype=torch.int64)
        images = np.zeros((20, *SHAPE), dtype=np.uint8)
        self.dataset = SimpleNamespace(test=SimpleNamespace(images=images))
        self.extractors = (lambda images: images.double(),)

    def build(self):
        torch.manual_seed(0)
        return Toy(self.clock).eval()

    def samplers(self, paradigm):
        return [self.sampler]


def measured(job) -> dict:
    return timing.measure_timing(job, lambda *_: None)["timing"]


def test_an_updates_time_is_its_own_and_not_that_of_what_surrounds_it(clock):
    (stage,) = measured(Job(clock))["stages"]
    assert stage["step_seconds_median"] == pytest.approx(STEP)
    assert stage["images_per_second"] == pytest.approx(BATCH / STEP)
    assert stage["host_seconds_median"] == stage["step_seconds_median"] and stage["device_seconds_median"] is None
    assert stage["end_to_end_images_per_second"] == pytest.approx(BATCH / STEP)
    assert stage["flops_per_update"] == BATCH * 2 * FORWARD_FLOPS  # forward and the gradient of the weight
    assert stage["mfu"] == pytest.approx(stage["flops_per_update"] / STEP / PEAK)
    assert stage["energy_joules_per_image"] is None


def test_timing_more_updates_than_planned_stays_in_the_schedule_and_leaves_no_loss_curve(clock):
    toy, seen = Toy(clock), []
    stage = replace(toy.stages()[0], schedule=lambda progress: seen.append(progress) or 1.0)
    plan = SimpleNamespace(updates=3, batch_size=BATCH, flops_per_update=1)
    timed, _ = time_stage(Job(clock), toy, stage, plan, None)
    assert seen[:4] == [0, 1 / 3, 2 / 3, 1.0] and len(seen) > 20 and set(seen[4:]) == {1.0}
    assert toy.curve == [] and timed["step_seconds_median"] == pytest.approx(STEP)


def test_throughput_latency_and_efficiency_of_a_sampler_are_those_of_its_parts(clock):
    for row in measured(Job(clock))["samples"]:
        chain = row["nfe"] * BATCH * ROW
        assert row["sample_images_per_second"] == pytest.approx(BATCH / (FIXED + chain))
        assert row["sample_ms_per_image"] == pytest.approx(1000 * (FIXED + chain) / BATCH)
        assert row["latency_p50_ms"] == row["latency_ms_batch1"] == pytest.approx(1000 * (FIXED + row["nfe"] * ROW))
        assert row["latency_p90_ms"] == pytest.approx(row["latency_p50_ms"])
        assert row["sampler_efficiency"] == pytest.approx(chain / (FIXED + chain))
        assert row["flops_per_sample"] == row["nfe"] * FORWARD_FLOPS
        assert row["mfu"] == pytest.approx(row["flops_per_sample"] * row["sample_images_per_second"] / PEAK)


def test_warm_up_is_reported_by_itself_and_is_none_where_there_was_none(clock):
    first, second = measured(Job(clock))["samples"]
    assert first["warmup_seconds"] >= timing_samples.WARMUP_SECONDS and second["warmup_seconds"] is None


def test_every_phase_has_a_peak_of_memory(clock):
    found = measured(Job(clock))
    assert found["peak_init_bytes"] >= 4 * 20  # the link's own weights
    assert found["peak_train_bytes"] > 0 and found["peak_evaluate_bytes"] >= 8 * BATCH * 4
    assert all(row["peak_sample_bytes"] >= 4 * BATCH * 4 for row in found["samples"])


def test_what_adds_up_has_no_flags(clock):
    assert measured(Job(clock))["flags"] == []


def test_an_evaluation_of_a_doubled_batch_counts_as_the_rows_of_one_image_each(clock):
    job = Job(clock, "doubled")
    assert SampleClock(job, job.build(), None).evaluation("doubled", 1).images == 2
    for row in measured(job)["samples"]:
        chain = row["nfe"] * 2 * BATCH * ROW  # an evaluation is of the rows of one image each
        assert row["sampler_efficiency"] == pytest.approx(chain / 2 / (FIXED + chain))


def test_the_link_is_timed_at_the_inputs_that_the_chain_gave_it_and_loses_its_hook(clock):
    job, seen = Job(clock), []
    paradigm = job.build()
    paradigm.net.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].clone()))
    evaluation = SampleClock(job, paradigm, None).evaluation("honest", 4)
    for _ in range(3):
        evaluation.call()
    assert len(paradigm.net._forward_pre_hooks) == 1
    assert len(seen) > 5 and all(torch.equal(x, seen[0]) for x in seen[4:])


def test_a_sampler_that_hides_its_work_is_flagged(clock):
    flags = measured(Job(clock, "hidden"))["flags"]
    assert flags[0].startswith("hidden: 50 evaluations take only 1.0 times as long as 1")
    assert flags[1:] == ["hidden at 4: its evaluations alone take 291% of its time"]


def test_a_batch_faster_than_one_image_is_flagged():
    assert sanity_checks.odd_batching("s", 4, 8, images_per_second=8 / 0.001, latency_seconds=1.0) == (
        "s at 4: a batch of 8 is 8e+03 times as fast as its images one by one"
    )


def test_a_batch_slower_than_its_images_one_by_one_is_flagged():
    for seconds, flagged in ((100.0, True), (7.9, False), (1.0, False)):
        assert bool(sanity_checks.odd_batching("s", 4, 8, 8 / seconds, latency_seconds=1.0)) is flagged


def test_a_process_that_got_half_a_core_flags_that_the_computer_is_shared(clock):
    real = clock.work
    clock.work = lambda seconds: real(seconds, share=0.5)
    assert measured(Job(clock))["flags"] == ["shared machine: the process got 50% of a core while it was timed"]


def test_more_flops_than_the_device_can_do_is_an_error_of_one_line(clock, monkeypatch):
    real = BATCH * 2 * FORWARD_FLOPS / STEP
    monkeypatch.setattr(timing, "measure_peaks", lambda device: {"matmul": real / 2, "convolution": real / 3})
    with pytest.raises(ValueError, match=r"^stage 'toy stage': .* above the measured peak of .*wrong$"):
        measured(Job(clock))
    monkeypatch.setattr(timing, "measure_peaks", lambda device: {"matmul": real / 2, "convolution": real / 1.05})
    assert measured(Job(clock))["stages"][0]["mfu"] == pytest.approx(1.05)  # of the faster kind, within the noise


def test_more_flops_than_the_device_can_do_while_sampling_is_an_error():
    row = {"sampler": "euler", "nfe": 4, "flops_per_sample": 120.0, "sample_ms_per_image": 1000.0}
    timing.relate_to(110.0, [], [row])
    assert row["mfu"] == pytest.approx(120 / 110)
    with pytest.raises(ValueError, match=r"^sampler 'euler' at 4: 120 counted FLOPs in 1 s .* peak of 100"):
        timing.relate_to(100.0, [], [row])


def test_of_two_measurements_each_peak_is_the_larger_one(clock, monkeypatch):
    peaks = iter([{"matmul": 2 * PEAK, "convolution": PEAK}, {"matmul": PEAK, "convolution": 3 * PEAK}])
    monkeypatch.setattr(timing, "measure_peaks", lambda device: next(peaks))
    found = measured(Job(clock))
    assert (found["matmul"], found["convolution"]) == (2 * PEAK, 3 * PEAK)


def test_end_to_end_leaves_the_warm_up_out_and_stops_long_before_the_stage_ends(clock):
    job, n = Job(clock), []

    def build():
        toy = Toy(clock)
        steps = toy.stages

        def stages():
            (stage,) = steps()
            loss = stage.loss

            def slow_at_first(batch):
                n.append(1)
                clock.work(10.0 if len(n) <= 2 else 0.0)
                return loss(batch)

            return [Stage("toy stage", stage.parameters, slow_at_first, batch_size=BATCH)]

        toy.stages = stages
        return toy

    job.build = build
    plans = [SimpleNamespace(updates=100_000, batch_size=BATCH)]
    assert end_to_end_images_per_second(job, plans, 0) == pytest.approx(BATCH / STEP)
    assert len(n) < 70  # 40 fill the requested time, and the Trainer reports every ten


def test_end_to_end_of_a_stage_that_is_planned_very_short_is_still_measured(clock):
    plans = [SimpleNamespace(updates=1, batch_size=BATCH)]
    assert end_to_end_images_per_second(Job(clock), plans, 0) == pytest.approx(BATCH / STEP)
