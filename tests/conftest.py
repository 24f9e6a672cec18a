"""Options and limits of the whole test suite."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported


def pytest_addoption(parser):
    parser.addoption("--paradigm", action="append", default=[], help="contract-test this name or .py file instead")
