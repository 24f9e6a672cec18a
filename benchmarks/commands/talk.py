"""`talk`: slides from records."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from benchmarks.commands.outcome import require_folder
from benchmarks.errors import BadInput

REFERENCE = Path("results/reference")
COMMITTED = ("digits", "stepwise", "depth", "mnist", "mnist-layerwise", "rivals-tuned")

ThemeName = StrEnum("ThemeName", ["light", "dark"])
# The names of `report.languages`, without importing the report, which takes seconds.
TABLES = Path(__file__).parents[1] / "report" / "languages"
LanguageName = StrEnum("LanguageName", ["en", *sorted(path.stem for path in TABLES.glob("*.toml"))])

Folders = Annotated[
    list[Path] | None,
    Argument(
        metavar="[DIR]...",
        help=f"Results folders, the most important first; default: {', '.join(COMMITTED)} in {REFERENCE}.",
    ),
]
Out = Annotated[Path, Option(help="Folder of the talk, made if absent.")]
Theme = Annotated[ThemeName, Option(help="Dark text on light paper, or the reverse.")]
Language = Annotated[LanguageName, Option(help="Language of slides, figures and notes.")]
Only = Annotated[
    list[str], Option("--only", metavar="SLIDE", help="Slide to write alone; repeatable; default: all that have data.")
]


def command(
    folders: Folders = None,
    out: Out = Path("results/talk"),
    theme: Theme = ThemeName.light,
    language: Language = LanguageName.en,
    only: Only = [],  # noqa: B006 (typer copies it)
) -> None:
    """Write slides with notes (talk.pptx), a handout (talk.pdf) and their figures from the records of folders."""
    try:
        import pptx  # noqa: F401
    except ImportError:
        raise BadInput("talk needs python-pptx; install it with: pip install 'alexnet-moment[talk]'") from None
    from benchmarks.report import talk

    folders = folders or [folder for name in COMMITTED if (folder := REFERENCE / name).is_dir()]
    if not folders:
        raise BadInput(f"talk: no results folder is given and {REFERENCE} is not here; name one: talk results/digits")
    for folder in folders:
        require_folder(folder)
    written = talk.write(folders, out, theme.value, language.value, only)
    for line in written.said:
        print(line, file=sys.stderr)
    print(f"{written.deck}: {len(written.shown)} slides ({', '.join(written.shown)})")
