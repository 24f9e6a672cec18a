"""`glossary`: the definition of every table column."""

from __future__ import annotations

from benchmarks import columns


def command() -> None:
    """Print the definition of every table column as Markdown.

    Its output is docs/metrics.md.
    """
    print(columns.glossary(), end="")
