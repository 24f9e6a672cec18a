"""How every paradigm is trained: one stage at a time, each update from a seed of its own, resumable to the bit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import final

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from paradigms.training.cuda_graph import Captured
from paradigms.training.stage import Batch, Stage

CURVE_POINTS = 200


class NonFinite(RuntimeError):
    """A loss became NaN or infinite; the message names stage and update."""


class Solver(LightningModule):
    """Training engine inherited by every Paradigm: it solves `stage`, driven by `benchmarks.train.fit`."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.seed = 0
        self.stage: Stage | None = None
        self.captured: Captured | None = None
        self.update = self.n_updates = 0
        self.averages: list[Tensor] = []
        self.curve: list[tuple[int, Tensor]] = []
        self.last_loss: Tensor | None = None
        self.optimizer_state: dict | None = None

    @final
    def progress(self) -> dict:
        """Everything that resuming the current stage needs, as plain values and tensors; `resume` takes it back."""
        return {
            "update": self.update,
            "weights": self.state_dict(),
            "optimizer": self.optimizers(use_pl_optimizer=False).state_dict(),
            "averages": self.averages,
            "curve": [(update, float(loss)) for update, loss in self.curve],
        }

    @final
    def resume(self, progress: dict) -> None:
        """Go on in the entered stage where `progress()` was taken."""
        self.load_state_dict(progress["weights"])
        self.update, self.optimizer_state = progress["update"], progress["optimizer"]
        self.averages = [average.to(self.device) for average in progress["averages"]]
        self.curve = [(update, torch.tensor(loss)) for update, loss in progress["curve"]]

    @final
    def enter(self, stage: Stage, n_updates: int) -> None:
        """Make `stage` the problem being solved, for `n_updates` updates: only its parameters take gradients."""
        self.requires_grad_(False)
        for parameter in stage.parameters:
            parameter.requires_grad_(True)
        self.stage, self.captured, self.n_updates, self.update = stage, None, n_updates, 0
        self.curve, self.last_loss, self.optimizer_state = [], None, None
        self.restart_averages()
        self.train()

    @final
    def restart_averages(self) -> None:
        """Start the stage's average, if it keeps one, at the parameters as they are now."""
        self.averages = [p.detach().clone() for p in self.stage.parameters] if self.stage.ema_decay else []

    @final
    def leave(self) -> None:
        """Finish the stage: adopt the averaged parameters, if it kept an average, and freeze them."""
        self.swap_averages()
        self.averages = []
        self.requires_grad_(False)
        self.stage = self.captured = None
        self.eval()

    @final
    @torch.no_grad()
    def swap_averages(self) -> None:
        """Exchange parameters and their averages; twice is the identity. Used to evaluate in mid-stage."""
        for parameter, average in zip(self.stage.parameters if self.averages else [], self.averages, strict=True):
            held = parameter.clone()
            parameter.copy_(average)
            average.copy_(held)

    @final
    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = self.stage.optimizer(list(self.stage.parameters))
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        if self.optimizer_state is not None:
            optimizer.load_state_dict(self.optimizer_state)
        return optimizer

    @final
    def loss_and_gradient(self, batch: Batch) -> Tensor:
        """The entered stage's loss on a batch, a scalar without a graph; its gradient is in `.grad`.

        On a GPU a steady stage is captured at its first batch, and the scalar is overwritten by the next call.
        """
        if self.stage.steady and batch.x.is_cuda:
            self.captured = self.captured or Captured(self.stage, batch, self)
            return self.captured(batch)
        for parameter in self.stage.parameters:
            parameter.grad = None
        loss = self.stage.loss(batch)
        loss.backward()
        return loss.detach()

    @final
    def training_step(self, batches: Iterable[Batch], batch_idx: int) -> None:
        """One update a batch. Many in one call, because the Trainer's own work for a call would cost a fifth of an
        update of the small networks here."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        for batch in batches:
            self._update(batch, optimizer)

    @final
    def transfer_batch_to_device(self, batch: Iterable[Batch], device: torch.device, index: int) -> Iterable[Batch]:
        """Batches are rows of tensors that are on the device already."""
        return batch

    def _update(self, batch: Batch, optimizer: torch.optim.Optimizer) -> None:
        factor = self.stage.schedule(self.update / max(self.n_updates, 1))
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        self._reseed(derive_seed(self.seed, self.stage.name, self.update))
        self.last_loss = loss = self.loss_and_gradient(batch)
        if self.update % max(self.n_updates // CURVE_POINTS, 1) == 0:
            self._record(loss.clone())
        if self.stage.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.stage.parameters, self.stage.clip_norm)
        optimizer.step()
        self.update += 1
        self._average()

    @torch.no_grad()
    def _average(self) -> None:
        if self.averages:
            # The ramp forgets the initial weights: a cold average spoils short runs.
            decay = min(self.stage.ema_decay, (1 + self.update) / (10 + self.update))
            torch._foreach_lerp_(self.averages, [p.detach() for p in self.stage.parameters], 1 - decay)

    def _reseed(self, seed: int) -> None:
        # torch.manual_seed would, for every device there might be, keep the seed and a formatted stack trace.
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _record(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise NonFinite(f"stage {self.stage.name!r}, update {self.update}: loss is {float(loss)}")
        self.curve.append((self.update, loss))


def derive_seed(*parts: object) -> int:
    """A seed in [0, 2^63) from any printable parts, the same on every machine."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
