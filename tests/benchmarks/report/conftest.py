"""What a report leaves out for tests that look at something else: most of its time is writing pages and figures."""

import pytest

from benchmarks.report import page
from benchmarks.report.figures import style


@pytest.fixture
def without_page(monkeypatch):
    """Reports of tables and figures alone."""
    monkeypatch.setattr(page, "write", lambda *_: [])


@pytest.fixture
def svg_alone(monkeypatch):
    """Figures in one format."""
    monkeypatch.setattr(style, "FORMATS", {"svg": style.FORMATS["svg"]})
