"""Reads presets: the TOML files of this folder by name, and others by path.

A new preset is one new file in this folder, or one anywhere. `like = "NAME"` in a file takes every key that the file
does not set from the preset NAME. `--set key=value` on the command line replaces single values.
"""

from __future__ import annotations

import tomllib
import typing
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from benchmarks import data
from benchmarks.errors import BadInput, nearest
from benchmarks.plan.preset import Preset

FOLDER = Path(__file__).parent


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
    """Names that a preset's `looks` may have: series, families of chains (such as "Unrolled, K" for the titles
    "Unrolled, K = 1" and "Unrolled, K = 4"), variants and their paradigms."""
    variants = preset.variants.values()
    series = [variant.series for variant in variants if variant.series]
    families = [variant.title.partition(" = ")[0] for variant in variants if " = " in (variant.title or "")]
    return [*series, *families, *preset.variants, *(variant.paradigm for variant in variants)]


def _member(name: str, allowed: Iterable[str], key: str, where: str) -> None:
    """Raise BadInput where `name` in `key` is none of `allowed`. where: the file or option that says so."""
    allowed = list(dict.fromkeys(allowed))
    if name not in allowed:
        listed = ", ".join(allowed) or "none"
        raise BadInput(f"{where}: {key}: {name!r} is unknown; allowed: {listed}{nearest(name, allowed)}")


def _path(name: str) -> Path:
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise BadInput(
            f"preset {name!r} is unknown; allowed: {', '.join(names())}, or a path to a .toml file"
            + nearest(name, names())
        )
    return path


def _read(path: Path) -> dict:
    """The keys of a preset's file, and those that it takes from the preset that its key `like` names."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"preset file {path}: {error}") from None
    like = raw.pop("like", None)
    if like is None:
        return raw
    if like not in names():
        raise BadInput(f"preset file {path}: like = {like!r}; allowed: {', '.join(names())}{nearest(like, names())}")
    inherited = _read(_path(like))
    if "variants" in raw:
        for key in ("pairs", "gate"):  # they are of the variants that they are declared beside
            inherited.pop(key, None)
    return inherited | raw


def _apply(raw: dict, change: str) -> None:
    key, equals, value = change.partition("=")
    *parents, last = key.strip().split(".")
    if not equals or not last:
        raise BadInput(f"--set {change!r}: must be key=value, such as --set nfe=[1,4]")
    table = raw
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise BadInput(f"--set {change}: {parent!r} is a value and has no keys; allowed: --set {parent}=value")
    try:
        table[last] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[last] = value.strip()


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
        return f"{where}: key {_dotted(key)!r} is unknown; allowed: {', '.join(allowed)}{nearest(key[-1], allowed)}"
    # A key that allows several types gives one problem per type.
    same = [problem["msg"] for problem, other in zip(problems, keys, strict=True) if other == key]
    wanted = " or ".join(message.removeprefix("Input should be ") for message in same)
    return f"{where}: {_dotted(key)} = {value!r}; must be: {wanted.removeprefix('Value error, ')}"


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
    return f"--set {setters[-1]}" if setters else f"preset file {path}"
