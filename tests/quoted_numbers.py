"""The measured numbers in the pages, and the tables of committed runs that they come from.

    python -m tests.quoted_numbers        rewrites every listed number in the pages from the tables

`tests/quoted/*.toml` has one file per page: `page`, and any number of

    [[quotes]]
    folder = "stepwise"         # of results/reference
    texts = ["K = 1 has {unrolled-k1@1 ±}, {unrolled-k1@1/diffusion@8 s2} times the ratio of diffusion"]

A text stands in the page once, with a number in place of each `{SELECTOR [COLUMN] [FORM]}`. Selectors:

- `VARIANT@NFE`, `VARIANT@best`, `VARIANT:SAMPLER@NFE`: a row of comparison.csv, the lowest FID ratio of those
  that match
- `VARIANT`: the same for what has one number per variant, such as `accuracy`
- `A@NFE/B@NFE`: a row of ratios.csv, or of a table of pairs that the quotes name; `A/B`: a row of mcnemar.csv
- `FOLDER>SELECTOR`: in another folder than that of the quotes
- `SERIES:DATASET@LAYERS` where the quotes have `table = "depth"`, with _ for a space

Columns are those of the table, or of `COLUMNS`; forms are those of `FORMS`, or a format such as `.2f`. Every other
number with a decimal point must be in `[exempt]`: reason -> texts of the page whose numbers are not measured, or in
no table.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
from pandas import DataFrame, Series

from benchmarks import report
from benchmarks.report.frames import read
from benchmarks.report.frames.comparison import comparison
from tests import ROOT
from tests.quoted_forms import FORMS, NUMBER, numbers_of

FOLDER = Path(__file__).parent / "quoted"
REFERENCE = ROOT / "results" / "reference"
DECIMAL = re.compile(r"(?<![\w.])\d[\d,]*\.\d+(?:e-?\d+)?")
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
COLUMNS = {"2": "fid2_ratio", "low": "ratio_ci_low", "high": "ratio_ci_high", "p": "ratio_p_value", "r2": "ratio2"}
COLUMNS |= {"low2": "ratio2_ci_low", "high2": "ratio2_ci_high", "holm": "ratio_p_value_holm"}
COLUMNS |= {"p2": "ratio2_p_value", "holm2": "ratio2_p_value_holm"}
COLUMNS |= {"a": "fid_ratio_a", "b": "fid_ratio_b", "a2": "fid2_ratio_a", "b2": "fid2_ratio_b"}
KEYS = {"comparison": ("variant", "sampler", "nfe"), "depth": ("series", "dataset", "n_hidden_layers")}
USUAL = {"comparison": "fid_ratio", "depth": "error", "ratios": "ratio", "mcnemar": "p_value"}
# Tables of pairs beside ratios.csv, with the names that their columns have there
PAIRS = {"pairs_at_equal_seconds": {"ci_low": "ratio_ci_low", "ci_high": "ratio_ci_high"}}
USUAL |= dict.fromkeys(PAIRS, "ratio")


@cache
def table(folder: str, name: str) -> DataFrame:
    """A table of a committed run."""
    return pd.read_csv(REFERENCE / folder / "tables" / f"{name}.csv").rename(columns=PAIRS.get(name, {}))


@dataclass(frozen=True)
class Quote:
    """A text of a page. text: with placeholders. folder, table: what they select from."""

    text: str
    folder: str
    table: str = "comparison"

    def pattern(self) -> re.Pattern:
        """The text with any numbers in place of the placeholders, one group each, and any white space."""
        literal, groups = self._split()
        parts = [_loose(literal[0])]
        for group, after in zip(groups, literal[1:], strict=True):
            parts += [f"({numbers_of(group.split()[-1])})", _loose(after)]
        return re.compile("".join(parts))

    def values(self) -> list[str]:
        """What should stand in place of each placeholder."""
        return [self._value(group) for group in self._split()[1]]

    def _split(self) -> tuple[list[str], list[str]]:
        found = re.split(r"\{([^}]*)\}", self.text)
        return found[::2], found[1::2]

    def _value(self, placeholder: str) -> str:
        selector, *rest = placeholder.split()
        name, row = self._row(selector)
        columns = [COLUMNS.get(word, word) for word in rest if COLUMNS.get(word, word) in row.index]
        column = columns[0] if columns else USUAL[name]
        form = next((word for word in rest if COLUMNS.get(word, word) not in row.index), None)
        form = form or (".2f" if name == "ratios" and column.startswith("ratio") else "s3")
        return FORMS[form](row, column) if form in FORMS else f"{row[column]:{form}}"

    def _row(self, selector: str) -> tuple[str, Series]:
        """(name of the table, its row). Raises LookupError where the selector fits none."""
        folder, other, selector = selector.rpartition(">")
        folder = folder if other else self.folder
        a, slash, b = selector.partition("/")
        name = self.table if not slash or self.table in PAIRS else "ratios" if "@" in a else "mcnemar"
        rows = table(folder, name)
        if not slash:
            rows = _matching(rows, a, *KEYS[name])
        for side, half in (("a", a), ("b", b)) if slash else ():
            rows = _matching(rows, half, *(f"{key}_{side}" for key in KEYS["comparison"]))
        if rows.empty:
            raise LookupError(f"{folder}/tables/{name}.csv has no row {selector!r}, quoted in {self.text!r}")
        if name == "comparison" and rows.fid_ratio.notna().any():
            return name, rows.loc[rows.fid_ratio.idxmin()]
        return name, rows.iloc[0]


def _matching(rows: DataFrame, selector: str, name: str, more: str, number: str) -> DataFrame:
    """The rows that `NAME:MORE@NUMBER` selects by these columns; MORE and NUMBER may be left out."""
    wanted, _, at = selector.partition("@")
    wanted, _, detail = wanted.partition(":")
    rows = rows[rows[name].isin([wanted, wanted.replace("_", " ")])]
    rows = rows[rows[more] == detail] if detail else rows
    return rows[rows[number] == int(at)] if at not in ("", "best") else rows


def _loose(text: str) -> str:
    return re.sub(r"(?:\\?\s)+", r"\\s+", re.escape(text))


@dataclass(frozen=True)
class Page:
    """A page and what is listed about it."""

    path: Path
    quotes: tuple[Quote, ...]
    exempt: tuple[str, ...]

    def text(self) -> str:
        """The page as it stands, with fenced blocks blanked out: tests of their own cover them."""
        return FENCED.sub(lambda block: " " * len(block[0]), self.path.read_text(encoding="utf-8"))

    def found(self) -> Iterator[tuple[Quote, re.Match | None]]:
        """Every quote with the one place where it stands; None where it stands nowhere or several times."""
        text = self.text()
        for quote in self.quotes:
            places = list(quote.pattern().finditer(text))
            yield quote, places[0] if len(places) == 1 else None

    def stale(self) -> list[tuple[tuple[int, int], str, str]]:
        """((start, end), number as it stands, as it should be), where these differ."""
        changes = {}
        for quote, place in self.found():
            if place:
                for index, value in enumerate(quote.values(), 1):
                    if place[index].split() != value.split():
                        changes[place.span(index)] = (place[index], value)
        return [(span, *both) for span, both in sorted(changes.items())]

    def covered(self) -> tuple[list[str], list[str], list[str]]:
        """The numbers with a decimal point that are quoted, exempt, and neither."""
        text = self.text()
        quoted = [place.span(i) for quote, place in self.found() if place for i in range(1, place.re.groups + 1)]
        exempt = [place.span() for part in self.exempt for place in exempt_pattern(part).finditer(text)]
        numbers: tuple[list[str], list[str], list[str]] = ([], [], [])
        for place in DECIMAL.finditer(text):
            inside = [any(start <= place.start() < end for start, end in spans) for spans in (quoted, exempt)]
            numbers[inside.index(True) if any(inside) else 2].append(place[0])
        return numbers


def exempt_pattern(text: str) -> re.Pattern:
    """Where an exempt text stands in a page, not as part of a longer number."""
    return re.compile(rf"(?<![\d.])(?<!\d,){_loose(text)}(?!\d|\.\d)")


def pages() -> list[Page]:
    """Every page with listed numbers."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        quotes = []
        for group in raw["quotes"]:
            source = group["folder"], group.get("table", "comparison")
            quotes += [Quote(text, *source) for text in group["texts"]]
        exempt = tuple(text for texts in raw.get("exempt", {}).values() for text in texts)
        found.append(Page(ROOT / raw["page"], tuple(quotes), exempt))
    return found


