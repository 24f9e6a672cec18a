"""Stage 1: is head equal to base to the bit? If so its quality is equal too, and nothing has to be trained.

Twenty updates of every stage, samples and scores are compared in the order in which they are computed, so the first
difference is the cause of all later ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.gate import baseline as blessed
from benchmarks.gate import launch, sides
from benchmarks.gate.finding import Finding, Verdict
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.plan import presets

SCORE, NOT_FINITE = "score ", "NaN in "  # how the quantities of scoring begin
STAGE, EQUAL = "identity", "updates, weights, samples and scores"
MOVED = ("gradient", "weights")  # columns of which the trained tensors say more
BEFORE = {
    "batch": "the training images are equal: their order changed",
    "loss": "its images, and the weights before it, are equal: the loss changed, or what it draws",
    "gradient": "its loss is equal: the gradient changed",
    "weights": "its loss and gradient are equal: the optimiser or its learning rate changed",
    "averages": "the weights are equal: their average changed",
}


class Difference(NamedTuple):
    """A difference: what differs, both values, and what its place says about the cause."""

    quantity: str
    base: object
    head: object
    reason: str


def stage(preset: str, tree: Tree, baseline: dict | None, options: GateOptions) -> list[Finding]:
    """Measure head, and the base where it is a tree, and compare them.

    preset: name or path.
    tree: head, and the base's worktree or None.
    baseline: the committed one, used where there is no worktree.
    options: of the gate.

    Raises BadInput where the base cannot be measured.
    """
    head = sides.part(launch.head(preset, tree, options), STAGE)
    if launch.WHOLE in head:
        return [Finding(STAGE, launch.WHOLE, "measurement", Verdict.FAILED, reason=head[launch.WHOLE]["failed"])]
    if tree.base:
        return compare(sides.part(launch.base(preset, tree, options), STAGE), head)
    if baseline["machine"] != blessed.machine_class(presets.load(preset).threads):
        return [_not_comparable(subject, found, baseline) for subject, found in head.items()]
    return compare(sides.of_subjects(baseline["values"], head, options), head)


def compare(base: dict[str, dict], head: dict[str, dict]) -> list[Finding]:
    """One finding per subject of either side.

    base, head: subject -> what `variant.answer` calls its identity, or {"failed": one line}.
    """
    return [_compared(subject, base.get(subject), head.get(subject)) for subject in dict.fromkeys([*head, *base])]


def _compared(subject: str, base: dict | None, head: dict | None) -> Finding:
    if (found := sides.one_sided(STAGE, subject, base, head)) is not None:
        return found
    first = next(differences(base, head), None)
    if first is None:
        reason = "equal to the bit, so its quality is that of the base"
        return Finding(STAGE, subject, EQUAL, Verdict.PASS, reason=reason)
    return Finding(STAGE, subject, first.quantity, Verdict.INCONCLUSIVE, first.base, first.head, reason=first.reason)


def of_scoring(finding: Finding) -> bool:
    """Whether a finding says that scoring changed, and nothing before it: quality is measured by what it would judge.

    finding: of this stage.
    """
    return finding.quantity.startswith((SCORE, NOT_FINITE))


def differences(base: dict, head: dict) -> Iterator[Difference]:
    """Every difference of two identities, in the order in which the values are computed."""
    for name, one, other in _unequal(base["settings"], head["settings"]):
        yield Difference(f"setting {name!r}", one, other, f"the preset changed: setting {name!r} differs")
    for name, one, other in _unequal(base["data"], head["data"]):
        yield Difference(name, one, other, f"the {name} differ, before anything is trained")
    changed = list(_unequal(base["start"], head["start"]))
    if changed:
        where = f"tensor {changed[0][0]!r} ({len(changed)} of {len(head['start'])} differ)"
        yield Difference("initial weights", *changed[0][1:], f"the weights before the first update differ: {where}")
    yield from _of_stages(base["stages"], head["stages"])
    for name, one, other in _unequal(base["samples"], head["samples"]):
        reason = f"the samples of {name} differ; the trained weights are equal: sampling changed"
        yield Difference(f"samples, {name}", _short(one), _short(other), reason)
    yield from _of_scores(base["scores"], head["scores"])
    for name, one, other in _unequal(base["broken"], head["broken"]):
        reason = f"{name} of numbers that are not finite ends differently: {one!r} before, {other!r} now"
        yield Difference(f"{NOT_FINITE}{name}", one, other, reason)
    for name, one, other in _unequal(base["plan"], head["plan"]):
        reason = f"the budget pays for another number of updates of stage {name!r}"
        yield Difference(f"plan of stage {name!r}", _short(one), _short(other), reason)


def _of_stages(base: list[dict], head: list[dict]) -> Iterator[Difference]:
    names = [stage["name"] for stage in base], [stage["name"] for stage in head]
    if names[0] != names[1]:
        yield Difference("stages", *(", ".join(each) for each in names), "the list of stages differs")
        return
    for one, other in zip(base, head, strict=True):
        name = other["name"]
        yield from _of_updates(name, one, other)
        if one.get("evaluated") != other.get("evaluated"):
            reason = f"the weights with which stage {name!r} is evaluated along training differ, and no update does"
            yield Difference(f"evaluation in stage {name!r}", one.get("evaluated"), other.get("evaluated"), reason)
        changed = list(_unequal(one["tensors"], other["tensors"]))
        if changed:
            reason = f"the weights at the end of stage {name!r} differ, first in tensor {changed[0][0]!r}"
            reason += f" ({len(changed)} of {len(other['tensors'])} differ)"
            yield Difference(f"end of stage {name!r}", *changed[0][1:], f"{reason}; its updates are equal")


def _of_updates(name: str, base: dict, head: dict) -> Iterator[Difference]:
    if len(base["updates"]) != len(head["updates"]):
        counts = len(base["updates"]), len(head["updates"])
        yield Difference(f"stage {name!r}", *counts, f"stage {name!r} made another number of updates")
        return
    for update, lines in enumerate(zip(base["updates"], head["updates"], strict=True)):
        one, other = (_columns(line) for line in lines)
        for column in other:
            if one.get(column) != other[column]:
                what = f"{column} of update {update} of stage {name!r}"
                said = f"the {what} differ{'' if column in ('weights', 'averages') else 's'}"
                where = _first_tensor(base["tensors"], head["tensors"], update) if column in MOVED else ""
                yield Difference(what, one.get(column), other[column], f"{said}{where}; {BEFORE[column]}")


def _first_tensor(base: dict[str, str], head: dict[str, str], update: int) -> str:
    """The first tensor that differs, after the first update if that is the one, else at the end of the stage."""
    moment = 0 if update == 0 else 1
    changed = [name for name in head if base.get(name, "- -").split()[moment] != head[name].split()[moment]]
    if not changed:
        return ""
    end = "" if update == 0 else " at the end of the stage"
    return f", first in tensor {changed[0]!r} ({len(changed)} of {len(head)} differ{end})"


def _columns(line: str) -> dict[str, str]:
    words = line.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def _of_scores(base: dict, head: dict) -> Iterator[Difference]:
    changed = list(_unequal(base, head))
    if changed:
        name, one, other = next((each for each in changed if each[0] != "exact"), changed[0])
        count = f"{len(changed) - 1} scores differ" if name != "exact" else "scores differ beyond the sixth digit"
        reason = f"the score {name!r} differs ({one} before, {other} now); what is scored is equal: scoring changed"
        yield Difference(f"{SCORE}{name!r}", one, other, f"{reason} ({count})")


def _unequal(base: dict, head: dict) -> Iterator[tuple[str, object, object]]:
    """(name, base's value, head's value) of what differs; an absent value is None."""
    for name in dict.fromkeys([*head, *base]):
        if base.get(name) != head.get(name) or (name in base) != (name in head):
            yield name, base.get(name), head.get(name)


def _short(value: object) -> str | None:
    return ", ".join(f"{name} {part}" for name, part in value.items()) if isinstance(value, dict) else value


def _not_comparable(subject: str, found: dict, baseline: dict) -> Finding:
    if "failed" in found:
        return sides.one_sided(STAGE, subject, {}, found)
    here, there = blessed.machine_class(baseline["machine"]["threads"]), baseline["machine"]
    names = [f"{name} {there.get(name)} there, {here[name]} here" for name in here if here[name] != there.get(name)]
    reason = f"blessed on another machine class ({'; '.join(names)}), and its commit cannot be measured here"
    return Finding(STAGE, subject, EQUAL, Verdict.NOT_COMPARABLE, reason=reason)
