"""The self-test finds every instrument right, names the one that is not, and reports what raises."""

import dataclasses
import json
from contextlib import contextmanager

import pytest
from scipy.stats import norm

from benchmarks import cli, doctor, flops, selftest
from benchmarks.errors import BadInput
from benchmarks.execute import fork_server
from benchmarks.report.frames import intervals, paired
from benchmarks.score import marks, nfe
from benchmarks.score.metrics import frechet, memorisation
from benchmarks.score.reach import reach

LOCAL, OWN, END = (name for name in selftest.CHECKS if name.startswith("reach"))


def output_of(arguments: list[str], capsys) -> tuple[int, str, list[str]]:
    """Exit code, standard output and lines of standard error of a command."""
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    said = capsys.readouterr()
    return ended.value.code or 0, said.out, said.err.splitlines()


def test_every_instrument_gives_the_known_answers(capsys, warm_server):
    code, out, errors = output_of(["doctor", "--selftest", "--json"], capsys)
    checks = json.loads(out)
    assert [check["name"] for check in checks if not check["holds"]] == [] == errors and code == 0
    assert [check["name"] for check in checks] == list(selftest.CHECKS)
    assert all(check["expected"] and check["found"] and check["seconds"] >= 0 for check in checks)


@contextmanager
def counts_nothing(module):
    yield nfe.Evaluations()


def halved(function):
    return lambda *args, **kwargs: function(*args, **kwargs) / 2


def with_floor_of_the_whole_split(real, right=frechet.references):
    """A floor without the noise of independent draws, which a sampler has."""
    return [each._replace(test=each.test._replace(mean=each.test.whole)) for each in right(real)]


def reach_of_all(paradigm, *_):
    return {"on_policy_reach": 1.0}


FAULTS = {
    "FID ratio of a perfect sampler": (frechet, "frechet_distance", halved(frechet.frechet_distance)),
    "FID ratio 2 of a perfect sampler": (frechet, "references", with_floor_of_the_whole_split),
    "FID ratios of shifted images": (frechet, "frechet_distance", lambda *_: 0.5),
    "memorisation of copies and of new images": (memorisation, "nearest_distances", lambda a, _: a[:, 0, 0, 0] + 1.0),
    "mark of copies and of new images": (marks, "MAX_COPIED", 1.0),
    "FLOP counter": (flops, "count_flops", halved(flops.count_flops)),
    "NFE counter": (nfe, "count_evaluations", counts_nothing),
    LOCAL: (reach, "measure_reach", reach_of_all),
    OWN: (reach, "measure_reach", reach_of_all),
    END: (reach, "trained_by_end", lambda *_: set()),
    "t interval of three seeds": (intervals, "stdtrit", lambda _, p: norm.ppf(p)),
    "Holm's correction": (paired, "holm", lambda values: [min(1, len(values) * value) for value in values]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_fails_the_check_of_its_instrument(name, monkeypatch):
    monkeypatch.setattr(*FAULTS[name])
    found = selftest.checked(name)
    selftest._loaded.cache_clear()  # it remembers what the faulty instrument computed
    assert not found["holds"] and found["found"] != found["expected"] and "Error" not in found["found"]


def test_every_check_of_an_instrument_has_a_planted_fault():
    assert selftest.CHECKS.keys() - FAULTS.keys() == {"classifier that scores"}


def test_a_classifier_that_knows_no_digit_is_found(monkeypatch):
    digits = selftest.data.load("digits")
    test = dataclasses.replace(digits.test, labels=(digits.test.labels + 1) % 10)
    selftest._digits()
    monkeypatch.setattr(selftest.data, "load", lambda name: dataclasses.replace(digits, test=test))
    assert not selftest.checked("classifier that scores")["holds"]


def test_a_check_that_raises_is_a_failed_check_with_the_reason(monkeypatch):
    def refuse(*_):
        raise OSError("cache cannot be written\nsecond line")

    monkeypatch.setattr(flops, "count_flops", refuse)
    found = selftest.checked("FLOP counter")
    assert not found["holds"] and found["found"] == "OSError: cache cannot be written"


def test_scoring_networks_that_cannot_be_loaded_fail_their_checks_and_are_tried_once(monkeypatch):
    def refuse(*_):
        tried.append(1)
        raise BadInput("extractor cache: cannot be written")

    tried = []
    selftest._loaded.cache_clear()
    monkeypatch.setattr(selftest.networks, "load_all", refuse)
    failed = [check["found"] for check in selftest.answer() if not check["holds"]]
    selftest._loaded.cache_clear()
    assert failed == ["BadInput: extractor cache: cannot be written"] * 6 and len(tried) == 1


def test_failed_checks_are_one_line_each_and_exit_code_1(monkeypatch, capsys):
    good = {"name": "NFE counter", "expected": "4", "found": "4", "holds": True, "seconds": 0.1}
    checks = [good, good | {"name": "FLOP counter", "found": "2", "holds": False}]
    monkeypatch.setattr(fork_server, "ask", lambda module, request: checks)
    code, out, errors = output_of(["doctor", "--selftest"], capsys)
    assert code == 1 and errors == ["FLOP counter: expected 4, found 2"]
    assert [line.split()[-2] for line in out.splitlines()[2:]] == ["yes", "NO"]
    code, out, _ = output_of(["doctor", "--selftest", "--json"], capsys)
    assert code == 1 and json.loads(out) == checks


def test_a_process_that_ends_early_is_a_failed_check(monkeypatch):
    def crash(module, request):
        raise ChildProcessError("ended with exit code -9")

    monkeypatch.setattr(fork_server, "ask", crash)
    (found,) = doctor.selftest()
    assert not found["holds"] and found["found"] == "the process that checks them ended with exit code -9"
