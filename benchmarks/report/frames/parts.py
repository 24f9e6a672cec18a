"""Optional parts of a record: what is absent or null reads as empty."""

from __future__ import annotations


def part(whole: object, name: str) -> dict:
    """The mapping `name` in `whole`; an empty one where it or `whole` itself is absent or null."""
    found = whole.get(name) if isinstance(whole, dict) else None
    return found if isinstance(found, dict) else {}


def listed(values: object) -> list[dict]:
    """The mappings in a list; none where it is absent or null."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
