"""Hashes of the code that decides a cell's weights, scores and measured costs.

Comments and docstrings are left out, so that rewording one repeats no work. Files that act only through values which
are hashed themselves (settings, data) are left out too. Imports are read from the sources and followed to any depth,
including those of a plug-in within its own package or beside its file. Imports by a computed name are not found.
"""

from __future__ import annotations

import ast
import hashlib
import io
import site
import sys
import sysconfig
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("paradigms", "benchmarks")
COLUMNS = "COLUMNS"  # the name under which `benchmarks.columns` finds declarations
# Settings, data sets and the registry act through values that are part of the keys; storing a result changes no value.
BY_VALUE = (
    "benchmarks/plan/",
    "benchmarks/data/",
    "benchmarks/store/",
    "benchmarks/errors.py",
    "paradigms/__init__.py",
)
NOT_BY_VALUE = ("benchmarks/data/pixels.py",)


@cache
def train_code(paradigm: Path) -> str:
    """SHA-256 (hex) of the code that training runs.

    paradigm: path of the paradigm's file.
    """
    return _hash(sources(paradigm) | room("train"))


@cache
def score_code(paradigm: Path) -> str:
    """SHA-256 (hex) of the code that scoring runs, including the samplers in the paradigm's file.

    paradigm: path of the paradigm's file.
    """
    return _hash(sources(paradigm) | room("score"))


@cache
def cost_code() -> str:
    """SHA-256 (hex) of the code that measures costs."""
    return _hash(room("cost"))


def forget() -> None:
    """Clear the caches, so that sources that have changed are read again."""
    for function in (train_code, score_code, cost_code, imports, _code):
        function.cache_clear()


def room(name: str) -> set[Path]:
    """Every file in a folder of `benchmarks`, and the files that these import.

    name: of the folder. All of its files count, because some are found by listing the folder and not by an import.
    """
    return {file for path in (ROOT / "benchmarks" / name).rglob("*.py") for file in sources(path)}


def _hash(files: Iterable[Path]) -> str:
    # A file outside the project counts by its content alone, under the empty name.
    texts = sorted((_name(path), _code(path)) for path in files if not _by_value(path))
    return hashlib.sha256("\0".join(part for pair in texts for part in pair).encode()).hexdigest()


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""


def _by_value(path: Path) -> bool:
    name = _name(path)
    return name.startswith(BY_VALUE) and name not in NOT_BY_VALUE


@cache
def _code(path: Path) -> str:
    return without_comments(_text(path))


def _text(path: Path) -> str:
    with tokenize.open(path) as file:  # heeds a coding cookie and a byte-order mark
        return file.read()


def without_comments(source: str) -> str:
    """Python source without comments, docstrings, declarations of columns (entries of the glossary) and blank lines.

    source: text of a whole file.
    """
    rows = [list(line) for line in source.splitlines(keepends=True)]
    for node in _words(ast.parse(source)):
        for row in range(node.lineno - 1, node.end_lineno):
            rows[row] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and rows[token.start[0] - 1]:
            del rows[token.start[0] - 1][token.start[1] : token.end[1]]
    lines = ("".join(row).rstrip() for row in rows)
    return "\n".join(line for line in lines if line)


def _words(tree: ast.Module) -> Iterator[ast.stmt]:
    """Docstrings, and what a file says of its columns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
                yield first
    for node in tree.body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", None) for target in node.targets] == [COLUMNS]:
            yield node


def sources(path: Path) -> set[Path]:
    """`path`, and every file of this project or of its own package or folder that importing it runs."""
    found, waiting = set(), [path.resolve()]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += imports(file)
    return found


@cache
def imports(path: Path) -> frozenset[Path]:
    """The files that the import statements of `path` name, at any depth of the file: those of this project, of the
    file's own package, beside it, or anywhere on the path outside of installed packages.

    Raises SyntaxError where `path` is not Python.
    """
    tree = ast.parse(_text(path), str(path))
    return frozenset(file for name in _imported(tree, path) for file in _files(name, path)) - {path}


def _imported(tree: ast.AST, path: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                package = path.relative_to(package_root(path)).parts[: -node.level]
                module = ".".join([*package, *([module] if module else [])])
            # `from package import name` may name a module or something inside one.
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def package_root(path: Path) -> Path:
    """The folder that holds the outermost package of a file; its own folder where it is in none."""
    folder = path.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _files(module: str, importer: Path) -> Iterator[Path]:
    parts = [part for part in module.split(".") if part]
    if not parts:
        return
    for root in [ROOT] if parts[0] in PACKAGES else _roots(importer):
        files = [file for depth in range(1, len(parts) + 1) for file in _at(root.joinpath(*parts[:depth]))]
        if files:
            yield from files
            return


def _at(place: Path) -> Iterator[Path]:
    yield from (file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file())


def _roots(importer: Path) -> list[Path]:
    """Folders in which a plug-in's own modules may lie; libraries are left out, provenance has their versions."""
    if importer.is_relative_to(ROOT):
        return []
    own = [importer.parent, package_root(importer)]
    return [*own, *(Path(entry) for entry in sys.path if entry and not _is_library(Path(entry)))]


def _is_library(folder: Path) -> bool:
    libraries = {*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_path("stdlib")}
    return folder.is_relative_to(ROOT) or any(folder.is_relative_to(library) for library in libraries)
