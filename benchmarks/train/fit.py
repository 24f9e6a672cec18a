"""Training: one Lightning Trainer per stage (a reused Trainer trains nothing), resumable to the bit.

A stage that made fewer updates than planned, or ends with numbers that are not finite, is an error: what it cost and
what it learned would be recorded wrongly. Lightning's environment variables and cluster detection change nothing.

Which images an update gets and which noise it draws depend on (seed, stage, update) alone, so a run that is killed and
resumed from its checkpoint ends with the same weights, bit for bit, as one that is not.
"""

from __future__ import annotations

import logging
import os
import pickle
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.plugins.environments import LightningEnvironment
from torch import Tensor

from benchmarks.train.stage_checks import check_updates, check_weights
from paradigms.base import Batch, Paradigm, derive_seed

CHECKPOINT_SECONDS = 20.0
TRAINER_DEFAULTS = "PL_TRAINER_"  # environment variables of this prefix replace defaults of Trainer's arguments
GROUP = 10  # updates in one step of the Trainer; callbacks run only between steps


class Batches:
    """Batches of updates `start` to `n_updates`, drawn without replacement within an epoch from tensors on the device.

    Iterating gives groups of at most GROUP consecutive batches; a new group begins at every update in `points`.

    x: training images (N, C, H, W). label: (N,).
    batch_size: rows of a batch; at most N are used.
    n_updates: updates of the whole stage. start: the first one to make, in [0, n_updates].
    seed: with the epoch, decides the order of the rows.
    """

    def __init__(
        self,
        x: Tensor,
        label: Tensor,
        batch_size: int,
        n_updates: int,
        start: int,
        seed: int,
        points: Iterable[int] = (),
    ):
        self.x, self.label, self.seed = x, label, seed
        self.batch_size = min(batch_size, len(x))
        self.order, self.epoch = None, -1
        updates = range(start, n_updates)
        self.starts = sorted({*updates[::GROUP], *(point for point in points if point in updates)})
        self.ends = [*self.starts[1:], n_updates]

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[Iterator[Batch]]:
        for start, end in zip(self.starts, self.ends, strict=False):
            yield (self.at(update) for update in range(start, end))

    def at(self, update: int) -> Batch:
        """The batch of an update."""
        epoch, position = divmod(update, len(self.x) // self.batch_size)
        if epoch != self.epoch:
            generator = torch.Generator().manual_seed(derive_seed(self.seed, "order", epoch))
            self.order, self.epoch = torch.randperm(len(self.x), generator=generator).to(self.x.device), epoch
        rows = self.order[position * self.batch_size : (position + 1) * self.batch_size]
        return Batch(self.x[rows], self.label[rows])


class TrainingMonitor(Callback):
    """Callback between groups of updates: reports progress, evaluates, saves checkpoints, and measures training time,
    in which its own work is not included."""

    def __init__(self, run: Fit, index: int, points: Sequence[int], seconds: float):
        self.run, self.index, self.points = run, index, set(points)
        self.seconds, self.since = seconds, 0.0

    def on_train_start(self, trainer, paradigm) -> None:
        self.since = self.saved = time.perf_counter()

    def on_train_batch_start(self, trainer, paradigm, batch, batch_idx) -> None:
        due = self.run.checkpoint and time.perf_counter() - self.saved > CHECKPOINT_SECONDS
        point = paradigm.update in self.points
        self.run.progress(self.index, paradigm.update)
        if point or due:
            self.pause()
            if point:
                self.points.remove(paradigm.update)
                self.run.evaluate_now(self.index, paradigm.update, self.seconds)
            if self.run.checkpoint:
                self.run.save(self.index, self.seconds, paradigm.progress(), self.points)
            self.since = self.saved = time.perf_counter()

    def on_train_end(self, trainer, paradigm) -> None:
        self.pause()

    def pause(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds += time.perf_counter() - self.since


class Fit:
    """Trains a paradigm, stage after stage.

    x: training images (N, C, H, W) on the device of training. label: (N,).
    updates: planned number of updates of each stage.
    checkpoint: file to save to and to resume from; None saves nothing.
    points: per stage, the updates before which `evaluate` is called.
    evaluate: (index of the stage, update, seconds of training so far) -> plain values, which are kept in `self.curve`;
        the averaged weights are in place meanwhile, if the stage keeps averages.
    progress: called with the index of the stage and its number of finished updates.
    """

    def __init__(
        self,
        paradigm: Paradigm,
        x: Tensor,
        label: Tensor,
        updates: Sequence[int],
        *,
        checkpoint: Path | None = None,
        points: Sequence[Sequence[int]] = (),
        evaluate: Callable[[int, int, float], dict] | None = None,
        progress: Callable[[int, int], None] = lambda stage, update: None,
    ):
        self.paradigm, self.x, self.label, self.updates = paradigm, x, label, list(updates)
        self.checkpoint, self.progress, self.evaluate = checkpoint, progress, evaluate
        self.points = [list(p) for p in points] or [[] for _ in updates]
        self.reports: list[dict] = []
        self.curve: list[dict] = []

    def __call__(self) -> list[dict]:
        """Train; returns per stage name, updates, batch_size, seconds (training only) and loss_curve.

        Raises NonFinite where a loss, or a weight at the end of a stage, is NaN or infinite, and RuntimeError where a
        stage ended before its last planned update.
        """
        stages = self.paradigm.stages()
        saved = self._saved()
        first = saved["stage"] if saved else 0
        if saved:
            self.reports, self.curve = saved["reports"], saved["curve"]
        for index in range(first, len(stages)):
            self._solve(index, stages[index], saved if index == first else None)
        return self.reports

    def _solve(self, index: int, stage, saved: dict | None) -> None:
        paradigm, n_updates = self.paradigm, self.updates[index]
        device = self.x.device
        paradigm.enter(stage, n_updates)
        if saved:
            paradigm.resume(saved["progress"])
        else:
            torch.manual_seed(derive_seed(paradigm.seed, stage.name, "begin"))
            with torch.no_grad():
                stage.begin()
            paradigm.restart_averages()
        points = saved["points"] if saved else self.points[index]
        watch = TrainingMonitor(self, index, points, saved["seconds"] if saved else 0.0)
        left = (n_updates, paradigm.update, paradigm.seed, points)
        batches = Batches(self.x, self.label, stage.batch_size, *left)
        if len(batches):
            _trainer(watch, device).fit(paradigm, batches)
        paradigm.to(device)
        check_updates(paradigm)
        self.reports.append(
            {
                "name": stage.name,
                "updates": n_updates,
                "batch_size": batches.batch_size,
                "seconds": watch.seconds,
                "n_parameters": sum(p.numel() for p in stage.parameters),
                "loss_curve": [[update, float(loss)] for update, loss in paradigm.curve],
            }
        )
        paradigm.leave()
        check_weights(paradigm, stage.name)

    def evaluate_now(self, index: int, update: int, seconds: float) -> None:
        """Evaluate during a stage with the weights that sampling would use (the averages), then continue training."""
        self.paradigm.swap_averages()
        self.paradigm.eval()
        done = sum(report["seconds"] for report in self.reports)
        self.curve.append(self.evaluate(index, update, done + seconds))
        self.paradigm.train()
        self.paradigm.swap_averages()

    def save(self, index: int, seconds: float, progress: dict, points: set[int]) -> None:
        """Write the checkpoint atomically: a kill at any moment leaves the previous one whole."""
        state = {"stage": index, "seconds": seconds, "progress": progress, "points": sorted(points)}
        state |= {"reports": self.reports, "curve": self.curve}
        partial = self.checkpoint.with_suffix(f".{os.getpid()}.tmp")
        torch.save(state, partial)
        os.replace(partial, self.checkpoint)

    def _saved(self) -> dict | None:
        if self.checkpoint is None or not self.checkpoint.is_file():
            return None
        try:
            return torch.load(self.checkpoint, weights_only=True, map_location=self.x.device)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            print(f"checkpoint {self.checkpoint} cannot be read ({error}); training starts from the beginning")
            return None


@contextmanager
def _without_trainer_defaults() -> Iterator[None]:
    """Inside, the environment replaces no default of the Trainer: some would end training early without a word."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(TRAINER_DEFAULTS)}
    try:
        yield
    finally:
        os.environ.update(hidden)


@_without_trainer_defaults()
def _trainer(watch: TrainingMonitor, device: torch.device) -> Trainer:
    # What Lightning does per step and nothing here reads is off: for small networks it would be half the time.
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        plugins=[LightningEnvironment()],  # else a cluster's variables, such as SLURM_NTASKS, are read
        max_epochs=1,
        callbacks=[watch],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
