"""One command per file: a module here with a function `command` is one, and adding a command is adding its file.

    def command(...) -> int | None

Its parameters are the command's arguments and options, its docstring the help text, what it returns the exit code
(None: 0), and the file's name the command's. What takes long to import is imported where it is used.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable


def found() -> dict[str, Callable]:
    """Name -> function of every command, sorted by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return {name: module.command for name, module in modules.items() if hasattr(module, "command")}
