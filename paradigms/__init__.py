"""Registry of paradigms: one paradigm per file, found by its name; no two have one name.

A paradigm comes from this folder (named like its file), from an entry point of the group `alexnet_moment.paradigms`
(named like the entry point), or from a path to a file. Importing this package, listing names and reading `facts` does
not import torch.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import os
import sys
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import entry_points
from pathlib import Path

GROUP = "alexnet_moment.paradigms"
FOLDER = Path(__file__).parent
NOT_PARADIGMS = {"__init__", "base"}
FACTS = ("title", "era", "reference", "task")


class UnknownParadigm(ValueError):
    """A name that means no paradigm or several, or a file that does not hold exactly one; the message is one line."""


def names() -> list[str]:
    """Names of all paradigms of this folder and of the entry points, sorted."""
    return sorted(_own() | _plugins().keys())


def short_name(name: str) -> str:
    """What tables and records call a paradigm: the stem of a path that ends in .py, else the name itself."""
    return Path(name).stem if Path(name).suffix == ".py" else name


def source(name: str) -> Path:
    """Path of the file that holds a paradigm.

    name: name of a paradigm, or a path that ends in .py.

    Raises UnknownParadigm where there is no such file, or where the name means more than one paradigm.
    """
    if Path(name).suffix == ".py":
        return _given_file(name)
    own, modules = [name] if name in _own() else [], _plugins().get(name, ())
    if len([*own, *modules]) > 1:
        places = [f"paradigms/{name}.py" for name in own] + [f"entry point {module!r}" for module in modules]
        raise UnknownParadigm(f"paradigm {name!r} means {' and '.join(places)}; rename or uninstall an entry point")
    if own:
        return FOLDER / f"{name}.py"
    if modules:
        return _module_file(name, modules[0])
    near = difflib.get_close_matches(name, names(), 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UnknownParadigm(f"paradigm {name!r} is unknown; allowed: {', '.join(names())}, or a path to a .py file{hint}")


def check_distinct(given: Iterable[str]) -> None:
    """Raise UnknownParadigm where two of these names or paths mean different files under one short name."""
    found: dict[str, Path] = {}
    for name in given:
        path = source(name)
        if (other := found.setdefault(short_name(name), path)) != path:
            raise UnknownParadigm(f"paradigm files {other} and {path}: both are named {path.stem!r}; rename one")


def facts(name: str) -> dict[str, str]:
    """Class constants of a paradigm (title, era, reference, task), its short name and its file's docstring's first line
    (summary), without importing it. Constants of base classes in the same file count.

    name: as in `source`.

    Raises UnknownParadigm where there is no such file, it is not Python, or a fact is no text.
    """
    path = source(name)
    try:
        with tokenize.open(path) as file:  # decodes as Python does: byte-order mark, coding cookie
            tree = ast.parse(file.read())
    except (RecursionError, MemoryError):  # what the parser raises for deep nesting
        raise UnknownParadigm(f"paradigm file {path}: nested too deeply") from None
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        raise UnknownParadigm(f"paradigm file {path}: {where}{_line(error.msg)}") from None
    except (OSError, ValueError) as error:
        raise UnknownParadigm(f"paradigm file {path}: {_line(error)}") from None
    summary, found = (ast.get_docstring(tree) or "").split("\n")[0], _class_facts(tree)
    for fact, value in found.items():
        if not isinstance(value, str):
            raise UnknownParadigm(f"paradigm file {path}: class fact {fact} = {value!r:.100}; it must be a text")
    return {"name": short_name(name), "summary": summary} | found


def facts_or_error(name: str) -> dict[str, str]:
    """As `facts`; of a paradigm that cannot be read {"name", "title", "error"}, where the title shows the error."""
    try:
        return facts(name)
    except UnknownParadigm as error:
        return {"name": short_name(name), "title": f"error: {error}", "error": str(error)}


def load(name: str) -> type:
    """The Paradigm class in a paradigm's file: the only one there from which no other one there is derived.

    name: as in `source`.

    Raises UnknownParadigm where there is no such file, it cannot be imported, or it does not hold one paradigm.
    """
    path = source(name)
    try:
        module = _import(name, path)
    except Exception as error:
        said = f"{type(error).__name__}: {_line(error)}"
        raise UnknownParadigm(f"paradigm file {path}: cannot be imported: {said}") from error
    from paradigms.base import Paradigm

    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Paradigm) and value.__module__ == module.__name__
    ]
    leaves = [one for one in classes if not any(other is not one and issubclass(other, one) for other in classes)]
    if len(leaves) != 1:
        raise UnknownParadigm(f"paradigm file {path}: has {len(leaves)} subclasses of Paradigm; it must have one")
    return leaves[0]


def _own() -> set[str]:
    return {path.stem for path in FOLDER.glob("*.py")} - NOT_PARADIGMS


@cache
def _plugins() -> dict[str, tuple[str, ...]]:
    """Entry points: name -> the modules that it stands for, one unless two packages use one name."""
    found: dict[str, set[str]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, set()).add(point.value.partition(":")[0].strip())
    return {name: tuple(sorted(modules)) for name, modules in found.items()}


def _given_file(name: str) -> Path:
    """The file of a path, which must not be named like another paradigm. Raises UnknownParadigm."""
    path = Path(name).resolve()
    if not os.path.isfile(path):  # False also for a name that is too long
        raise UnknownParadigm(f"paradigm file {name[:300]}: no such file")
    if path.stem in _own() | _plugins().keys() and path not in _files(path.stem):
        raise UnknownParadigm(f"paradigm file {name}: there is a paradigm named {path.stem!r} already; rename the file")
    return path


def _files(name: str) -> Iterator[Path]:
    """The files of all paradigms of this folder and of the entry points that have a name."""
    if name in _own():
        yield FOLDER / f"{name}.py"
    for module in _plugins().get(name, ()):
        yield _module_file(name, module)


def _module_file(name: str, module: str) -> Path:
    """The file of an entry point's module, found without importing the packages that it is in.

    Raises UnknownParadigm where it is not installed (any more).
    """
    within, spec, parts = None, None, module.split(".")
    for depth in range(1, len(parts) + 1):
        spec = _spec(".".join(parts[:depth]), within)
        within = spec and spec.submodule_search_locations
        if spec is None or (within is None and depth < len(parts)):
            break
    else:
        if spec.origin is not None and Path(spec.origin).is_file():
            return Path(spec.origin).resolve()
    raise UnknownParadigm(f"paradigm {name!r}: entry point {module!r} cannot be found")


def _spec(module: str, within: Sequence[str] | None) -> ModuleSpec | None:
    """Where a module is; `importlib.util.find_spec` would run the packages that it is in, so that listing the names of
    plug-ins would execute them. within: the folders of its package; None for a module in none."""
    finders = (finder for finder in sys.meta_path if hasattr(finder, "find_spec"))
    return next((spec for finder in finders if (spec := finder.find_spec(module, within)) is not None), None)


def _class_facts(tree: ast.Module) -> dict[str, str]:
    """The facts of the class that has most of them and from which no other class of the file is derived."""
    found: dict[str, dict[str, str]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            bases = [found.pop(base, {}) for base in map(_base_name, reversed(node.bases))]
            found[node.name] = {
                name: value for facts in [*bases, dict(_constants(node))] for name, value in facts.items()
            }
    return max(found.values(), key=len, default={})


def _constants(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """The facts that a class assigns as constants, with or without annotation, alone or several in one line."""
    for statement in node.body:
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            continue
        for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
            pair = isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple)
            targets, values = (target.elts, statement.value.elts) if pair else ([target], [statement.value])
            for one, value in zip(targets, values, strict=False):
                if isinstance(one, ast.Name) and one.id in FACTS and isinstance(value, ast.Constant):
                    yield one.id, value.value


def _base_name(base: ast.expr) -> str:
    return base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")


def _line(error: object) -> str:
    return " ".join(str(error).split())


def _import(name: str, path: Path):
    if path.parent == FOLDER:
        return importlib.import_module(f"paradigms.{path.stem}")
    if name in (plugins := _plugins()):
        return importlib.import_module(plugins[name][0])
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # last, so that modules beside the file hide nothing
    spec = importlib.util.spec_from_file_location(f"paradigm_file_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
