"""The contract over every paradigm that is found, and over files given with `pytest --paradigm path/to/file.py`."""

import pytest

import paradigms
from tests.paradigms import contract


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        given = metafunc.config.getoption("--paradigm")
        metafunc.parametrize("name", given or paradigms.names())


def test_facts_are_literal_and_complete(name):
    facts = paradigms.facts(name)
    assert all(facts.get(fact) for fact in ("title", "era", "reference", "summary"))
    assert facts["task"] in ("recognition", "generation")


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_a_paradigm_keeps_its_contract(name, check):
    cls = paradigms.load(name)
    if check is contract.check_samples and not cls.can("sample"):
        pytest.skip(f"{name} does not sample")
    check(cls)


def test_a_killed_training_resumes_to_the_same_bits(name, tmp_path):
    contract.check_resume(paradigms.load(name), tmp_path)
