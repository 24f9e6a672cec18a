"""Parts of a campaign are added honestly: nothing is lost by an interruption, and nothing counts twice."""

import argparse

import pytest

from tests.campaign import parts
from tests.campaign.moments import LATEST, Moments
from tests.campaign.parts import Part

FOUND = Part(0, 0, 3, {"a": {"named": 2, "hang": 1}}, ["2 a: hang"], {"runs": 4, "peak_bytes": 7}, "Commit 1.")
OTHER = Part(0, 3, 2, {"a": {"named": 1}, "b": {"refused": 1}}, [], {"runs": 2, "peak_bytes": 9}, "Commit 2.")


def told(total):
    return f"{total.done} attempts, {len(total.problems)} problems", str(total.counts)


def begun(*arguments):
    parser = argparse.ArgumentParser()
    parts.add_options(parser, "attempts", 10)
    return parts.begun(parser, parser.parse_args(list(map(str, arguments))))


def test_counts_problems_and_numbers_of_parts_are_added_and_of_peaks_the_largest_counts():
    total = parts.added([FOUND, OTHER])
    assert total.counts == {"a": {"hang": 1, "named": 3}, "b": {"refused": 1}}
    assert (total.done, total.problems, total.numbers) == (5, ["2 a: hang"], {"runs": 6, "peak_bytes": 9})


def test_an_interrupted_campaign_goes_on_after_its_last_part_and_both_are_in_the_summary(tmp_path):
    output = tmp_path / "all.md"
    parts.write(output, "Title", [FOUND], told)
    earlier, part, count = begun("--output", output, "--resume")
    assert earlier == [FOUND] and (part.first, count) == (3, 7)
    assert parts.write(output, "Title", [*earlier, OTHER], told) == "5 attempts, 1 problems"
    page = output.read_text()
    assert "Numbers 0 to 2 of seed 0. Commit 1." in page and "Numbers 3 to 4 of seed 0. Commit 2." in page
    assert parts.read(output.with_suffix(".json")) == [FOUND, OTHER]
    assert begun("--output", output, "--resume", "--count", 5)[2] == 0


def test_parts_of_other_processes_are_merged_and_nothing_is_run(tmp_path):
    for name, part in (("a", FOUND), ("b", OTHER)):
        parts.write(tmp_path / f"{name}.md", "Title", [part], told)
    assert begun("--merge", tmp_path / "a.json", tmp_path / "b.json") == ([FOUND, OTHER], None, 0)


def test_parts_that_hold_the_same_number_are_refused_in_one_line(tmp_path, capsys):
    for name in "ab":
        parts.write(tmp_path / f"{name}.md", "Title", [FOUND], told)
    with pytest.raises(SystemExit) as ended:
        begun("--merge", tmp_path / "a.json", tmp_path / "b.json")
    assert ended.value.code == 2 and "two parts hold numbers 0 to 2 of seed 0" in capsys.readouterr().err
    assert not parts.overlap([FOUND, Part(1, 0, 3)])


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"seed": 0}]'])
def test_a_file_that_is_no_part_is_refused(tmp_path, content, capsys):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(SystemExit) as ended:
        begun("--merge", tmp_path / "a.json")
    assert ended.value.code == 2 and "no part of a campaign" in capsys.readouterr().err


class Clock:
    """A run that ends at a second of a clock that every look moves on."""

    def __init__(self, monkeypatch, end):
        self.now, self.end = 0.0, end
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr("time.sleep", self.sleep)

    def sleep(self, seconds):
        self.now += seconds

    def poll(self):
        return None if self.now < self.end else 0


def test_the_moment_of_a_kill_comes_once_its_target_is_there_and_earlier_after_a_run_that_has_ended(monkeypatch):
    moments = Moments.__new__(Moments)
    moments.pace = 1.0
    clock = Clock(monkeypatch, end=10)
    assert moments.wait(clock, lambda: clock.now >= 6 and "worker", seconds=5) == "worker" and 6 <= clock.now < 6.1
    clock.now = 0
    assert moments.wait(clock, lambda: "run", seconds=5, begun=lambda: clock.now >= 3) == "run"
    assert 3 + LATEST * 5 <= clock.now < 3.1 + LATEST * 5
    clock.now = 0
    assert moments.wait(clock, lambda: "run", seconds=16) is None and 0.6 < moments.pace < 0.8
