"""What an update of a challenger costs beside one of flow matching: the same U-Net, 28x28 images, in turns.

The ratios printed are a peer's time, or memory, over that of flow matching (of K = 1 for the chain).
"""

import pytest
import torch

import paradigms
from benchmarks.cost.memory import peak_memory
from benchmarks.train.fit import Fit
from paradigms.base import Batch
from paradigms.parts.flow.flow import on_path
from paradigms.parts.networks.shared_network import WAYS, accelerate

SHAPE, BATCH, N_IMAGES, ROUNDS = (1, 28, 28), 64, 640, 15
LARGE, CACHED = 256, 32  # rows of a chain's batch, and of the part of it that has a graph at a time
N_UPDATES = 60  # through the Trainer, whose start is a twentieth of that
NFE = 8
SHARE = 0.25  # of rows with r < t
MEANFLOWS = {
    "MeanFlow, secant": {},
    "MeanFlow, JVP of the rows": {"derivative": "jvp"},
    "MeanFlow, tangents streamed beside the rows": {"derivative": "stream"},
    "MeanFlow, central difference of the rows": {"derivative": "difference"},
    "MeanFlow, JVP of the rows along u": {"derivative": "jvp", "tangent": "predicted", "velocity": "conditional"},
}


@pytest.fixture(scope="module")
def images(device):
    torch.manual_seed(0)
    x = torch.rand(N_IMAGES, *SHAPE, device=device) * 2 - 1
    return x, torch.arange(N_IMAGES, device=device) % 10


def built(name, images, **options):
    torch.manual_seed(0)
    paradigm = paradigms.load(name)(SHAPE, 10, batch_size=BATCH, **options).to(images[0].device)
    torch.nn.init.normal_(paradigm.net.leave.weight, std=0.02)  # an untrained network's zeros would hide its layers
    with torch.no_grad():
        paradigm.observe(*images)
    return paradigm


def update(paradigm, images, loss=None, n=BATCH):
    """A call that makes one update of the paradigm's first stage on n rows, with another loss than its own if given."""
    stage, batch, optimizer = first_stage(paradigm, images, n)

    def call():
        optimizer.zero_grad(set_to_none=True)
        (loss or stage.loss)(batch).backward()
        optimizer.step()

    return call


def first_stage(paradigm, images, n=BATCH):
    """The paradigm's first stage, n rows for it and its optimiser."""
    stage = paradigm.stages()[0]
    return stage, Batch(*(part[:n] for part in images)), stage.optimizer(list(stage.parameters))


def captured(paradigm, images):
    """The same update by the paradigm's own way to its gradient, which on a GPU is a graph that is replayed."""
    stage, batch, optimizer = first_stage(paradigm, images)
    paradigm.enter(stage, 1)

    def call():
        paradigm.loss_and_gradient(batch)
        optimizer.step()

    return call


def jvp_of_all_rows(paradigm):
    """The loss as public code has it: a derivative that keeps its graph, over rows with r = t too."""

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
    peers["JVP over all rows, as published"] = update(public, images, jvp_of_all_rows(public))
    beside(synchronised(own), {name: synchronised(peer) for name, peer in peers.items()}, ROUNDS)


def test_ways_to_compute(beside, images, synchronised, device):
    """Compiling a U-Net takes minutes on a CPU, so it is measured where it belongs."""
    ways = [way for way in WAYS if way != "compiled" or device.type == "cuda"]
    faster = {way: built("diffusion", images) for way in ways}
    for way, paradigm in faster.items():
        accelerate(paradigm, [way])
    peers = {way: synchronised(update(paradigm, images)) for way, paradigm in faster.items()}
    beside(synchronised(update(built("diffusion", images), images)), peers, ROUNDS)


@pytest.mark.parametrize("method", ["diffusion", "meanflow", "unrolled"])
def test_capture(beside, images, synchronised, device, method):
    """What launching every operation of an update costs over replaying its gradient as one graph."""
    if device.type != "cuda":
        pytest.skip("nothing is captured without a GPU")
    one_by_one = synchronised(update(built(method, images), images))
    beside(synchronised(captured(built(method, images), images)), {"launched one by one": one_by_one}, ROUNDS)


def test_meanflow_memory(printed, images, device):
    own = memory(update(built("diffusion", images), images), device)
    for name, options in MEANFLOWS.items():
        call = update(built("meanflow", images, interval_share=SHARE, **options), images)
        printed(name, memory(call, device) / own)
    public = built("meanflow", images, interval_share=SHARE)
    printed("JVP over all rows", memory(update(public, images, jvp_of_all_rows(public)), device) / own)


def test_chain_step(beside, images, synchronised):
    """A chain of 8 with a cached batch should cost 8 x 4 / 3 = 10.7 times a chain of 1: it is drawn once more."""
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
    """The share of a sampler's time that its evaluations take."""
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
