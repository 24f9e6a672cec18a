"""Training engine: solves one stage at a time, seeds every update by itself, and resumes to the bit.

An update is one call of `update_once`: learning rate, seed, the turn of every player (loss and gradient, clipping,
optimiser step), what the stage does after an update, average of the weights. Training, timing and tests all call it, so
what is timed and tested is what trains.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import final

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from paradigms.training.cuda_graph import Captured
from paradigms.training.ranks import Ranks
from paradigms.training.saved_buffers import saved_float_buffers
from paradigms.training.stage import Batch, Stage

CURVE_POINTS = 200

Optimizers = torch.optim.Optimizer | Sequence[torch.optim.Optimizer]  # one, or one per player of the stage


class NonFinite(RuntimeError):
    """A loss became NaN or infinite; the message names stage and update."""


class Solver(LightningModule):
    """Training engine inherited by every Paradigm; `benchmarks.fit` drives it.

    seed: of the whole training; every update derives its own from it.
    ranks: the processes that train it together, each on its rows of every batch.
    stage: the stage that is being trained, None before `enter` and after `leave`.
    captured: the CUDA graphs of the players' gradients by their numbers, None where there are none yet.
    update: number of finished updates of the stage.
    n_updates: number of updates that are planned for the stage.
    progress: share of these updates that were made before this one, a scalar tensor in [0, 1], for losses that change.
    averages: exponential moving averages of the tensors of `averaged()`; empty where the stage keeps none.
    last_loss: loss of the last update, None before the first; on a GPU the next update overwrites it.
    curve: (update, loss) at up to about `CURVE_POINTS` updates of the stage.
    optimizer_state: states that resumed optimisers start from, one per player; None for fresh ones.
    """

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.seed = 0
        self.ranks = Ranks()
        self.stage: Stage | None = None
        self.captured: dict[int, Captured] | None = None
        self.update = self.n_updates = 0
        self.averages: list[Tensor] = []
        self.averaged_buffers: list[tuple[nn.Module, str]] = []  # found once a stage: finding them takes long
        self.curve: list[tuple[int, Tensor]] = []
        self.last_loss: Tensor | None = None
        self.optimizer_state: list[dict] | None = None
        self.register_buffer("progress", torch.zeros(()), persistent=False)

    @final
    def snapshot(self) -> dict:
        """Returns all that `resume` needs to continue the current stage, as plain values and tensors."""
        return {
            "update": self.update,
            "weights": self.state_dict(),
            "optimizer": [one.state_dict() for one in _each(self.optimizers(use_pl_optimizer=False))],
            "averages": self.averages,
            "curve": [(update, float(loss)) for update, loss in self.curve],
        }

    @final
    def resume(self, snapshot: dict) -> None:
        """Continues the entered stage from where `snapshot()` was called."""
        self.load_state_dict(snapshot["weights"])
        self.update, self.optimizer_state = snapshot["update"], snapshot["optimizer"]
        self.averages = [average.to(self.device) for average in snapshot["averages"]]
        self.curve = [(update, torch.tensor(loss)) for update, loss in snapshot["curve"]]

    @final
    def enter(self, stage: Stage, n_updates: int) -> None:
        """Starts training `stage`: its own parameters receive gradients, others only in the turns of its rivals.

        n_updates: planned number of updates, at least 0; the learning-rate schedule spans it.
        """
        self.requires_grad_(False)
        for parameter in stage.parameters:
            parameter.requires_grad_(True)
        self.stage, self.captured, self.n_updates, self.update = stage, None, n_updates, 0
        self.curve, self.last_loss, self.optimizer_state = [], None, None
        self.restart_averages()
        self.train()

    @final
    def restart_averages(self) -> None:
        """Sets the stage's averages, if it has any, to the current parameters and buffers."""
        self.averaged_buffers = saved_float_buffers(self) if self.stage.ema_decay else []
        self.averages = [value.clone() for value in self.averaged()] if self.stage.ema_decay else []

    @final
    def averaged(self) -> list[Tensor]:
        """Returns what an average is over: the stage's trained parameters, and every saved floating-point buffer once.

        Averaged weights would not fit the last running statistics of batch norm. The average of a constant is the
        constant, to the bit. Buffers of other types, such as counts, keep their last value.
        """
        buffers = (getattr(module, name) for module, name in self.averaged_buffers)
        return [*(parameter.detach() for parameter in self.stage.trained), *buffers]

    @final
    def leave(self) -> None:
        """Finishes the stage: adopts its averages, if it has any, and freezes its parameters."""
        self.swap_averages()
        self.averages = []
        self.requires_grad_(False)
        self.stage = self.captured = None
        self.eval()

    @final
    @torch.no_grad()
    def swap_averages(self) -> None:
        """Exchanges weights and buffers with their averages, to evaluate in a stage; a second call undoes the first."""
        for value, average in zip(self.averaged() if self.averages else [], self.averages, strict=True):
            held = value.clone()
            value.copy_(average)
            average.copy_(held)

    @final
    def configure_optimizers(self) -> Optimizers:
        """Returns the stage's optimiser, or one per player, for `update_once`; Lightning calls this by its name."""
        optimizers = [player.optimizer(list(player.parameters)) for player in self.stage.players]
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["initial_lr"] = group["lr"]
        for optimizer, state in zip(optimizers, self.optimizer_state or [], strict=False):
            optimizer.load_state_dict(state)
        return optimizers if self.stage.rivals else optimizers[0]

    @final
    def loss_and_gradient(self, batch: Batch, number: int = -1) -> Tensor:
        """Returns a player's loss on a batch, a detached scalar, and leaves its gradient in `.grad`.

        On a GPU a steady stage is captured as CUDA graphs at its first batch; the next call overwrites the scalar.
        Where several ranks train together, loss and gradient are the means over them, and nothing is captured.

        number: of the player in the entered stage's `players`; the last one is the stage itself.
        """
        player = self.stage.players[number]
        with self.stage.turn_of(player):
            if self.stage.steady and batch.x.is_cuda and self.ranks.n == 1:
                self.captured = self.captured or {}
                if number not in self.captured:
                    self.captured[number] = Captured(player, batch, self)
                return self.captured[number](batch)
            for parameter in player.parameters:
                parameter.grad = None
            with self.ranks.splitting(len(batch.x) * self.ranks.n):
                loss = player.loss(batch)
                loss.backward()
            return self.ranks.average((self.stage.name, number), loss, player.parameters)

    @final
    def take_turn(self, number: int, batch: Batch, optimizer: torch.optim.Optimizer) -> Tensor:
        """Trains the player `number` of the entered stage in its turn; returns its last loss, a detached scalar."""
        player = self.stage.players[number]
        for _ in range(player.turns):
            loss = self.loss_and_gradient(batch, number)
            if player.clip_norm is not None:
                nn.utils.clip_grad_norm_(player.parameters, player.clip_norm)
            optimizer.step()
        return loss

    @final
    def training_step(self, batches: Iterable[Batch], batch_idx: int) -> None:
        """One update per batch, and its loss to the curve where one is due.

        Many updates per call, because the Trainer's own work per call costs a fifth of an update of a small network.
        """
        optimizer, every = self.optimizers(use_pl_optimizer=False), max(self.n_updates // CURVE_POINTS, 1)
        for batch in batches:
            update = self.update
            loss = self.update_once(batch, optimizer)
            if update % every == 0:
                self._record(update, loss.clone())

    @final
    def update_once(self, batch: Batch, optimizer: Optimizers) -> Tensor:
        """One whole update of the entered stage; returns the loss before it, a detached scalar.

        Updates beyond the planned number keep the schedule at its end (progress 1), so timing may make as many as it
        needs. On a GPU the next call overwrites the returned scalar.

        batch: training images and labels, on the module's device.
        optimizer: from `configure_optimizers`.
        """
        optimizers, progress = _each(optimizer), self._share()
        factor = self.stage.schedule(progress)
        for group in (group for one in optimizers for group in one.param_groups):
            group["lr"] = group["initial_lr"] * factor
        self.progress.fill_(progress)
        self._reseed(derive_seed(self.seed, self.stage.name, self.update))
        for number, one in enumerate(optimizers, start=-len(optimizers)):
            self.last_loss = self.take_turn(number, batch, one)
        self.update += 1
        if self.stage.after_update:
            with torch.no_grad():
                self.stage.after_update(self._share())
        self._average()
        return self.last_loss

    def _share(self) -> float:
        return min(self.update / max(self.n_updates, 1), 1.0)

    @final
    def transfer_batch_to_device(self, batch: Iterable[Batch], device: torch.device, index: int) -> Iterable[Batch]:
        """Returns `batch` unchanged: batches are rows of tensors that are on the device already."""
        return batch

    @torch.no_grad()
    def _average(self) -> None:
        if self.averages:
            # A constant decay would keep the initial weights in the average of a short run.
            decay = min(self.stage.ema_decay, (1 + self.update) / (10 + self.update))
            torch._foreach_lerp_(self.averages, self.averaged(), 1 - decay)

    def _reseed(self, seed: int) -> None:
        # torch.manual_seed gives the same draws, but formats a stack trace for every kind of device: up to a third of
        # the time of an update of a small network.
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _record(self, update: int, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise NonFinite(f"stage {self.stage.name!r}, update {update}: loss is {float(loss)}")
        self.curve.append((update, loss))


def _each(optimizers: Optimizers) -> Sequence[torch.optim.Optimizer]:
    return [optimizers] if isinstance(optimizers, torch.optim.Optimizer) else optimizers


def derive_seed(*parts: object) -> int:
    """Returns a seed in [0, 2^63) that is a function of the printed `parts` alone, the same on every computer."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
