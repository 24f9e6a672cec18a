"""Which code decides a cell's record: the paradigm's file, the worker, and all they import of this project."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("paradigms", "benchmarks")
WORKER = ROOT / "benchmarks" / "worker.py"


def code_hash(paradigm: Path) -> str:
    """sha256 (hex) over the sources of a paradigm's file, of the worker, and of what they import of this project.

    The worker loads paradigms by name, so another paradigm's file is no part of it.
    """
    files = sources(paradigm) | sources(WORKER)
    # A file outside the project has no stable path, only a content; it comes first.
    names = {path: path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else "" for path in files}
    digest = hashlib.sha256()
    for path in sorted(files, key=names.get):
        digest.update(f"{names[path]}\0{path.read_text(encoding='utf-8')}\0".encode())
    return digest.hexdigest()


def sources(path: Path) -> set[Path]:
    """`path` and every file of this project that importing it runs, package files included."""
    found, waiting = set(), [path.resolve()]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += imports(file)
    return found


@cache
def imports(path: Path) -> frozenset[Path]:
    """The files of this project that the import statements of `path` name, at any depth of the file.

    Raises SyntaxError where `path` is not Python.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return frozenset(file for name in _imported(tree, path) for file in _files(name))


def _imported(tree: ast.AST, path: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level and path.is_relative_to(ROOT):
                package = path.relative_to(ROOT).parts[: -node.level]
                module = ".".join([*package, *([module] if module else [])])
            # `from package import name` may name a module or something inside one.
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _files(module: str) -> Iterator[Path]:
    parts = module.split(".")
    if parts[0] not in PACKAGES:
        return
    for depth in range(1, len(parts) + 1):
        place = ROOT.joinpath(*parts[:depth])
        yield from (file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file())
