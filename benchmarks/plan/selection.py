"""Changes a preset by the options --paradigm (some of its variants) and --budget (more or fewer training FLOPs)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

import paradigms
from benchmarks.errors import BadInput, nearest, one_line
from benchmarks.plan.cell import Cell
from benchmarks.plan.preset import MAX_NAME, Budget, Preset, Variant


def scaled(preset: Preset, factor: float) -> Preset:
    """The preset with another training budget.

    factor: positive factor on `budget_flops`.

    Raises BadInput where the product is 0 or infinite.
    """
    budget = {name: value * factor for name, value in preset.budget_flops.model_dump().items()}
    try:
        return preset.model_copy(update={"budget_flops": Budget(**budget)})
    except ValidationError:
        raise BadInput(
            f"--budget {factor:g}: gives a budget of {budget} FLOPs; it must be above 0 and finite"
        ) from None


def selected(preset: Preset, names: Sequence[str]) -> Preset:
    """The preset with some of its variants, and the variants that these start from, which are not scored.

    names: names of variants, names of paradigms (all variants of the paradigm, or a new one with default options), or
        paths to files of paradigms (a new variant named after the file). Empty for all variants.

    Raises BadInput for any other name, and where two of them would be one variant.
    """
    variants: dict[str, Variant] = {}
    for name in names:
        found = _matching(preset, name)
        for key, variant in found.items():
            if variants.get(key, variant) != variant:
                raise BadInput(f"--paradigm {name}: variant {key!r} is {variants[key].paradigm} already; rename one")
        variants |= found
    while missing := {v.init_from for v in variants.values()} - {None} - variants.keys():
        starts = {name: preset.variants[name].model_copy(update={"only_start": True}) for name in sorted(missing)}
        variants = starts | variants
    return preset.model_copy(update={"variants": variants}) if names else preset


def trusted(cell: Cell, files: Sequence[str]) -> Cell:
    """The cell of a record, with the paradigm's file that the user names in the place of the one that the record names.

    A record may come from someone else, and to load a paradigm's file executes it.

    cell: of a record.
    files: names and paths that the user gives with --paradigm.

    Raises BadInput where the record names a file and the user does not name one of the same name.
    """
    if not cell.paradigm.endswith(".py"):
        return cell
    given = [file for file in files if file.endswith(".py") and Path(file).stem == Path(cell.paradigm).stem]
    if not given:
        raise BadInput(
            f"the record of {cell.stem} names the paradigm's file {one_line(cell.paradigm, 200)}; a file that only a "
            f"record names is not executed: name it too, with --paradigm {one_line(Path(cell.paradigm).name, 100)}"
        )
    return cell.model_copy(update={"paradigm": str(Path(given[-1]).resolve())})


def _matching(preset: Preset, name: str) -> dict[str, Variant]:
    if name in preset.variants:
        return {name: preset.variants[name]}
    of_paradigm = {key: variant for key, variant in preset.variants.items() if variant.paradigm == name}
    if of_paradigm:
        return of_paradigm
    try:
        path = paradigms.source(name)
    except paradigms.UnknownParadigm:
        if name.endswith(".py"):
            raise
        allowed = sorted({*preset.variants, *paradigms.names()})
        raise BadInput(
            f"--paradigm {one_line(name, 100)}: no such variant of preset {preset.name!r} and no such paradigm; "
            f"allowed: {', '.join(allowed)}, or a path to a .py file{nearest(name, allowed)}"
        ) from None
    fresh = Variant(paradigm=str(path) if name.endswith(".py") else name)
    key = re.sub("[^a-z0-9-]", "-", paradigms.short_name(name).lower())
    if len(key) > MAX_NAME:
        raise BadInput(f"--paradigm {one_line(name, 100)}: the file's name is too long; allowed: {MAX_NAME} characters")
    if key in preset.variants:
        raise BadInput(
            f"--paradigm {name}: preset {preset.name!r} has a variant {key!r} of paradigm "
            f"{preset.variants[key].paradigm}; rename the new one"
        )
    return {key: fresh}
