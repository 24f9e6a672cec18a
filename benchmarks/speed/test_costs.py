"""Time and memory of an update of each generator over those of flow matching: the same U-Net, 28x28 images, in turns.

The printed ratio is a peer's time or memory over that of flow matching (for the chain: over that of K = 1).
"""

from dataclasses import replace

import pytest
import torch

import paradigms
from benchmarks.cost.memory import peak_memory
from benchmarks.fit import Fit
from paradigms.base import Batch
from paradigms.parts.flow.flow import on_path
from paradigms.parts.networks.shared_network import WAYS, accelerate

SHAPE, BATCH, N_IMAGES, ROUNDS = (1, 28, 28), 64, 640, 15
LARGE, CACHED = 256, 32  # samples of a chain's batch, and of the part of it that has a graph at a time
N_UPDATES = 60  # through the Trainer, whose start takes a twentieth of their time
N_PLANNED = 10_000  # updates of the schedule, of which only the first few are executed
NFE = 8
SHARE = 0.25  # of rows with r < t
MEANFLOWS = {
    "MeanFlow, secant": {},
    "MeanFlow, JVP of the rows": {"derivative": "jvp"},
    "MeanFlow, tangents streamed beside the rows": {"derivative": "stream"},
    "MeanFlow, central difference of the rows": {"derivative": "difference"},
}


@pytest.fixture(scope="module")
def images(device):
    torch.manual_seed(0)
    x = torch.rand(N_IMAGES, *SHAPE, device=device) * 2 - 1
    return x, torch.arange(N_IMAGES, device=device) % 10


def built(name, images, **options):
    torch.manual_seed(0)
    paradigm = paradigms.load(name)(SHAPE, 10, batch_size=BATCH, **options).to(images[0].device)
    torch.nn.init.normal_(paradigm.net.leave.weight, std=0.02)  # not 0, as in an untrained network
    with torch.no_grad():
        paradigm.observe(*images)
    return paradigm


def update(paradigm, images, n=BATCH, **changes):
    """A call that makes one whole update of the paradigm's first stage on n images; `changes`: fields of that stage.

    Unless `steady` is among the changes, operations are launched one by one on a GPU too.
    """
    paradigm.enter(replace(paradigm.stages()[0], **{"steady": False} | changes), N_PLANNED)
    batch, optimizer = Batch(*(part[:n] for part in images)), paradigm.configure_optimizers()
    return lambda: paradigm.update_once(batch, optimizer)


def jvp_of_all_rows(paradigm):
    """The loss as in public code: a derivative that keeps its graph, over rows with r = t too."""

    def loss(batch):
        eps = torch.randn_like(batch.x)
        r, t = paradigm.draw_times(batch.x)
        v, z = eps - batch.x, on_path(batch.x, eps, t)
        u, along = torch.func.jvp(paradigm.net, (z, t, r), (v, torch.ones_like(t), torch.zeros_like(r)))
        target = (v - (t - r).view(-1, 1, 1, 1) * along).detach()
        return (u - target).square().mean()

    return loss


def test_meanflow_step(beside, images, synchronised):
    own = update(built("diffusion", images), images)
    peers = {
        name: update(built("meanflow", images, interval_share=SHARE, **options), images)
        for name, options in MEANFLOWS.items()
    }
    public = built("meanflow", images, interval_share=SHARE)
    peers["JVP over all rows, as published"] = update(public, images, loss=jvp_of_all_rows(public))
    beside(synchronised(own), {name: synchronised(peer) for name, peer in peers.items()}, ROUNDS)


def test_ways_to_compute(beside, images, synchronised, device):
    """Compiling a U-Net takes minutes on a CPU, so it is measured on a GPU only."""
    ways = [way for way in WAYS if way != "compiled" or device.type == "cuda"]
    faster = {way: built("diffusion", images) for way in ways}
    for way, paradigm in faster.items():
        accelerate(paradigm, [way])
    peers = {way: synchronised(update(paradigm, images)) for way, paradigm in faster.items()}
    beside(synchronised(update(built("diffusion", images), images)), peers, ROUNDS)


@pytest.mark.parametrize("method", ["diffusion", "meanflow", "unrolled"])
def test_capture(beside, images, synchronised, device, method):
    """An update whose operations are launched one by one over one whose gradient is replayed as a CUDA graph."""
    if device.type != "cuda":
        pytest.skip("nothing is captured without a GPU")
    one_by_one = synchronised(update(built(method, images), images))
    captured = synchronised(update(built(method, images), images, steady=True))
    beside(captured, {"launched one by one": one_by_one}, ROUNDS)


def test_meanflow_memory(printed, images, device):
    own = memory(update(built("diffusion", images), images), device)
    for name, options in MEANFLOWS.items():
        call = update(built("meanflow", images, interval_share=SHARE, **options), images)
        printed(name, memory(call, device) / own)
    public = built("meanflow", images, interval_share=SHARE)
    printed("JVP over all rows", memory(update(public, images, loss=jvp_of_all_rows(public)), device) / own)


def test_chain_step(beside, images, synchronised):
    """A chain of 8 with a cached batch should cost 8 x 4 / 3 = 10.7 times a chain of 1: its samples are drawn twice."""
    chains = {"K = 8": {"k": 8}, f"K = 8, {CACHED} rows at a time": {"k": 8, "cached_rows": CACHED}}
    peers = {name: synchronised(update(chain(images, **options), images, n=LARGE)) for name, options in chains.items()}
    beside(synchronised(update(chain(images, k=1), images, n=LARGE)), peers, rounds=3)


@pytest.mark.parametrize("k", [4, 8])
def test_chain_memory(printed, images, device, k):
    own = memory(update(chain(images, k=1), images, n=LARGE), device)
    for cached_rows in (None, CACHED):
        call = update(chain(images, k=k, cached_rows=cached_rows), images, n=LARGE)
        printed(f"K = {k}" + (f", {CACHED} rows at a time" if cached_rows else ""), memory(call, device) / own)


def chain(images, **options):
    return built("unrolled", images, **options)


@pytest.mark.parametrize("sampler", paradigms.load("diffusion").samplers)
def test_sampler_efficiency(beside, images, synchronised, sampler):
    """The share of a sampler's time that its network evaluations take."""
    diffusion = built("diffusion", images).eval()
    x = images[0][:BATCH]
    times = torch.ones(len(x), device=x.device)

    @torch.no_grad()
    def evaluations():
        for _ in range(NFE):
            diffusion.net(x, times, times)

    def drawn():
        diffusion.sample(BATCH, NFE, torch.Generator(x.device).manual_seed(0), sampler)

    beside(synchronised(drawn), {f"its {NFE} evaluations alone": synchronised(evaluations)}, ROUNDS)


def test_trainer(beside, images):
    bare = update(built("diffusion", images), images)

    def loop():
        for _ in range(N_UPDATES):
            bare()

    beside(lambda: Fit(built("diffusion", images), *images, [N_UPDATES])(), {"bare loop": loop}, rounds=3)


def memory(call, device):
    call()
    return peak_memory(call, device)["allocated_bytes"]
