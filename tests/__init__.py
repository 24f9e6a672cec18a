"""Tests mirror the two packages: tests/benchmarks/ROOM tests benchmarks/ROOM."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
