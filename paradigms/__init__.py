"""Registry of paradigms: one paradigm per file, found by the name of the file.

A paradigm comes from this folder, from an entry point of the group `alexnet_moment.paradigms`, or from a path to a
file. Importing this package, listing names and reading `facts` does not import torch.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import sys
from importlib.metadata import entry_points
from pathlib import Path

GROUP = "alexnet_moment.paradigms"
FOLDER = Path(__file__).parent
NOT_PARADIGMS = {"__init__", "base"}


class UnknownParadigm(ValueError):
    """No paradigm has that name, or its file cannot be imported, or it does not hold one paradigm; one-line message."""


def names() -> list[str]:
    """Names of all paradigms of this folder and of the entry points, sorted."""
    own = {path.stem for path in FOLDER.glob("*.py")} - NOT_PARADIGMS
    return sorted(own | set(_plugins()))


def source(name: str) -> Path:
    """Path of the file that holds a paradigm.

    name: name of a paradigm, or a path that ends in .py.

    Raises UnknownParadigm where there is no such file.
    """
    path = Path(name)
    if path.suffix == ".py":
        if not path.is_file():
            raise UnknownParadigm(f"paradigm file {name}: no such file")
        return path.resolve()
    if (own := FOLDER / f"{name}.py").is_file() and name not in NOT_PARADIGMS:
        return own
    if name in (plugins := _plugins()):
        spec = importlib.util.find_spec(plugins[name].module)
        if spec is None or spec.origin is None:
            raise UnknownParadigm(f"paradigm {name!r}: entry point {plugins[name].value!r} cannot be found")
        return Path(spec.origin)
    near = difflib.get_close_matches(name, names(), 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UnknownParadigm(f"paradigm {name!r} is unknown; allowed: {', '.join(names())}, or a path to a .py file{hint}")


def facts(name: str) -> dict[str, str]:
    """Class constants of a paradigm (title, era, reference, task) and its docstring's first line, without importing it.

    name: as in `source`.

    Raises UnknownParadigm where there is no such file or its syntax is wrong.
    """
    path = source(name)
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise UnknownParadigm(f"paradigm file {path}: line {error.lineno}: {error.msg}") from None
    found = {"name": path.stem, "summary": (ast.get_docstring(tree) or "").split("\n")[0]}
    for node in (n for c in tree.body if isinstance(c, ast.ClassDef) for n in c.body):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            found.update({t.id: node.value.value for t in node.targets if isinstance(t, ast.Name)})
    return found


def load(name: str) -> type:
    """The Paradigm class in a paradigm's file.

    name: as in `source`.

    Raises UnknownParadigm where there is no such file, it cannot be imported, or it does not hold one paradigm.
    """
    path = source(name)
    try:
        module = _import(name, path)
    except Exception as error:
        raise UnknownParadigm(f"paradigm file {path}: cannot be imported: {type(error).__name__}: {error}") from error
    from paradigms.base import Paradigm

    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Paradigm) and value.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise UnknownParadigm(f"paradigm file {path}: has {len(classes)} subclasses of Paradigm; it must have one")
    return classes[0]


def _plugins() -> dict:
    return {point.name: point for point in entry_points(group=GROUP)}


def _import(name: str, path: Path):
    if path.parent == FOLDER:
        return importlib.import_module(f"paradigms.{path.stem}")
    if name in (plugins := _plugins()):
        return importlib.import_module(plugins[name].module)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # last, so that modules beside the file hide nothing
    spec = importlib.util.spec_from_file_location(f"paradigm_file_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
