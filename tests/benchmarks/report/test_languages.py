"""Languages: every text and every display name has its translation, and lines break where the language allows it."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest

from benchmarks.plan import presets
from benchmarks.report import languages
from benchmarks.report.languages import wrapping
from tests import ROOT

TABLES = {name: tomllib.loads((languages.FOLDER / f"{name}.toml").read_text()) for name in languages.known()[1:]}


def said() -> set[str]:
    """Every text that the report says in the reader's language."""
    found = set()
    for path in (ROOT / "benchmarks" / "report").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                found |= {part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)}
    return found


@pytest.mark.parametrize("language", TABLES)
def test_every_text_is_translated_with_the_same_fields(language):
    texts = TABLES[language]["texts"]
    assert not said() - texts.keys()
    for text, translation in texts.items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", translation)), text


@pytest.mark.parametrize("language", TABLES)
def test_every_title_of_a_preset_is_translated_or_a_proper_name(language):
    titles = {variant.title for name in presets.names() for variant in presets.load(name).variants.values()}
    parts = {languages.NUMBER.sub("#", part) for title in titles - {None} for part in title.split(", ")}
    proper = {"MeanFlow", "ReLU", "Sigmoid", "Tanh", "GELU", "RBM", "walkback", "GAN", "VAE", "DBN", "Adam"}
    assert parts - TABLES[language]["names"].keys() == parts & proper


def test_every_variant_of_a_preset_has_a_title():
    plans = [presets.load(name) for name in presets.names()]
    untitled = [
        (plan.name, name)
        for plan in plans
        for name, variant in plan.variants.items()
        if not variant.title and not variant.only_start
    ]
    assert not untitled


def test_numbers_go_into_the_translation_of_a_name():
    name = "Diffusion, then 1/2/4/8-step chain, gradient through the last 2 steps, of nobody"
    with languages.speaking("zh"):
        assert languages.name(name) == "扩散模型\u00a0· 再训1/2/4/8步链\u00a0· 梯度只过最后2步\u00a0· of nobody"
    assert languages.name(name) == name


def test_no_word_is_left_alone_where_the_lines_can_be_equally_long():
    assert wrapping.wrap("Diffusion, then 4-step chain", 26) == ["Diffusion, then 4-step", "chain"]
    assert wrapping.balanced("Diffusion, then 4-step chain", 26) == ["Diffusion, then", "4-step chain"]
    assert wrapping.balanced("批归一化", 6) == ["批归", "一化"] and wrapping.balanced("one", 9) == ["one"]
    assert wrapping.balanced("unbreakable", 4) == ["unbreakable"]


def test_lines_break_at_spaces_and_between_chinese_characters_but_not_before_a_unit_or_a_stop():
    assert wrapping.wrap("at most 47 % of it", 10) == ["at most", "47\u00a0% of it"]
    assert wrapping.wrap("it is 4.7 ± 0.3 %", 12) == ["it is", "4.7\u00a0±\u00a00.3\u00a0%"]
    lines = wrapping.wrap("一次更新训练到的环节。全部点亮。", 8)
    assert lines == ["一次更新", "训练到的", "环节。全", "部点亮。"] and max(map(wrapping.width, lines)) == 8
