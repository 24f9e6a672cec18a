"""An RBM's update, 784 x 500 at batch 100, beside scikit-learn's and beside its matrix products alone.

Peers take turns with it (A, B, C, A, B, C ...) in one process on one thread, and the ratios of medians are printed.
scikit-learn's `fit` keeps the type of its data; its `partial_fit` would convert everything to float64.
"""

from dataclasses import replace

import pytest
import torch
from sklearn.neural_network import BernoulliRBM

from benchmarks.fit import Fit
from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.optimizers.momentum import momentum_sgd
from paradigms.parts.rbm.binary_units import bernoulli
from paradigms.parts.rbm.contrastive import contrastive_loss, gibbs, on_data
from paradigms.parts.rbm.rbm import RBM

N_VISIBLE, N_HIDDEN, BATCH = 784, 500, 100
N_UPDATES = 200  # of an epoch's 600
TURN = 40  # updates per turn, so that the peer's initial weights, which it draws in every turn, take no visible time


class OneRBM(Paradigm):
    """One RBM, trained as those of the DBN, by PCD-1 or CD-1."""

    title, era, reference, task = "RBM", "layer-wise", "Hinton 2002", "recognition"

    def __init__(self, shape=(1, 28, 28), n_classes=10, *, persistent=False):
        super().__init__(shape, n_classes)
        self.rbm, self.persistent = RBM(N_VISIBLE, N_HIDDEN), persistent
        self.h = torch.full((BATCH, N_HIDDEN), 0.5)

    def stages(self):
        optimizer = momentum_sgd(0.05, 2e-4, momentum=0.5)
        settings = {"batch_size": BATCH, "optimizer": optimizer, "steady": not self.persistent}
        return [Stage("rbm", list(self.rbm.parameters()), self.loss, **settings)]

    def loss(self, batch):
        states = on_data(self.rbm, batch.x.flatten(1))
        model = gibbs(self.rbm, self.h if self.persistent else states.h, 1)
        self.h = model.h
        return contrastive_loss(self.rbm, states, model)


@pytest.fixture(scope="module")
def images():
    torch.manual_seed(0)
    return bernoulli(torch.full((N_UPDATES * BATCH, 1, 28, 28), 0.2))


def update(rbm):
    """A call that makes one whole update of the RBM's only stage, launched one by one on a GPU too."""
    (stage,) = rbm.stages()
    rbm.enter(replace(stage, steady=False), N_UPDATES)
    optimizer = rbm.configure_optimizers()
    return lambda batch: rbm.update_once(batch, optimizer)


def bare_loop(rbm, images, label):
    """A call that makes an update on every batch of the images."""
    call = update(rbm)

    def loop():
        for start in range(0, len(images), BATCH):
            call(Batch(images[start : start + BATCH], label[start : start + BATCH]))

    return loop


def products():
    """A call of the five matrix products of an update into existing memory, a lower bound for its time."""
    v, h = torch.rand(BATCH, N_VISIBLE), torch.rand(BATCH, N_HIDDEN)
    W, up, down = torch.rand(N_VISIBLE, N_HIDDEN), torch.empty_like(h), torch.empty_like(v)

    def call():
        for _ in range(2):
            torch.mm(v, W, out=up)
            torch.mm(v.T, h, out=W)
        torch.mm(h, W.T, out=down)

    return call


@pytest.mark.parametrize("persistent", [False, True], ids=["CD-1", "PCD-1"])
def test_update(beside, images, persistent):
    batches = [Batch(rows, torch.zeros(BATCH, dtype=torch.int64)) for rows in images[: TURN * BATCH].split(BATCH)]
    ours, five_products = update(OneRBM(persistent=persistent)), products()
    peers = {"matrix products alone": lambda: [five_products() for _ in batches]}
    for dtype in ("float32", "float64"):
        rows = images[: TURN * BATCH].flatten(1).numpy().astype(dtype)
        rbm = BernoulliRBM(N_HIDDEN, batch_size=BATCH, n_iter=1)
        peers[f"scikit-learn {dtype}"] = lambda rbm=rbm, rows=rows: rbm.fit(rows)
        assert rbm.fit(rows).components_.dtype == dtype
    beside(lambda: [ours(batch) for batch in batches], peers, rounds=15)


def test_capture(beside, images, device, synchronised):
    """Updates on a GPU whose gradients are replayed as a graph, beside the same launched one by one."""
    if device.type != "cuda":
        pytest.skip("nothing is captured without a GPU")
    images = images.to(device)
    label = torch.zeros(len(images), dtype=torch.int64, device=device)
    own, peer = (OneRBM().to(device) for _ in range(2))
    one_by_one = synchronised(bare_loop(peer, images, label))
    beside(synchronised(lambda: Fit(own, images, label, [N_UPDATES])()), {"launched one by one": one_by_one}, rounds=5)


def test_lightning(beside, images):
    label = torch.zeros(len(images), dtype=torch.int64)
    bare = bare_loop(OneRBM(), images, label)
    beside(lambda: Fit(OneRBM(), images, label, [N_UPDATES])(), {"bare loop": bare}, rounds=5)
