"""Fréchet distance of the Gaussians fitted to two sets of features (Heusel et al. 2017), by torchmetrics in float64."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from benchmarks.columns import Column
from benchmarks.score.floors import N_DRAWS, Floor, floors
from benchmarks.score.scored_samples import RealFeatures, RealImages, ScoredSamples

INDEPENDENT = 0.01  # share of the expected bias below which two sets cannot be independent draws

COLUMNS = [
    Column(
        "fid",
        unit="squared feature units (features have mean variance 1)",
        direction="lower",
        meaning="Fréchet distance between the generated images and the held-out test split, in the features of "
        "the first extractor (a classifier of this data set).",
        formula="|m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)), with means m and covariances S of the two feature "
        "sets, float64",
        source="Heusel et al. 2017, equation 6, by torchmetrics",
        misleads="It is not comparable with Inception FIDs of papers, with other extractors, or with another "
        "`n_samples`. It sees means and covariances of one extractor's features only.",
        head="FID",
    ),
    Column(
        "fid_ratio",
        unit="none; 1 is as close to the test split as a draw of real training images",
        direction="lower",
        meaning="FID over its floor, by the first extractor. This is the headline number of generation.",
        formula="fid / fid_floor, seed by seed",
        source="defined here",
        misleads="Values below 1 are possible by luck, by memorising the training images, or by faults that the "
        "extractor does not see. Where `fid_ratio` and `fid2_ratio` rank variants differently, neither "
        "ranking is a fact about the images.",
        head="ratio",
    ),
    Column(
        "fid_floor",
        unit="as fid",
        direction=None,
        meaning="FID that a perfect sampler of the training data would get on average: the mean over "
        "`fid_floor_draws` draws of `n_samples` real images from the whole training split, with replacement.",
        formula="mean of FID(drawn training images, test split)",
        source="defined here",
        misleads="All rows share it and its noise, and it is no lower bound. Draws are used, and not the training "
        "split as a whole, because the splits were stratified by class and so agree better than two "
        "independent sets (`fid_floor_whole`).",
    ),
    Column(
        "fid_floor_se",
        unit="as fid",
        direction=None,
        meaning="Standard error of `fid_floor`, with the standard deviation over draws (`fid_floor_sd`) and their "
        "number (`fid_floor_draws`).",
        formula="fid_floor_sd / sqrt(fid_floor_draws)",
        source="defined here",
        misleads="Every ratio of a data set shares this error: it cancels between rows, and intervals over seeds do "
        "not include it. `fid_floor_sd` is how much the FID of one perfect sample varies.",
        also=("fid_floor_sd", "fid_floor_draws", "fid2_floor_se", "fid2_floor_sd", "fid2_floor_draws"),
        code="benchmarks/score/floors.py",
    ),
    Column(
        "fid_floor_whole",
        unit="as fid",
        direction=None,
        meaning="FID of the whole training split, every image once, against the test split.",
        formula="FID(training split, test split)",
        source="defined here",
        misleads="No sampler that draws its images independently comes close to it on average: on `digits`, "
        "independent draws of training images have 1.6 times this distance. Ratios to this floor would "
        "be larger by that factor.",
    ),
    Column(
        "fid_bias",
        unit="as fid",
        direction=None,
        meaning="Expected FID of two finite samples of one distribution, to first order in the sample sizes: what "
        "a perfect generator of the test distribution would get.",
        formula="(1/n + 1/m) [sum_i l_i + sum_ij l_i l_j / (2 (l_i + l_j)) + sum_i l_i / 4], with l the "
        "eigenvalues of the test split's feature covariance, n samples and m test images",
        source="first-order expansion derived here and checked by simulation "
        "(`tests/benchmarks/score/metrics/test_metrics.py`)",
        misleads="It holds for a generator that matches the distribution; far from it the bias differs. Heavier "
        "tails than a Gaussian's raise the true bias, splits that are stratified by class lower it.",
        head="bias",
    ),
    Column(
        "fid2",
        unit="squared units of the second extractor's features",
        direction="lower",
        meaning="Fréchet distance as `fid`, in the features of the second extractor (an auto-encoder trained "
        "without labels).",
        formula="as fid",
        source="Heusel et al. 2017, equation 6, by torchmetrics",
        misleads="Its size cannot be compared with that of `fid`; the ratios can.",
    ),
    Column(
        "fid2_ratio",
        unit="none; 1 is as close to the test split as a draw of real training images",
        direction="lower",
        meaning="FID over its floor, by the second extractor.",
        formula="fid2 / fid2_floor, seed by seed",
        source="defined here",
        misleads="As `fid_ratio`. The second extractor weighs what takes many pixels and may miss what matters "
        "for the class.",
        head="ratio 2",
    ),
    Column(
        "fid2_floor",
        unit="as fid2",
        direction=None,
        meaning="Floor of `fid2`, as `fid_floor` is that of `fid`, with `fid2_floor_whole`.",
        formula="mean of FID(drawn training images, test split), by the second extractor",
        source="defined here",
        misleads="As `fid_floor`.",
        also=("fid2_floor_whole",),
        code="benchmarks/score/floors.py",
    ),
    Column(
        "validation_fid",
        unit="as fid",
        direction="lower",
        meaning="Fréchet distance between the generated images and the validation split, by the first extractor. "
        "Options of trials are chosen by it.",
        formula="as fid",
        source="as fid",
        misleads="Its size depends on that of the validation split, so it cannot be compared with `fid`; ratios can.",
    ),
    Column(
        "validation_fid_ratio",
        unit="none; 1 is as close to the validation split as a draw of real training images",
        direction="lower",
        meaning="Validation FID over its own floor, `validation_fid_floor`. NFE and sampler can be chosen by it and "
        "then reported with their `fid_ratio`.",
        formula="validation_fid / validation_fid_floor",
        source="defined here",
        misleads="The lowest of several is too low by chance, which is why the test split is kept for the result.",
        also=("validation_fid_floor",),
    ),
]


class Reference(NamedTuple):
    """What the Fréchet distance by one extractor is measured against.

    test, validation: floors against these splits. bias: expected FID of `n_samples` perfect samples.
    """

    test: Floor
    validation: Floor
    bias: float


def prepare(real: RealImages) -> None:
    """Compute the floors. Raises ValueError where the test split is not independent of the training split."""
    real.once(references)


def compute(samples: ScoredSamples) -> dict[str, float | None]:
    """Distances and ratios by one or two extractors, with their floors; bias and validation FID by the first."""
    first = _distances(samples, 0) | {"fid_bias": samples.real.once(references)[0].bias} | _validation(samples)
    second = dict.fromkeys(f"fid2{rest}" for rest in ("", "_ratio", *_floor(None)))
    if len(samples.real.by_extractor) > 1:
        second = {name.replace("fid", "fid2"): value for name, value in _distances(samples, 1).items()}
    return first | second


def ratio(features: Tensor, real: RealImages, extractor: int) -> dict[str, float]:
    """{"fid", "fid_ratio"} of the features (n_samples, D) that an extractor, given by its index, has of the samples."""
    fid = frechet_distance(features, real.by_extractor[extractor].reference)
    return {"fid": fid, "fid_ratio": fid / real.once(references)[extractor].test.mean}


def _distances(samples: ScoredSamples, extractor: int) -> dict[str, float | None]:
    floor = _floor(samples.real.once(references)[extractor].test)
    found = ratio(samples.features(extractor), samples.real, extractor)
    return found | {f"fid{rest}": value for rest, value in floor.items()}


def _floor(floor: Floor | None) -> dict[str, float | None]:
    """The columns of a floor, without the name of the distance before them; None for each without a floor."""
    values = (None,) * 5 if floor is None else (floor.mean, floor.sd, floor.se, N_DRAWS, floor.whole)
    return dict(zip(("_floor", "_floor_sd", "_floor_se", "_floor_draws", "_floor_whole"), values, strict=True))


def _validation(samples: ScoredSamples) -> dict[str, float]:
    """FID to the validation split by the first extractor: what NFE, sampler and options are chosen by."""
    floor = samples.real.once(references)[0].validation.mean
    fid = frechet_distance(samples.features(), samples.real.by_extractor[0].validation)
    return {"validation_fid": fid, "validation_fid_floor": floor, "validation_fid_ratio": fid / floor}


def references(real: RealImages) -> list[Reference]:
    """One `Reference` per extractor. Raises ValueError where test and training split are not independent."""
    return [_reference(each, len(real.train), real.n_samples) for each in real.by_extractor]


def _reference(features: RealFeatures, n_train: int, n_samples: int) -> Reference:
    found, test = floors(features, n_samples), features.reference
    if (whole := found["test"].whole) < INDEPENDENT * frechet_bias(test, n_train, len(test)):
        raise ValueError(
            f"{features.name}: the floor {whole:.1e} is below that of independent sets; the reference must be held "
            "out, not the training images"
        )
    return Reference(**found, bias=frechet_bias(test, n_samples, len(test)))


def frechet_distance(features: Tensor, reference: Tensor) -> float:
    """Fréchet distance of features (n, D) from reference features (m, D); n and m at least 2.

    Biased upwards for few samples, so it is read beside its floor at the same n.
    """
    given = nn.Identity()  # the features are computed already, once for all metrics
    given.num_features = features.shape[1]
    metric = FrechetInceptionDistance(feature=given)
    metric.update(reference.double().cpu(), real=True)
    metric.update(features.double().cpu(), real=False)
    return float(metric.compute())


def frechet_bias(real: Tensor, n: int, m: int) -> float:
    """First-order expectation of the Fréchet distance between n and m independent draws of one distribution.

    real: features (N, D) of that distribution. n, m: sizes of the two sets.

    (1/n + 1/m) [sum l_i + sum_ij l_i l_j / (2 (l_i + l_j)) + sum_i l_i / 4], l the eigenvalues of the covariance. The
    means give the first sum, the curvature of the trace term at equal Gaussians the others. Tails heavier than a
    Gaussian's raise the true bias; splits stratified by class, whose class means do not vary, lower it.
    """
    spectrum = torch.linalg.eigvalsh(torch.atleast_2d(torch.cov(real.double().cpu().T))).clamp(min=0)
    sums = (spectrum[:, None] + spectrum).clamp(min=torch.finfo(spectrum.dtype).tiny)  # 0 / 0 is 0 here
    pairs = spectrum[:, None] * spectrum / (2 * sums)
    return float((1 / n + 1 / m) * (1.25 * spectrum.sum() + pairs.sum()))
