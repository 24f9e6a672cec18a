"""Stage 2: FLOPs, operations and bytes, which repeat exactly: any difference asks for a blessing.

What became larger is a regression, what became smaller an improvement. FLOPs, evaluations, parameters and sizes of
files are the same on every machine; the other counts depend on the CPU's kernels and on versions.
"""

from __future__ import annotations

from benchmarks.gate import baseline as blessed
from benchmarks.gate import launch, sides
from benchmarks.gate.finding import Finding, Verdict
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.plan import presets

STAGE = "counters"
RECORD = "bytes of a record"  # of what scoring writes; all others are of training and sampling
PORTABLE = ("parameters", "bytes of saved weights", RECORD, ": FLOPs", ": charged FLOPs", ": NFE")


def stage(preset: str, tree: Tree, baseline: dict | None, options: GateOptions) -> list[Finding]:
    """Measure head, and the base where it is a tree, and compare their counters.

    preset, tree, baseline, options: as of `identity.stage`.

    Raises BadInput where the base cannot be measured.
    """
    head = sides.part(launch.head(preset, tree, options), STAGE)
    if launch.WHOLE in head:
        return [Finding(STAGE, launch.WHOLE, "measurement", Verdict.FAILED, reason=head[launch.WHOLE]["failed"])]
    if tree.base:
        return compare(sides.part(launch.base(preset, tree, options), STAGE), head)
    same = baseline["machine"] == blessed.machine_class(presets.load(preset).threads)
    return compare(sides.of_subjects(baseline["values"], head, options), head, same)


def compare(base: dict[str, dict], head: dict[str, dict], same_machine: bool = True) -> list[Finding]:
    """A finding per counter that differs, and one per subject for all that are equal.

    base, head: subject -> counter -> value, None where it does not repeat; or {"failed": one line}.
    same_machine: whether both were measured on one machine class; else only portable counters are compared.
    """
    found: list[Finding] = []
    for subject in dict.fromkeys([*head, *base]):
        alone = sides.one_sided(STAGE, subject, base.get(subject), head.get(subject))
        found += [alone] if alone else _of_subject(subject, base[subject], head[subject], same_machine)
    return found


def _of_subject(subject: str, base: dict, head: dict, same_machine: bool) -> list[Finding]:
    found, equal, apart = [], 0, []
    for name in dict.fromkeys([*head, *base]):
        one, other = base.get(name), head.get(name)
        if not same_machine and not name.endswith(PORTABLE):
            apart.append(name)
        elif name not in base or name not in head:
            found.append(_appeared(subject, name, one, other))
        elif one is None or other is None:
            reason = "two measurements of it in one process differ"
            found.append(Finding(STAGE, subject, name, Verdict.NOT_COMPARABLE, one, other, reason=reason))
        elif one == other:
            equal += 1
        else:
            found.append(_changed(subject, name, one, other))
    if equal:
        found.append(Finding(STAGE, subject, f"{equal} counters", Verdict.PASS, reason="equal"))
    if apart:
        reason = "they depend on CPU and versions, and the baseline is of another machine class"
        found.append(Finding(STAGE, subject, f"{len(apart)} counters", Verdict.NOT_COMPARABLE, reason=reason))
    return found


def _changed(subject: str, name: str, one: float, other: float) -> Finding:
    verdict = Verdict.REGRESSION if other > one else Verdict.IMPROVEMENT
    effect = other / one if one else None
    by = f"{100 * (effect - 1):+.3g} %" if effect else f"{other - one:+g}"
    direction = "larger" if other > one else "smaller; a blessing adopts it"
    return Finding(STAGE, subject, name, verdict, one, other, effect, reason=f"{by}: {direction}")


def _appeared(subject: str, name: str, one: object, other: object) -> Finding:
    reason = "only in the base; a blessing drops it" if other is None else "not in the base; a blessing adds it"
    return Finding(STAGE, subject, name, Verdict.INCONCLUSIVE, one, other, reason=reason)
