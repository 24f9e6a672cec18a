"""One slide per file: a module here with a function `slide` is one, and adding a slide is adding its file.

ORDER: its place; slides stand in ascending order.
NEEDS: what the records must hold for it, in words.
SPARE: optional; whether it is left out of a talk that would have more than MOST slides (if it says nothing: no).

    def slide(runs: Runs) -> Slide | None

None where no run holds what it needs: then it is left out and named. Its texts go through `languages.say`.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

MOST = 16  # slides that a talk has time for


def found() -> dict[str, ModuleType]:
    """Every slide by name, in the order of the talk."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    slides = {name: module for name, module in modules.items() if hasattr(module, "slide")}
    return dict(sorted(slides.items(), key=lambda item: item[1].ORDER))
