"""How often the quality gate raises a false alarm, and how often it finds a true one: simulated from committed values.

`python -m benchmarks.gate.simulate > results/reference/gate/false_alarms.md` writes the table. Two kinds of gates:
"measured" splits 20 measured seeds at random into base and head, ten each. These are seeds of the A/A study with all
its columns, or those of a preset's committed baseline with its primaries. "drawn" draws a base of 20 and a head of ten
seeds: mean and sd are those of the baseline, the shape of the noise is that of the A/A records. There the noise of head
may be correlated with that of base at equal seeds, as it is where only rounding changed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.random import Generator
from scipy.special import betaincinv
from tabulate import tabulate

from benchmarks.gate import baseline
from benchmarks.gate.finding import Finding, Verdict, exit_code
from benchmarks.gate.primaries import PrimaryTest, primary_tests, values
from benchmarks.gate.quality import compare, looks_of
from benchmarks.gate.quality_baseline import committed
from benchmarks.gate.runs import kept
from benchmarks.plan import presets
from benchmarks.store import records

RESULTS = Path(__file__).parents[2] / "results"
GATES, SEED = 200, 0
NAMES = {0: "pass", 1: "regression", 3: "inconclusive or improvement", 4: "nothing measured"}
Columns = dict[str, dict[int, float]]  # key of a test -> seed -> value


def measured(preset: str) -> tuple[list[PrimaryTest], Columns]:
    """The tests of a preset, and their values in its committed baseline, or in the records of the A/A study.

    preset: "aa", or one with a baseline of quality.
    """
    wanted = primary_tests(presets.load(preset))
    if preset != "aa":
        return wanted, committed(baseline.read(baseline.path_of(RESULTS / "baseline", preset, "quality")))
    found = (record for _, record in records.in_folder(RESULTS / "reference" / preset) if isinstance(record, dict))
    return wanted, values(wanted, [kept(record) for record in found if record["kind"] == "quality"])


def split(rng: Generator, wanted: Sequence[PrimaryTest], columns: Columns) -> tuple[Columns, Columns]:
    """Base and head: two random halves of the seeds, the same for all columns."""
    seeds = sorted(next(iter(columns.values())))
    order = [int(seed) for seed in rng.permutation(seeds)]
    half = len(order) // 2
    sides = [{seed: place for place, seed in enumerate(part)} for part in (order[:half], order[half:])]
    # Numbers of head's seeds do not occur in base: these are different seeds, so nothing is paired.
    base = {key: {100 + sides[0][s]: v for s, v in there.items() if s in sides[0]} for key, there in columns.items()}
    head = {key: {sides[1][s]: v for s, v in there.items() if s in sides[1]} for key, there in columns.items()}
    return base, head


def drawn(
    rng: Generator,
    wanted: Sequence[PrimaryTest],
    columns: Columns,
    shapes: Mapping[str, np.ndarray],
    correlation: float,
) -> tuple[Columns, Columns]:
    """Base of 20 and head of ten seeds: mean and sd of `columns`, noise resampled from `shapes`.

    shapes: column -> residuals (seeds,) of unit variance; the same row of both scoring networks is one training run.
    correlation: of the noise of base and head at equal seeds.
    """
    variants = {test.variant for test in wanted}
    rows = [{name: rng.integers(len(shapes["accuracy"]), size=20) for name in sorted(variants)} for _ in range(2)]
    own = math.sqrt(1 - correlation**2)
    base, head = {}, {}
    for test in wanted:
        scaled = [test.scaled(value) for value in columns[test.key].values()]
        mean, sd = np.mean(scaled), np.std(scaled, ddof=1)
        there, here = (shapes[test.column][side[test.variant]] for side in rows)
        base[test.key] = {i: test.unscaled(float(mean + sd * part)) for i, part in enumerate(there)}
        mixed = (correlation * there + own * here)[:10]
        head[test.key] = {i: test.unscaled(float(mean + sd * part)) for i, part in enumerate(mixed)}
    return base, head


def residuals() -> dict[str, np.ndarray]:
    """Column -> standardised residuals of the A/A records: of the FID ratios at 16 NFE, and of the accuracy."""
    wanted, columns = measured("aa")
    by_column = {test.column: test for test in wanted if test.nfe in (None, 16)}
    found = {}
    for column, test in by_column.items():
        scaled = np.array([test.scaled(value) for _, value in sorted(columns[test.key].items())])
        found[column] = (scaled - scaled.mean()) / scaled.std()
    return found


def gate(wanted: Sequence[PrimaryTest], base: Columns, head: Columns, looks: Sequence[int]) -> list[Finding]:
    """The findings of one simulated gate."""

    def measure(names: Sequence[str], seeds: int) -> list[dict]:
        return [_run(wanted, head, name, seed) for name in names for seed in range(seeds)]

    return compare(wanted, base, looks, measure)


def _run(wanted: Sequence[PrimaryTest], columns: Columns, name: str, seed: int) -> dict:
    run = {"variant": name, "repetition": seed, "status": "done", "reason": None, "accuracy": None, "samples": []}
    entries: dict[tuple, dict] = {}
    for test in wanted:
        if test.variant == name and test.column == "accuracy":
            run["accuracy"] = columns[test.key][seed]
        elif test.variant == name:
            entry = entries.setdefault((test.sampler, test.nfe), {"sampler": test.sampler, "nfe_asked": test.nfe})
            entry[test.column] = columns[test.key][seed]
    return run | {"samples": list(entries.values())}


def worsened(columns: Columns, variant: str, factor: float) -> Columns:
    """The columns with the FID ratios of one variant multiplied by a factor."""
    return {
        key: {seed: value * (factor if key.startswith(f"{variant} fid") else 1.0) for seed, value in there.items()}
        for key, there in columns.items()
    }


def gates(
    preset: str, n: int, variant: str = "", factor: float = 1.0, correlation: float | None = None
) -> list[list[Finding]]:
    """Findings of `n` simulated gates.

    preset: as in `measured`.
    variant, factor: what is worse on head, and how much.
    correlation: as in `drawn`; None to split the measured seeds.
    """
    rng = np.random.default_rng(SEED)
    wanted, columns = measured(preset)
    shapes, looks, found = residuals(), looks_of(presets.load(preset), 10), []
    for _ in range(n):
        if correlation is None:
            base, head = split(rng, wanted, columns)
        else:
            base, head = drawn(rng, wanted, columns, shapes, correlation)
        found.append(gate(wanted, base, worsened(head, variant, factor), looks))
    return found


def row(preset: str, n: int, variant: str = "", factor: float = 1.0, correlation: float | None = None) -> dict:
    """One row of the table: shares of exit codes over `n` gates; arguments as in `gates`."""
    found = gates(preset, n, variant, factor, correlation)
    codes = Counter(exit_code(findings) for findings in found)
    singles = Counter(finding.verdict for findings in found for finding in findings)
    total = sum(singles.values())
    return {
        "seeds": f"{preset}, {'measured' if correlation is None else 'drawn'}",
        "true change": f"{variant} FID ratio {factor - 1:+.0%}" if variant else "none",
        "correlation": "" if correlation is None else f"{correlation:.2f}",
        "gates": n,
        **{name: f"{codes[code] / n:.1%}" for code, name in NAMES.items() if code < 4},
        "tests left open": f"{singles[Verdict.INCONCLUSIVE] / total:.1%}",
        "false regressions, 95 % upper bound": "" if variant else f"{betaincinv(codes[1] + 1, n - codes[1], 0.95):.1%}",
    }


def main() -> None:
    """Print the table."""
    rows = [row(preset, GATES) for preset in ("aa", "gate", "digits")]
    rows += [row("digits", 5 * GATES, correlation=rho) for rho in (0.0, 0.67, 0.95)]
    rows += [row("digits", GATES, "meanflow", factor, 0.0) for factor in (1.1, 1.15, 1.2, 1.3, 1.5)]
    rows += [row("digits", GATES, "diffusion-unrolled-k4", factor, 0.0) for factor in (1.3, 1.5, 2.0)]
    print("# Simulated gates\n\n" + tabulate(rows, "keys", "github"))


if __name__ == "__main__":
    main()
