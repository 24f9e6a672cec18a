"""The committed baseline of quality: values of many seeds, their noise, and what refuses a candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchmarks.errors import BadInput
from benchmarks.gate import sequential
from benchmarks.gate.decision import Values, noise_of
from benchmarks.gate.primaries import PrimaryTest, values

SEEDS, LEAST = 20, 10  # of a baseline
LUCK = 0.01  # of refusing a candidate of which nothing is odd, over all its primaries


def committed(baseline: dict | None) -> dict[str, dict[int, float]]:
    """Key of a test -> training seed -> value of a committed baseline; empty where there is none."""
    of_json = (baseline or {}).get("values", {})
    return {key: {int(seed): value for seed, value in seeds.items()} for key, seeds in of_json.items()}


def refuse_few(seeds: int) -> None:
    """Raises BadInput for too few training seeds of a baseline."""
    if seeds < LEAST:
        raise BadInput(f"bless quality: {seeds} seeds; allowed: at least {LEAST}, since the baseline states the noise")


def candidate(wanted: Sequence[PrimaryTest], measured: Sequence[Mapping], old: dict | None, seeds: int) -> dict:
    """The baseline that some runs make.

    wanted: the tests.
    measured: runs, as `runs.measure` returns them.
    old: the baseline that it would replace.
    seeds: training seeds of each variant.

    Returns {"seeds", "values": key of a test -> seed -> value, "noise": key -> {"sd", "freedom", "unit"},
    "train_code": variant -> hash of the code that trained it}.

    Raises BadInput for a cell that failed, and for a candidate outside its own A/A band.
    """
    for run in measured:
        if run["status"] != "done":
            raise BadInput(
                f"bless quality: {run['variant']}, seed {run['repetition']}: {run['status']}: {run['reason']}; "
                "a baseline needs every cell"
            )
    found = values(wanted, measured)
    for test in wanted:
        if len(found[test.key]) < seeds:
            raise BadInput(f"bless quality: {test.key}: {len(found[test.key])} of {seeds} cells have a value of it")
    code = {run["variant"]: run["train_code"] for run in measured}
    _refuse_luck(wanted, found, code, old)
    noises = {test.key: (noise_of(test, found[test.key]), test) for test in wanted}
    return {
        "seeds": seeds,
        "values": {key: {str(seed): value for seed, value in there.items()} for key, there in found.items()},
        "noise": {
            key: {
                "sd": float(f"{noise.sd:.4g}"),
                "freedom": noise.freedom,
                "unit": "points" if test.column == "accuracy" else "log ratio",
            }
            for key, (noise, test) in noises.items()
        },
        "train_code": code,
    }


def changes(old: dict | None, new: dict) -> list[tuple[str, str, str]]:
    """(test, value before, value after) for each test that a blessing would change, add or take away.

    old, new: baselines of quality.
    """
    before, after = committed(old), committed(new)
    found = [(key, _mean(before.get(key)), _mean(after.get(key))) for key in sorted(before.keys() | after.keys())]
    return [row for row in found if row[1] != row[2]]


def _mean(there: Values | None) -> str:
    return f"{sum(there.values()) / len(there):.4g} (mean of {len(there)})" if there else "none"


def _refuse_luck(
    wanted: Sequence[PrimaryTest], found: Mapping[str, Values], code: Mapping[str, str], old: dict | None
) -> None:
    """Raise BadInput where halves of a candidate differ, or the same code scores better than it did, beyond noise."""
    before = committed(old)
    for test in wanted:
        scaled = {seed: test.scaled(value) for seed, value in found[test.key].items()}
        even, odd = ({seed: scaled[seed] for seed in scaled if seed % 2 == half} for half in (0, 1))
        halves = sequential.change(odd, even)
        if min(halves.p_worse(), halves.p_better()) * 2 <= LUCK / len(wanted):
            raise BadInput(
                f"bless quality: {test.key}: odd and even seeds differ by {_told(test, halves.value)}, outside the A/A "
                "band of a run with itself; look for what changed in between, then measure anew"
            )
        same = (old or {}).get("train_code", {}).get(test.variant) == code[test.variant]
        if same and test.key in before:
            earlier = {seed: test.scaled(value) for seed, value in before[test.key].items()}
            change = sequential.change(scaled, earlier)
            if change.p_better() <= LUCK / len(wanted):
                raise BadInput(
                    f"bless quality: {test.key}: better than the baseline by {_told(test, change.value)} with the same "
                    "training code: a lucky run or other hardware; keep the baseline, or remove it first"
                )


def _told(test: PrimaryTest, change: float) -> str:
    return f"{abs(change):.2g} points" if test.column == "accuracy" else f"{math.expm1(abs(change)):.0%}"
