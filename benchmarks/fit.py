"""Trains a paradigm: one Lightning Trainer per stage (a reused Trainer trains nothing), resumable to the bit.

A stage that made fewer updates than planned, or ends with numbers that are not finite, is an error: what it cost and
what it learned would be recorded wrongly.

The images and the noise of an update depend on (seed, stage, update) alone, so training that was killed and resumed
from its checkpoint ends in the same weights as uninterrupted training.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import torch
from pytorch_lightning import Callback
from torch import Tensor

from benchmarks import checkpoint as checkpoints
from benchmarks.split_check import check_split
from benchmarks.stage_checks import check_updates, check_weights
from benchmarks.trainer import trainer
from paradigms.base import Batch, Paradigm, derive_seed
from paradigms.training.ranks import Ranks

CHECKPOINT_SECONDS = 20.0
GROUP = 10  # updates per step of the Trainer; progress is reported and saved between steps only


class Batches:
    """Batches on the device, without replacement within an epoch.

    Iterating gives groups of at most GROUP consecutive batches.

    x, label: the training split, (N, C, H, W) and (N,).
    batch_size: images per batch, at most N.
    n_updates: number of updates of the stage.
    start: first update to give a batch for.
    seed: of the order of the images.
    points: updates at which a new group begins, so that something can be done before them.
    ranks: the processes that share a batch, of which each gets its rows; None for this one alone.
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
        ranks: Ranks | None = None,
    ):
        self.x, self.label, self.seed, self.ranks = x, label, seed, ranks or Ranks()
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
        """Returns the batch of an update, or this rank's rows of it."""
        epoch, position = divmod(update, len(self.x) // self.batch_size)
        if epoch != self.epoch:
            generator = torch.Generator().manual_seed(derive_seed(self.seed, "order", epoch))
            self.order, self.epoch = torch.randperm(len(self.x), generator=generator).to(self.x.device), epoch
        rows = self.ranks.rows(self.order[position * self.batch_size : (position + 1) * self.batch_size])
        x = self.x[rows]
        return Batch(x, self.label[rows].to(x.device))


class TrainingMonitor(Callback):
    """Reports progress, evaluates and saves between groups of updates; its own time does not count as training.

    run: the training that it belongs to.
    index: of the stage.
    points: updates before which it evaluates.
    seconds: of training that the stage has taken before.
    """

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
            if self.run.checkpoint and paradigm.ranks.first:
                self.run.save(self.index, self.seconds, paradigm.snapshot(), self.points)
            self.since = self.saved = time.perf_counter()

    def on_train_end(self, trainer, paradigm) -> None:
        self.pause()

    def pause(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds += time.perf_counter() - self.since


class Fit:
    """Trains the stages of a paradigm in order.

    paradigm: what is trained, in place.
    x, label: the training split on its device, (N, C, H, W) and (N,).
    updates: number of updates of each stage.
    checkpoint: file to save to and to resume from; None for neither.
    key: of what is trained; a checkpoint of another key is not resumed.
    points: per stage, the updates before which `evaluate` is called.
    evaluate: (stage, update, seconds of training) -> plain values, which are kept in `self.curve`; it is called with
        the averaged weights in place.
    progress: (stage, update) -> None, called before every group of updates.
    """

    def __init__(
        self,
        paradigm: Paradigm,
        x: Tensor,
        label: Tensor,
        updates: Sequence[int],
        *,
        checkpoint: Path | None = None,
        key: str = "",
        points: Sequence[Sequence[int]] = (),
        evaluate: Callable[[int, int, float], dict] | None = None,
        progress: Callable[[int, int], None] = lambda stage, update: None,
    ):
        self.paradigm, self.x, self.label, self.updates = paradigm, x, label, list(updates)
        self.checkpoint, self.key, self.progress, self.evaluate = checkpoint, key, progress, evaluate
        self.points = [list(p) for p in points] or [[] for _ in updates]
        self.reports: list[dict] = []
        self.curve: list[dict] = []

    def __call__(self) -> list[dict]:
        """Trains; returns per stage its name, updates, batch_size, seconds of training, n_parameters and loss_curve.

        Where the paradigm has several `ranks`, each of them calls this and trains on its rows of every batch.

        Raises NonFinite where a loss, or a weight at the end of a stage, is NaN or infinite, and RuntimeError where a
        stage ended before its last planned update.
        """
        stages = self.paradigm.stages()
        if self.paradigm.ranks.n > 1:
            check_split(self.paradigm, self.x, self.label)
            if self.paradigm.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()  # the check took a whole batch
        saved = self._saved()
        first = saved["stage"] if saved else 0
        if saved:
            self.reports, self.curve = saved["reports"], saved["curve"]
        for index in range(first, len(stages)):
            self._solve(index, stages[index], saved if index == first else None)
        return self.reports

    def _solve(self, index: int, stage, saved: dict | None) -> None:
        paradigm, n_updates = self.paradigm, self.updates[index]
        device = paradigm.device
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
        batches = Batches(self.x, self.label, stage.batch_size, *left, paradigm.ranks)
        if len(batches):
            trainer(watch, device).fit(paradigm, batches)
        paradigm.to(device)
        check_updates(paradigm)
        self.reports.append(
            {
                "name": stage.name,
                "updates": n_updates,
                "batch_size": batches.batch_size,
                "seconds": watch.seconds,
                "n_parameters": sum(p.numel() for p in stage.trained),
                "loss_curve": [[update, float(loss)] for update, loss in paradigm.curve],
            }
        )
        paradigm.leave()
        check_weights(paradigm, stage.name)
        paradigm.ranks.check_equal(paradigm, f"stage {stage.name!r}")

    def evaluate_now(self, index: int, update: int, seconds: float) -> None:
        """Evaluates during a stage with the averaged weights, which sampling would use, and continues training."""
        self.paradigm.swap_averages()
        self.paradigm.eval()
        done = sum(report["seconds"] for report in self.reports)
        self.curve.append(self.evaluate(index, update, done + seconds))
        self.paradigm.train()
        self.paradigm.swap_averages()

    def save(self, index: int, seconds: float, progress: dict, points: set[int]) -> None:
        """Writes the checkpoint; without one from now on where the optimiser's state cannot be saved."""
        state = {"stage": index, "seconds": seconds, "progress": progress, "points": sorted(points)}
        state |= {"reports": self.reports, "curve": self.curve}
        try:
            checkpoints.save(self.checkpoint, state, self.key)
        except TypeError as error:
            print(f"no checkpoint is kept, so training that is killed starts again: {error}", flush=True)
            self.checkpoint = None

    def _saved(self) -> dict | None:
        return self.checkpoint and checkpoints.load(self.checkpoint, self.key, self.paradigm.device)
