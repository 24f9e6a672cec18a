"""Options and order of the whole test suite."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

LONGEST = {"test_notebook", "test_drop_in"}


def pytest_addoption(parser):
    parser.addoption("--paradigm", action="append", default=[], help="contract-test this name or .py file instead")


def pytest_collection_modifyitems(items):
    """The longest first, or one process is left alone with them in the end."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)
