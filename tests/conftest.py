"""Options and order of the whole test suite, and the fork server of its cells."""

import gc
import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

from benchmarks.execute import fork_server

# Files, tests of other files, and folders/ that take five seconds or more, the longest first. The tests of page/ share
# a page that takes as long to write.
LONGEST = (
    "test_your_method_is_written_run_beside_others_and_gated",
    "test_in_one_dimension_each_paradigm_ends_where_its_optimum_is",
    "page/",
    "test_failures",
    "test_ranks",
    "test_files",
    "test_devices",
    "test_plugin",
    "test_kills",
    "test_talk",
    "test_claims",
    "test_the_paradigm_runs_and_is_in_the_table_and_the_figures",
    "test_train_once_score_many",
    "test_speed",
    "test_the_tour_runs_from_top_to_bottom",
    "test_runs",
    "test_variant",
)
# What every child of `warm_server` would otherwise import for itself: all that runs cells, and the report.
IMPORTED = ("benchmarks.plan.preflight", "benchmarks.worker", "benchmarks.report")


def pytest_addoption(parser):
    parser.addoption("--paradigm", action="append", default=[], help="contract-test this name or .py file instead")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Most of a million objects are imported with the tests, are no garbage, and are not searched for any from then on.

    Some tests and the count of an update's operations collect garbage, which that search would make slow.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config, items):
    """Deal the longest tests to the processes in turn, as the first that each of them runs.

    `--dist worksteal` gives every process one piece of the list, all of the same length, and moves tests from the end
    of a piece to a process that has none left. So no process is alone with a long test in the end.
    """
    n_processes = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    pieces, rest = [[] for _ in range(n_processes)], []
    places = {name: number % n_processes for number, name in enumerate(LONGEST)}
    for item in sorted(items, key=_rank):
        name = _long(item)
        (pieces[places[name]] if name else rest).append(item)
    dealt = []
    for number, piece in enumerate(pieces):
        size = (len(items) - len(dealt)) // (n_processes - number)
        n_more = max(0, size - len(piece))
        dealt += [*piece, *rest[:n_more]]
        del rest[:n_more]
    items[:] = dealt + rest


def _long(item):
    """The name under which a test is one of the longest; None where it is not."""
    names = (item.path.stem, getattr(item, "originalname", ""), f"{item.path.parent.name}/")
    return next((name for name in names if name in LONGEST), None)


def _rank(item):
    name = _long(item)
    return LONGEST.index(name) if name else len(LONGEST)


@pytest.fixture(scope="session")
def warm_server():
    """One fork server for all tests of a process, whose children need not import torch and the rest themselves."""
    fork_server.close()  # one that has imported less may have been started for an earlier test
    fork_server.import_once(IMPORTED)
    fork_server._running_server()
