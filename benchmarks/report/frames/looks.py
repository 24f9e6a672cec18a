"""One look per name of a results folder, the same in every figure: colour, marker and dash, as words.

A preset declares looks: `look` of a variant, and the table `looks` for series and for families of chains. A name
without a declared look gets one derived from its place among the folder's names, so no two names look alike.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

COLORS = ("black", "orange", "sky", "green", "blue", "vermillion", "purple")
MARKERS = tuple("<>phH8dXvPDs^*o")
DASHES = ("dotted", "dashdot", "dashed", "solid")
PRESETS = Path(__file__).parents[2] / "plan" / "presets"


class NamedLook(NamedTuple):
    """color: of COLORS. marker: as in matplotlib. dash: of DASHES."""

    color: str
    marker: str
    dash: str


# The three lengths have no common divisor, so this visits every combination once, and neighbours differ in all three.
DERIVED = [
    NamedLook(COLORS[i % len(COLORS)], MARKERS[i % len(MARKERS)], DASHES[i % len(DASHES)])
    for i in range(len(COLORS) * len(MARKERS) * len(DASHES))
]
# What a derived look shares with no other while that is possible, the strictest first.
DISTINCT: tuple[Callable[[NamedLook], object], ...] = (
    lambda look: look.marker,
    lambda look: (look.color, look.marker),
    lambda look: look,
)


def assign(names: Iterable[str], declared: dict[str, NamedLook]) -> dict[str, NamedLook]:
    """A look for every name; no two are equal, as long as there are fewer names than combinations (420).

    declared: name -> its look, which it keeps. Of two names that declare the same one, the first in alphabetical
    order keeps it. The other looks are handed out in alphabetical order, so the same names always get the same ones.
    """
    names = sorted(set(names))
    found: dict[str, NamedLook] = {}
    for name in names:
        if name in declared and declared[name] not in found.values():
            found[name] = declared[name]
    for name in names:
        if name not in found:
            found[name] = _unused(set(found.values()) | set(declared.values()))
    return {name: found[name] for name in names}


def _unused(taken: set[NamedLook]) -> NamedLook:
    for part in DISTINCT:
        used = {part(look) for look in taken}
        for look in DERIVED:
            if part(look) not in used:
                return look
    return DERIVED[len(taken) % len(DERIVED)]


def declared(records: Iterable[dict], folder: Path) -> dict[str, NamedLook]:
    """The looks that records carry, and for names without one those in their preset's file, where it still exists.

    folder: the results folder, which may hold the preset's file as well.
    """
    carried, presets = {}, set()
    for record in records:
        cell = record["cell"]
        presets.add(cell.get("preset") or "")
        if look := _look(cell.get("look")):
            carried.setdefault(cell["variant"], look)
    found: dict[str, NamedLook] = {}
    for preset in sorted(presets):
        found = _of_preset(preset, folder) | found
    return found | carried


def _of_preset(name: str, folder: Path) -> dict[str, NamedLook]:
    raw = keys_of_preset(name, folder)
    variants = {variant: table.get("look") for variant, table in raw.get("variants", {}).items()}
    looks = {name: _look(value) for name, value in (variants | raw.get("looks", {})).items()}
    return {name: look for name, look in looks.items() if look}


def keys_of_preset(name: str, folder: Path) -> dict:
    """The keys of a preset's file, over those of the preset that it is `like`; empty where it cannot be read."""
    for path in (folder / f"{name}.toml", PRESETS / f"{name}.toml"):
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        inherited = keys_of_preset(raw["like"], folder) if "like" in raw else {}
        if "variants" in raw:
            inherited.pop("pairs", None)  # pairs are of the variants that they are declared beside
        return inherited | raw
    return {}


def _look(value: object) -> NamedLook | None:
    """A look from its table; None for anything else."""
    if not isinstance(value, dict):
        return None
    look = NamedLook(value.get("color"), value.get("marker"), value.get("dash", "solid"))
    return look if look.color in COLORS and look.dash in DASHES and isinstance(look.marker, str) else None
