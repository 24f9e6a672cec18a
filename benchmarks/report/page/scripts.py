"""The scripts and styles of the page, and the content policy that allows these and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

import vl_convert
from markupsafe import Markup

TEMPLATES = resources.files("benchmarks.report.page") / "templates"


@cache
def scripts() -> tuple[Markup, ...]:
    """Vega with Vega-Lite, DataTables, and the page's own script, in the order in which they run."""
    own = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    return tuple(Markup(_inside(text)) for text in (_vega(), _datatables(), own))


@cache
def styles() -> tuple[Markup, ...]:
    """The styles of DataTables, and of the page."""
    tables = (resources.files("itables") / "html" / "dt_bundle.css").read_text(encoding="utf-8")
    return Markup(tables), Markup((TEMPLATES / "page.css").read_text(encoding="utf-8"))


def policy(allowed_scripts: Iterable[str], allowed_styles: Iterable[str]) -> str:
    """A content policy under which nothing is fetched and no other script or style is run."""
    return (
        f"default-src 'none'; img-src data:; script-src {_hashes(allowed_scripts)}; style-src "
        f"{_hashes(allowed_styles)}; base-uri 'none'; form-action 'none'"
    )


def _hashes(texts: Iterable[str]) -> str:
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{value}'" for value in hashes)


def _vega() -> str:
    """Vega, Vega-Lite and vega-embed as one script, which names them `vega`, `vegaLite` and `vegaEmbed`."""
    return f"(()=>{{{vl_convert.javascript_bundle()}}})();"


def _datatables() -> str:
    """DataTables as itables brings it, a module whose exports become properties of `window.tables`."""
    text = (resources.files("itables") / "html" / "dt_bundle.js").read_text(encoding="utf-8")
    exported = re.search(r"export\s*\{([^}]*)\};?", text)
    names = (pair.split(" as ") for pair in exported[1].split(","))
    given = ",".join(f"{words[-1].strip()}:{words[0].strip()}" for words in names)
    return f"(()=>{{{text[: exported.start()]}window.tables={{{given}}};}})();"


def _inside(script: str) -> str:
    """The script without what would end it, or begin a comment, where it stands inside of HTML."""
    return re.sub(r"<(?=!--|/?script)", r"\\x3c", script, flags=re.IGNORECASE)
