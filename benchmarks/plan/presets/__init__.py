"""Reads presets: the TOML files of this folder by name, and others by path.

A new preset is one new file in this folder, or one anywhere. `like = "NAME"` in a file takes every key that the file
does not set from the preset NAME. `--set key=value` on the command line replaces single values.
"""

from __future__ import annotations

import os
import tomllib
import typing
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from benchmarks import data
from benchmarks.errors import BadInput, nearest, one_line, short
from benchmarks.plan.preset import Preset, family

FOLDER = Path(__file__).parent
MAX_BYTES = 1 << 20  # of a preset's file; the largest of the project holds 10,000


def names() -> list[str]:
    """Names of the presets of this folder, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str, changes: Sequence[str] = ()) -> Preset:
    """A preset, checked.

    name: name of a preset, or path that ends in .toml.
    changes: "key=value" or "table.key=value", in the order in which they are applied. A value that is not TOML is
        taken as a string.

    Raises BadInput for an unknown preset, a file that is not TOML, an unknown or missing key, or a value that is not
    allowed.
    """
    path = _path(name)
    raw = _read(path)
    in_file = raw.get("datasets")
    for change in changes:
        _apply(raw, change)
    try:
        preset = Preset.model_validate(raw | {"name": path.stem})
    except RecursionError:
        raise BadInput(f"preset file {path}: nested too deeply") from None
    except ValidationError as error:
        raise BadInput(_one_line(error, raw, path, changes)) from None
    # `--set datasets=...` may choose some of a file's data sets, whose budgets stay in the file.
    budgeted = [*preset.datasets, *(in_file if isinstance(in_file, list) else [])]
    for key, given, allowed in (
        ("datasets", preset.datasets, data.names()),
        ("budget_of", preset.budget_of, budgeted),
        ("looks", preset.looks, _drawn(preset)),
    ):
        for name in given:
            _member(name, allowed, key, _origin(path, f"{key}.{name}" if key != "datasets" else key, changes))
    return preset


def _drawn(preset: Preset) -> list[str]:
    """Names that a preset's `looks` may have: series, families of chains (such as "One loss" for the titles
    "One loss, 1-step chain" and "One loss, 4-step chain"), variants and their paradigms."""
    variants = preset.variants.values()
    series = [variant.series for variant in variants if variant.series]
    families = [kind for variant in variants if variant.title and (kind := family(variant.title)) != variant.title]
    return [*series, *families, *preset.variants, *(variant.paradigm for variant in variants)]


def _member(name: str, allowed: Iterable[str], key: str, where: str) -> None:
    """Raise BadInput where `name` in `key` is none of `allowed`. where: the file or option that says so."""
    allowed = list(dict.fromkeys(allowed))
    if name not in allowed:
        listed = ", ".join(allowed) or "none"
        raise BadInput(f"{where}: {key}: {short(name)} is unknown; allowed: {listed}{nearest(name, allowed)}")


def _path(name: str) -> Path:
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not os.path.isfile(path):  # False also for a name that is too long
        raise BadInput(
            f"preset {short(name)} is unknown; allowed: {', '.join(names())}, or a path to a .toml file"
            + nearest(name, names())
        )
    return path


def _read(path: Path) -> dict:
    """The keys of a preset's file, and those that it takes from the preset that its key `like` names."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"holds {path.stat().st_size} bytes; allowed: {MAX_BYTES}")
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise BadInput(f"preset file {path}: nested too deeply") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"preset file {path}: {one_line(error)}") from None
    like = raw.pop("like", None)
    if like is None:
        return raw
    if like not in names():
        raise BadInput(
            f"preset file {path}: like = {short(like)}; allowed: {', '.join(names())}{nearest(like, names())}"
        )
    inherited = _read(_path(like))
    if "variants" in raw:
        for key in ("pairs", "gate"):  # they are of the variants that they are declared beside
            inherited.pop(key, None)
    return inherited | raw


def _apply(raw: dict, change: str) -> None:
    key, equals, value = change.partition("=")
    *parents, last = key.strip().split(".")
    if not equals or not last:
        raise BadInput(f"--set {short(change)}: must be key=value, such as --set nfe=[1,4]")
    table = raw
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            said = f"{short(parent)} is a value and has no keys; allowed: --set {one_line(parent, 100)}=value"
            raise BadInput(f"--set {one_line(change, 100)}: {said}")
    try:
        table[last] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[last] = value.strip()
    except RecursionError:
        raise BadInput(f"--set {one_line(change, 100)}: nested too deeply") from None


def _one_line(error: ValidationError, raw: dict, path: Path, changes: Sequence[str]) -> str:
    """Message of the first problem: file or option, key, value given, values allowed and the nearest of them."""
    problems = error.errors(include_url=False)
    keys = [_key(problem["loc"], raw) for problem in problems]
    key, kind, value = keys[0], problems[0]["type"], problems[0]["input"]
    where = _origin(path, _dotted(key), changes)
    if kind == "missing":
        return f"{where}: key {_dotted(problems[0]['loc'])!r} is missing"
    if kind == "extra_forbidden":
        allowed = sorted(_fields(key[:-1]) - {"name"})
        return (
            f"{where}: key {short(_dotted(key))} is unknown; allowed: {', '.join(allowed)}{nearest(key[-1], allowed)}"
        )
    # A key that allows several types gives one problem per type.
    same = [problem["msg"] for problem, other in zip(problems, keys, strict=True) if other == key]
    wanted = " or ".join(message.removeprefix("Input should be ") for message in same)
    return f"{where}: {one_line(_dotted(key), 100)} = {short(value)}; must be: {wanted.removeprefix('Value error, ')}"


def _dotted(key: Iterable) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in key).removeprefix(".")


def _key(location: Iterable, raw: object) -> list:
    """The part of a problem's location that is in the file, without the parts that the validator adds."""
    key = []
    for step in location:
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            break
        key.append(step)
    return key


def _fields(key: Iterable[str]) -> set[str]:
    """The keys allowed inside the table `key`."""
    model = Preset
    for step in key:
        holds_many = typing.get_origin(model) in (dict, list)
        model = typing.get_args(model)[-1] if holds_many else model.model_fields[step].annotation
        if type(None) in typing.get_args(model):  # a table that may be absent
            model = typing.get_args(model)[0]
    return set(model.model_fields)


def _origin(path: Path, key: str, changes: Sequence[str]) -> str:
    """Where a value comes from: the option that set it, else the file."""
    inside = key.replace("[", ".[") + "."
    setters = [change for change in changes if inside.startswith(change.partition("=")[0].strip() + ".")]
    return f"--set {one_line(setters[-1], 100)}" if setters else f"preset file {path}"
