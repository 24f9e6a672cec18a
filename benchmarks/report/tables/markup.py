"""Sheets as Markdown, as LaTeX and as plain text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from tabulate import tabulate

from benchmarks.report.tables.sheet import Bold, Sheet

LATEX = {
    **{"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}"},
    **{"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}"},
    **{"±": r"$\pm$", "∞": r"$\infty$", "≤": r"$\le$", "≥": r"$\ge$", "†": r"\dag{}", "‡": r"\ddag{}"},
}
ACCENTS = {"\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0308": r"\""}


# Emphasis, code, HTML, mathematics, cells and links; an underscore inside of a word is none.
MARKDOWN = re.compile(r"[\\`*<|$~]|(?<!\w)_|_(?!\w)|\](?=[(\[])")


def markdown(heading: str, parts: Sequence[Sheet], notes: Sequence[str] = ()) -> str:
    """A data set's sheets, each under its title and followed by its notes; then the notes about all of them."""
    lines = [f"# {_markdown(heading)}", ""]
    for sheet in parts:
        body = sheet.body.map(_markdown_cell).rename(columns=_markdown)
        table = tabulate(body, headers="keys", tablefmt="github", showindex=False, disable_numparse=True)
        lines += [f"## {_markdown(sheet.title)}", "", table, "", *(f"- {_markdown(note)}" for note in sheet.notes), ""]
    return "\n".join([*lines, *(f"- {_markdown(note)}" for note in notes)]) + "\n"


def _markdown(text: str) -> str:
    """The text in one line, with a backslash before what is markup: a name or a reason may hold anything."""
    return MARKDOWN.sub(r"\\\g<0>", _one_line(text))


def _markdown_cell(text: str) -> str:
    return f"**{_markdown(text)}**" if isinstance(text, Bold) else _markdown(text)


def _one_line(text: str) -> str:
    return re.sub(r"\s*[\r\n]\s*", " ", text)


def latex(heading: str, parts: Sequence[Sheet], notes: Sequence[str] = ()) -> str:
    """The same as LaTeX tables in plain ASCII, scaled to the line; they need the package graphicx."""
    lines = [f"% {_latex_cell(heading)}; needs \\usepackage{{graphicx}}"]
    for sheet in parts:
        body = sheet.body.map(_latex_cell).rename(columns=_latex_cell)
        table = tabulate(body, headers="keys", tablefmt="latex_raw", showindex=False, disable_numparse=True)
        lines += [r"\begin{table}", rf"\caption{{{_latex_cell(sheet.title)}}}", r"\resizebox{\linewidth}{!}{%", table]
        lines += ["}", *(rf"\par\footnotesize {_latex_cell(note)}" for note in sheet.notes), r"\end{table}", ""]
    return "\n".join([*lines, *(f"{_latex_cell(note)}\n" for note in notes)])


def _latex_cell(text: str) -> str:
    escaped = "".join(LATEX.get(character) or _accented(character) for character in _one_line(text))
    return rf"\textbf{{{escaped}}}" if isinstance(text, Bold) else escaped


def _accented(character: str) -> str:
    """A letter with an accent as a LaTeX command; any other character as it is."""
    letter, *marks = unicodedata.normalize("NFD", character)
    command = ACCENTS.get(marks[0]) if len(marks) == 1 else None
    return rf"{command}{{{letter}}}" if command else character


WRITERS = {"md": markdown, "tex": latex}  # file ending of a document -> what writes one data set's part of it


def plain(sheet: Sheet) -> str:
    """A sheet for a terminal."""
    body = tabulate(sheet.body, headers="keys", tablefmt="simple", showindex=False, disable_numparse=True)
    return "\n".join([sheet.title, body, *sheet.notes])
