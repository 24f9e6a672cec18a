"""A record carries a checksum of itself, so that a number that was changed after it was written is noticed.

It guards against accidents, such as a bad disk or an edit by mistake. Whoever changes a record on purpose can write the
checksum anew. Records of earlier versions carry none.
"""

from __future__ import annotations

import hashlib
import json

FIELD = "checksum"


def seal(record: dict) -> dict:
    """The record as it comes back from JSON, with its checksum as the last field.

    record: values that JSON has names for.

    Raises ValueError for NaN and infinities, and TypeError for what JSON cannot hold.
    """
    plain = json.loads(json.dumps(record, allow_nan=False))
    return plain | {FIELD: _checksum(plain)}


def broken(record: dict) -> bool:
    """Whether a record that was read has another content than the one that its checksum was computed of.

    Raises ValueError where its text is no Unicode, or a number in it is NaN or infinite.
    """
    return (_checksum(record) != record[FIELD]) if FIELD in record else False


def _checksum(record: dict) -> str:
    content = {name: value for name, value in record.items() if name != FIELD}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
