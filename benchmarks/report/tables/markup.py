"""Sheets as Markdown, as LaTeX and as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from benchmarks.report.tables.sheet import Bold, Sheet

LATEX = {
    **{"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}"},
    **{"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}"},
    **{"±": r"$\pm$", "∞": r"$\infty$", "≤": r"$\le$", "≥": r"$\ge$"},
}


def markdown(heading: str, parts: Sequence[Sheet], notes: Sequence[str] = ()) -> str:
    """A data set's sheets, each under its title and followed by its notes; then the notes about all of them."""
    lines = [f"# {heading}", ""]
    for sheet in parts:
        body = sheet.body.map(_markdown_cell)
        table = tabulate(body, headers="keys", tablefmt="github", showindex=False, disable_numparse=True)
        lines += [f"## {sheet.title}", "", table, "", *(f"- {note}" for note in sheet.notes), ""]
    return "\n".join([*lines, *(f"- {note}" for note in notes)]) + "\n"


def _markdown_cell(text: str) -> str:
    escaped = text.replace("|", r"\|")
    return f"**{escaped}**" if isinstance(text, Bold) else escaped


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
    escaped = "".join(LATEX.get(character, character) for character in text)
    return rf"\textbf{{{escaped}}}" if isinstance(text, Bold) else escaped


WRITERS = {"md": markdown, "tex": latex}  # file ending of a document -> what writes one data set's part of it


def plain(sheet: Sheet) -> str:
    """A sheet for a terminal."""
    body = tabulate(sheet.body, headers="keys", tablefmt="simple", showindex=False, disable_numparse=True)
    return "\n".join([sheet.title, body, *sheet.notes])