def rewrite(page: Page) -> list[str]:
    """Put the tables' numbers into the page; what was changed, one line each."""
    text, changes = page.path.read_text(encoding="utf-8"), page.stale()
    for (start, end), stood, value in reversed(changes):
        numbers = iter(re.findall(NUMBER, value))
        same_form = len(re.findall(NUMBER, stood)) == len(re.findall(NUMBER, value))
        fresh = re.sub(NUMBER, lambda _, numbers=numbers: next(numbers), stood) if same_form else value
        text = text[:start] + fresh + text[end:]
    page.path.write_text(text, encoding="utf-8")
    return [f"{' '.join(stood.split())} -> {value}" for _, stood, value in changes]


def rewrite_summary() -> None:
    """Put the table that `report` prints for the digits into the README."""
    readme, fresh = ROOT / "README.md", report.summary(comparison(read(REFERENCE / "digits")))
    text = readme.read_text(encoding="utf-8")
    block = re.compile(r"(<!-- summary.*?-->\n```\n).*?(\n```)", re.DOTALL)
    readme.write_text(block.sub(lambda found: found[1] + fresh + found[2], text), encoding="utf-8")


def main() -> int:
    """Rewrite all pages and print what changed; 1 where a quote does not stand in its page once."""
    rewrite_summary()
    lost = 0
    for page in pages():
        for line in rewrite(page):
            print(f"{page.path.name}: {line}")
        missing = [quote.text for quote, place in page.found() if place is None]
        lost += len(missing)
        for text in missing:
            print(f"{page.path.name}: not found exactly once: {text}")
        quoted, exempt, unlisted = page.covered()
        print(f"{page.path.name}: {len(quoted)} numbers quoted, {len(exempt)} exempt, {len(unlisted)} in no list")
        for number in unlisted:
            print(f"{page.path.name}: in no list: {number}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
