"""Mutations of bytes, of JSON values and of words, drawn from a generator."""

from __future__ import annotations

import json

import numpy as np

WORDS = [
    *["", "0", "-1", "1", "1e999", "nan", "inf", "-inf", "1.5", "999999999999999999999", "true", "None", "auto", "cpu"],
    *["~", "~/x", "~nobody-here/x", "../..", "/", "/dev/null", "/dev/zero", "/proc/self/mem", ".", "a/b", "-", "--"],
    *[
        "x" * 300,
        "x" * 100_000,
        "\x1b[2J\x1b]0;t\x07",
        "ü",
        "\u202e",
        "a\nb",
        "\udcff",
        "$x^$",
        "%s",
        "{}",
        "[1,",
        "[[[[",
    ],
    *["[" * 3000, "{a={a={a=1}}}", "'", '"', "digits", "smoke", "diffusion", "mnist", "tiny.toml", "mine.py", "cells"],
    *["seeds=2", "nfe=[1]", "nfe=[0]", "nfe=[1000000000]", "seeds=1000000", "variants.x={}", "datasets=[]", "a.b.c=1"],
]
VALUES = [
    *[
        None,
        True,
        False,
        0,
        -1,
        1.5,
        1e308,
        -1e308,
        10**30,
        "",
        "text",
        "9" * 5000,
        "\x1b[2J",
        "../../x",
        "/etc/passwd",
    ],
    *[
        [],
        {},
        [[]],
        [None],
        {"a": {"a": {}}},
        ["a"] * 1000,
        "a\u0000b",
        "$x^$",
        "=1+1",
        10**400,
        float("nan"),
        float("inf"),
    ],
]


def bytes_of(content: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one random damage."""
    kind, place = rng.integers(9), int(rng.integers(len(content) + 1))
    length = int(rng.integers(1, 200))
    if kind == 0:
        return content[:place]
    if kind == 1:
        return content[place:]
    if kind == 2:
        return content[:place] + content[place + length :]
    if kind == 3:
        return content[:place] + rng.bytes(length) + content[place:]
    if kind == 4:
        return content[:place] + bytes(length) + content[place + length :]
    if kind == 5:
        return [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5000, b'"\\ud800"'][rng.integers(8)]
    flipped = bytearray(content)
    for _ in range(1 if kind < 8 else 20):
        at = int(rng.integers(max(len(content), 1)))
        flipped[at : at + 1] = bytes([flipped[at] ^ (1 << int(rng.integers(8)))]) if flipped else b"x"
    return bytes(flipped)


def json_of(value: object, rng: np.random.Generator) -> str:
    """JSON text of the value with one random part of it replaced, removed, renamed or changed a little."""
    found = json.loads(json.dumps(value))
    parent, key = found, None
    while isinstance(parent, dict | list) and parent:
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        key = keys[rng.integers(len(keys))]
        if not isinstance(parent[key], dict | list) or not parent[key] or rng.random() < 0.15:
            break
        parent = parent[key]
    kind = rng.integers(5)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, dict):
        parent[f"{key}x"] = parent.pop(key)
    elif kind == 2 and isinstance(parent[key], int | float):
        parent[key] = parent[key] * float(rng.choice([-1, 0, 1.5, 1e12]))
    else:
        parent[key] = VALUES[rng.integers(len(VALUES))]
    return json.dumps(found)


def word(rng: np.random.Generator) -> str:
    """One of WORDS, or a few random characters."""
    if rng.random() < 0.9:
        return WORDS[rng.integers(len(WORDS))]
    return "".join(chr(code) for code in rng.integers(1, 0x2FF, size=int(rng.integers(1, 12))))
