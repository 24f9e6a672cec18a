"""Parts of a preset: the variants that are asked for, and more or less of its budget."""

from __future__ import annotations

import re
from collections.abc import Sequence

import paradigms
from benchmarks.errors import BadInput, nearest
from benchmarks.plan.preset import Budget, Preset, Variant


def scaled(preset: Preset, factor: float) -> Preset:
    """The preset with `factor` times its training budget."""
    budget = {name: value * factor for name, value in preset.budget_flops.model_dump().items()}
    return preset.model_copy(update={"budget_flops": Budget(**budget)})


def selected(preset: Preset, asked: Sequence[str]) -> Preset:
    """The preset with the asked variants only.

    Each is a variant's name, a paradigm's name (all its variants, or a new one with default options), or a path to a
    paradigm's file (a new variant named after the file); and whatever these start from. Raises BadInput for anything
    else, and where two of them would be one variant.
    """
    variants: dict[str, Variant] = {}
    for name in asked:
        found = _matching(preset, name)
        for key, variant in found.items():
            if variants.get(key, variant) != variant:
                raise BadInput(f"--paradigm {name}: variant {key!r} is {variants[key].paradigm} already; rename one")
        variants |= found
    while missing := {v.init_from for v in variants.values()} - {None} - variants.keys():
        variants = {name: preset.variants[name] for name in sorted(missing)} | variants
    return preset.model_copy(update={"variants": variants}) if asked else preset


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
            f"--paradigm {name}: no such variant of preset {preset.name!r} and no such paradigm; "
            f"allowed: {', '.join(allowed)}, or a path to a .py file{nearest(name, allowed)}"
        ) from None
    fresh = Variant(paradigm=str(path) if name.endswith(".py") else name)
    key = re.sub("[^a-z0-9-]", "-", paradigms.short_name(name).lower())
    if key in preset.variants:
        raise BadInput(
            f"--paradigm {name}: preset {preset.name!r} has a variant {key!r} of paradigm "
            f"{preset.variants[key].paradigm}; rename the new one"
        )
    return {key: fresh}
