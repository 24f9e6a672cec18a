"""Fonts with the letters of a language, among those that are installed."""

from __future__ import annotations

from matplotlib import font_manager

# Families with the forms of mainland China; Japanese faces of the same fonts draw some characters otherwise.
FAMILIES = {
    "zh": (
        *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Zen Hei"),
        *("WenQuanYi Micro Hei", "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB", "SimHei"),
    )
}
ON_SLIDES = {"zh": "Microsoft YaHei"}  # of slides, which the presenter's computer draws


def installed(language: str) -> str | None:
    """The first installed family for a language; None where the usual font has its letters, or no family is found."""
    wanted = FAMILIES.get(language, ())
    known = set(font_manager.get_font_names())
    found = next((family for family in wanted if family in known), None)
    if wanted and not found:  # installed since matplotlib made its list of fonts
        for path in font_manager.findSystemFonts():
            if path not in {font.fname for font in font_manager.fontManager.ttflist}:
                font_manager.fontManager.addfont(path)
        known = set(font_manager.get_font_names())
        found = next((family for family in wanted if family in known), None)
    return found
