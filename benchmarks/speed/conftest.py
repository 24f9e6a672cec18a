"""What the speed files share: the digits, one thread, and a paradigm built on the device that is there.

`make speed` prints them; a column is meaningful only beside another of the same run.
"""

import pytest
import torch

import paradigms
from benchmarks import data
from benchmarks.metrics import to_float

SEED = 0


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", paradigms.names())


@pytest.fixture(scope="session")
def device():
    torch.set_num_threads(1)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(scope="session")
def digits(device):
    train = data.load("digits").train
    return to_float(torch.from_numpy(train.images)).to(device), torch.from_numpy(train.labels).to(device)


@pytest.fixture
def paradigm(name, digits, device):
    torch.manual_seed(SEED)
    built = paradigms.load(name)((1, 8, 8), 10).to(device).eval()
    with torch.no_grad():
        built.observe(*digits)
    return built


@pytest.fixture
def synchronised(device):
    """Wraps a call so that it ends when the device has finished it."""

    def wrap(call):
        def timed():
            call()
            if device.type == "cuda":
                torch.cuda.synchronize()

        return timed

    return wrap
