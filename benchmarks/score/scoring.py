"""Scores a paradigm: samples it with seeded noise, and measures samples, recognition, reach and mismatch."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.data.pixels import to_float, to_uint8
from benchmarks.flops import flops_per_sample
from benchmarks.job import Job
from benchmarks.score.chain import chain_scores, disguise_fields
from benchmarks.score.contract import BrokenContract, check_images, check_labels, outputs, own_generator
from benchmarks.score.leakage_guard import refuse_shared
from benchmarks.score.marks import marks
from benchmarks.score.metrics import Scorer, accuracy, nearest, recognition
from benchmarks.score.metrics.probe import probe, probe_rows
from benchmarks.score.split_sampling import Samples, SplitSampling
from benchmarks.store import atomic
from paradigms.base import NonFinite, Paradigm, derive_seed

N_GRID = 16
N_REDRAWS = 1
RECONSTRUCTED_ROWS = 1000
MAX_LIKELIHOOD_IMAGES = 1000


class Drawn(NamedTuple):
    """Generated images: uint8 (n, C, H, W); their requested labels (n,) or None; counted evaluations per sample."""

    images: Tensor
    label: Tensor | None
    evaluations: float


class Scoring:
    """Scores of one paradigm under the settings of one job.

    job: the cell's settings, data set, extractors, device and results folder.
    paradigm: on the job's device; its weights may change between calls, as along training.

    Attributes:
    seconds: time spent by all quick and full scores so far.
    grids: arrays of images by name, which `save_grids` writes.

    Raises BadInput if the paradigm holds a scoring network, when it is built and again in `full_scores`.
    """

    def __init__(self, job: Job, paradigm: Paradigm):
        self.job, self.paradigm, self.seconds = job, paradigm, 0.0
        refuse_shared(paradigm, job.extractors)
        n = job.cell.n_samples
        self.n_samples = len(job.dataset.train.images) if n == "train" else n
        self.samplers = job.samplers(paradigm)
        drawn = job.dataset, job.extractors, self.n_samples, job.ranks
        self.scorer = Scorer(*drawn) if self.samplers else None
        self.chains = SplitSampling(paradigm, job.ranks)
        validation = job.dataset.validation
        self.validation = torch.from_numpy(validation.images), torch.from_numpy(validation.labels)
        self.test = torch.from_numpy(job.dataset.test.images), torch.from_numpy(job.dataset.test.labels)
        self.grids: dict[str, np.ndarray] = {}

    def quick_scores(self, scored: Sequence[dict] = ()) -> dict:
        """Returns {"accuracy", "samples"} for a point along training: FID of the first sampler, and test accuracy.

        scored: entries of `full_scores` for the same weights, which are used instead of drawing again.

        Raises NonFinite for samples or logits that are not finite.
        """
        began = time.perf_counter()
        known = {(entry["sampler"], entry["nfe_asked"]): entry for entry in scored}
        points = []
        for sampler, nfe in self._along_training():
            found = known.get((sampler, nfe)) or self.scorer.fid(self.draw(sampler, nfe).images)
            points.append({"sampler": sampler, "nfe": nfe, "fid": found["fid"], "fid_ratio": found["fid_ratio"]})
        correct = accuracy(self.paradigm, *self.test) if self.does("recognition", "logits") else None
        self.seconds += time.perf_counter() - began
        return {"accuracy": correct, "samples": points}

    def does(self, score: str, ability: str) -> bool:
        """Whether `score` is requested and the paradigm has the ability that it needs."""
        return score in self.job.cell.scores and self.paradigm.can(ability)

    def full_scores(self) -> dict:
        """Returns the record's `quality` without the curve: all scores at every sampler and NFE, and of recognition.

        Raises NonFinite for samples, logits, features, reconstructions or a likelihood that are not finite.
        """
        began = time.perf_counter()
        refuse_shared(self.paradigm, self.job.extractors)
        recognised = self._recognition()
        scored = [self._score(*pair) for s in self.samplers for pair in self._allowed(self.job.cell.nfes(s), [s])]
        disguise_fields(self.job, self.paradigm, scored)
        distances = [entry["validation_fid"] for entry in scored]
        scores = {
            "accuracy": recognised and recognised["accuracy"],
            "validation_accuracy": self._validation_accuracy(),
            "n_test": len(self.test[1]),
            "samples": scored,
            "sampling_noise": self._sampling_noise(),
            "validation_fid": min((fid for fid in distances if fid is not None), default=None),
            "recognition": recognised,
            "likelihood": self._likelihood(),
            "reconstruction": self._reconstruction(),
            **self._chain(),
        }
        scores["marks"] = marks(scores)
        self.seconds += time.perf_counter() - began
        return scores

    @torch.no_grad()
    def draw(self, sampler: str, nfe: int, redraw: int = 0) -> Drawn:
        """`n_samples` images, the same for the cell's seed whatever was drawn before.

        sampler: name. nfe: requested number of evaluations. redraw: number of a further draw with other noise.

        Raises NonFinite for samples that are not finite, BrokenContract for what else the interface excludes.
        """
        parts = ("samples", redraw) if redraw else ("samples",)
        generator = torch.Generator(self.job.device).manual_seed(derive_seed(self.job.cell.seed, *parts))
        images, labels, rows = [], [], 0
        for start in range(0, self.n_samples, self.job.cell.sample_batch):
            n = min(self.job.cell.sample_batch, self.n_samples - start)
            x, label, evaluated = self._batch(n, nfe, generator, sampler)
            images.append(to_uint8(x))
            labels.append(label)
            rows += evaluated
        if not rows:
            raise BrokenContract(f"{sampler!r} at {nfe} evaluations never calls its link, so nothing of it is counted")
        label = None if any(label is None for label in labels) else torch.cat(labels)
        return Drawn(torch.cat(images), label, rows / self.n_samples)

    def save_grids(self) -> str | None:
        """Write the first samples with their nearest training images; the path in the results folder, None if none."""
        if not self.grids:
            return None
        path = self.job.results_dir / "samples" / f"{self.job.cell.stem}.npz"
        with atomic.replacing(path) as fresh, fresh.open("wb") as file:
            np.savez_compressed(file, real=self.job.dataset.test.images[:N_GRID], **self.grids)
        return str(path.relative_to(self.job.results_dir))

    def _batch(self, n: int, nfe: int, generator: torch.Generator, sampler: str) -> Samples:
        where = f"{sampler!r} at {nfe} evaluations"
        with own_generator(where):
            found = self.chains.samples(n, nfe, generator, sampler)
        check_images(found.x, n, self.job.dataset.shape, where)
        check_labels(found.label, n, self.job.dataset.n_classes, where)
        return found

    def _allowed(self, nfes, samplers) -> list[tuple[str, int]]:
        return [(sampler, nfe) for sampler in samplers for nfe in nfes if self.paradigm.allows(nfe, sampler)]

    def _along_training(self) -> list[tuple[str, int]]:
        """(sampler, NFE) of the curve: the first sampler, at those of the curve's NFEs that it is scored at."""
        scored = self._allowed(self.job.cell.nfes(self.samplers[0]), self.samplers[:1]) if self.samplers else []
        return [(sampler, nfe) for sampler, nfe in scored if nfe in self.job.cell.curve_nfe]

    def _score(self, sampler: str, nfe: int) -> dict:
        began = time.perf_counter()
        images, label, evaluations = self.draw(sampler, nfe)
        seconds = time.perf_counter() - began
        train = self.job.dataset.train.images
        grid = images[:N_GRID].cpu()
        self.grids[f"{sampler}_{nfe}"] = grid.numpy()
        self.grids[f"{sampler}_{nfe}_nearest"] = train[nearest(grid, torch.from_numpy(train)).numpy()]
        entry = {"sampler": sampler, "nfe_asked": nfe, "nfe": evaluations, "seconds": seconds}
        entry["flops_per_sample"] = flops_per_sample(self.paradigm, nfe, sampler)
        return entry | self.scorer.score(images, label)

    def _sampling_noise(self) -> list[dict]:
        """FID ratios of further draws of the same weights, for the variation between sampling seeds."""
        noise = []
        for sampler, nfe in self._along_training():
            draws = [self.draw(sampler, nfe, redraw).images for redraw in range(1, N_REDRAWS + 1)]
            ratios = [self.scorer.fid(images)["fid_ratio"] for images in draws]
            noise.append({"sampler": sampler, "nfe_asked": nfe, "fid_ratios": ratios})
        return noise

    def _recognition(self) -> dict | None:
        """The record's `recognition`: test accuracy and probes; None for what the paradigm cannot do."""
        images, labels = self.test
        found = dict.fromkeys(("accuracy", "n_test", "accuracy_ci_low", "accuracy_ci_high", "calibration_error"))
        found |= dict.fromkeys(("correct", "linear_probe_accuracy", "knn_accuracy"))
        if self.does("recognition", "logits"):
            found |= recognition(outputs(self.paradigm, "logits", images), labels)
        if self.does("probe", "features"):
            train = self.job.dataset.train
            rows = probe_rows(len(train))
            features = outputs(self.paradigm, "features", torch.from_numpy(train.images[rows]))
            found |= probe(features, train.labels[rows], outputs(self.paradigm, "features", images), labels.numpy())
        return found if self.does("recognition", "logits") or self.does("probe", "features") else None

    def _validation_accuracy(self) -> float | None:
        """Accuracy on the validation split, by which the best trial of a recogniser is chosen."""
        return accuracy(self.paradigm, *self.validation) if self.does("recognition", "logits") else None

    @torch.no_grad()
    def _reconstruction(self) -> dict | None:
        """Mean over test images of the squared error of their reconstruction, summed over pixels in [0, 1]."""
        if not self.does("reconstruction", "reconstruct"):
            return None
        total, n_broken = 0.0, 0
        for images in self.test[0].split(RECONSTRUCTED_ROWS):
            x = to_float(images.to(self.job.device))
            errors = ((self.paradigm.reconstruct(x) - x) / 2).double().square().flatten(1).sum(1)
            total, n_broken = total + float(errors.sum()), n_broken + int((~errors.isfinite()).sum())
        if n_broken:
            raise NonFinite(f"reconstructions of {n_broken} of {len(self.test[0])} images are not finite")
        return {"squared_error": total / len(self.test[0]), "n_images": len(self.test[0])}

    def _chain(self) -> dict:
        """The record's `reach` and `mismatch`; empty where they are not requested."""
        if "chain" not in self.job.cell.scores:
            return {}
        scores, path = chain_scores(self.job, self.paradigm, self.samplers)
        self.grids |= {} if path is None else {"path": path}
        return scores

    @torch.no_grad()
    def _likelihood(self) -> dict | None:
        if not self.does("likelihood", "log_likelihood"):
            return None
        images, labels = (part[:MAX_LIKELIHOOD_IMAGES].to(self.job.device) for part in self.test)
        generator = torch.Generator(self.job.device).manual_seed(derive_seed(self.job.cell.seed, "likelihood"))
        found = self.paradigm.log_likelihood(to_float(images), labels, generator)._asdict()
        broken = [name for name, value in found.items() if isinstance(value, float) and not math.isfinite(value)]
        if broken:
            raise NonFinite(f"log-likelihood is not finite: {', '.join(f'{name} = {found[name]}' for name in broken)}")
        return found | {"n_images": len(images)}
