"""Fixtures of the speed files: the digits, one thread, and a paradigm built on the available device.

`make speed` prints their results; a number is comparable only with others of the same run.
"""

import time
from statistics import median

import pytest
import torch
from threadpoolctl import threadpool_limits

import paradigms
from benchmarks import data
from benchmarks.data.pixels import to_float

SEED = 0


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", paradigms.names())


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)
    with threadpool_limits(1):  # of the peers that compute by NumPy
        yield


@pytest.fixture(scope="session")
def device():
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


@pytest.fixture
def beside(benchmark, request):
    """Times a call and its peers in turn; the medians' ratios (peer / call) are printed at the end."""

    def compare(call, peers, rounds):
        seconds = {name: [] for name in peers}

        def take_turns():
            for name, peer in peers.items():
                began = time.perf_counter()
                peer()
                seconds[name].append(time.perf_counter() - began)

        benchmark.pedantic(call, setup=take_turns, rounds=rounds, warmup_rounds=1)
        if benchmark.stats:  # None where benchmarks are disabled and the call is only tried out
            own = benchmark.stats.stats.median
            ratios = {name: round(median(times[1:]) / own, 3) for name, times in seconds.items()}
            benchmark.extra_info["ratios"] = ratios
            RATIOS[request.node.name] = ratios

    return compare


@pytest.fixture
def printed(request):
    """Prints a ratio at the end, beside those of `beside`."""
    return lambda name, ratio: RATIOS.setdefault(request.node.name, {}).update({name: ratio})


RATIOS = {}


def pytest_terminal_summary(terminalreporter):
    if RATIOS:
        terminalreporter.section("time (medians of turns) or memory of a peer over our own; shares of an update")
    for name, ratios in RATIOS.items():
        terminalreporter.write_line(f"{name}: " + ", ".join(f"{peer} {ratio:.2f}" for peer, ratio in ratios.items()))
