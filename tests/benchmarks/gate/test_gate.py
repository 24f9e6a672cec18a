"""The command `gate`: exit codes, pages, and what it refuses; the measurements are made up."""

import json
from xml.etree import ElementTree

import pytest

from benchmarks.gate import launch
from tests.benchmarks.gate.conftest import HEAVIER, LIGHTER, RELABELLED, git, measured

EXACT = "--only identity,counters"


def gate_json(folder):
    return json.loads((folder / "results/gate/gate.json").read_text())


def test_an_equal_tree_passes_and_says_so_in_three_files(blessed, repository):
    code, out, _ = blessed(f"gate tiny.toml {EXACT}")
    assert code == 0 and out.startswith("# Gate of tiny.toml: pass\n\nNothing differs in 2 variants.")
    assert (repository / "results/gate/gate.md").read_text() == out.removesuffix("\n")
    assert gate_json(repository)["exit_code"] == 0
    suite = ElementTree.parse(repository / "results/gate/junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("6", "0")  # a peak that does not repeat is skipped


def test_a_larger_counter_is_a_regression(blessed, trees, repository):
    trees["head"] = {"a": measured(), "b": HEAVIER}
    code, out, _ = blessed(f"gate tiny.toml {EXACT}")
    assert code == 1 and "REGRESSION" in out.splitlines()[0]
    assert "**b**: parameters 10 → 11 (+10 %: larger)." in out.splitlines()[2]
    suite = ElementTree.parse(repository / "results/gate/junit.xml").getroot()
    assert "10 -> 11" in suite.find("testcase/failure").get("message")


def test_a_smaller_counter_asks_for_a_blessing(blessed, trees):
    trees["head"] = {"a": measured(), "b": LIGHTER}
    code, out, _ = blessed(f"gate tiny.toml {EXACT}")
    assert code == 3 and "a blessing adopts it" in out and "bless counters tiny.toml" in out


def test_another_trace_is_inconclusive_with_its_cause_where_quality_does_not_run(blessed, trees, repository):
    trees["head"] = {"a": measured(), "b": RELABELLED}
    code, out, _ = blessed(f"gate tiny.toml {EXACT}")
    assert code == 3 and out.splitlines()[2].startswith("**b**: the training labels differ")
    suite = ElementTree.parse(repository / "results/gate/junit.xml").getroot()
    assert "training labels" in suite.find("testcase/skipped").get("message")


def test_changed_options_of_a_preset_are_named_beside_what_they_change(blessed, trees):
    wider = {"options": {"width": 32}, "paradigm": "diffusion"}
    trees["head"] = {"a": measured(), "b": measured(identity__settings=wider, counters__parameters=11)}
    code, out, _ = blessed(f"gate tiny.toml {EXACT}")
    assert code == 1 and out.splitlines()[2].startswith("**b**: the preset changed: setting 'options' differs.")
    assert out.splitlines()[2].endswith("**b**: parameters 10 → 11 (+10 %: larger).")


def test_a_variant_that_fails_is_a_regression_beside_others(blessed, trees):
    trees["head"] = {"a": measured(), "b": {"failed": "NonFinite: loss is nan"}}
    code, out, _ = blessed(f"gate tiny.toml {EXACT}")
    assert code == 1 and "NonFinite: loss is nan" in out.splitlines()[2]


@pytest.mark.parametrize(
    "head",
    [{"a": {"failed": "no"}, "b": {"failed": "no"}}, launch.Unmeasured("SyntaxError: invalid syntax (log: x)")],
    ids=["every variant fails", "head does not import"],
)
def test_nothing_measured_is_exit_code_4(blessed, trees, head):
    trees["head"] = head
    code, out, _ = blessed(f"gate tiny.toml {EXACT}")
    assert code == 4 and "NOTHING WAS MEASURED" in out.splitlines()[0]


def test_a_vanished_variant_asks_for_a_decision_and_a_new_one_passes(blessed, trees):
    trees["head"] = {"a": measured(), "c": measured()}
    code, out, _ = blessed(f"gate tiny.toml {EXACT}")
    assert code == 3 and "a blessing drops it" in out and "a blessing adds it" in out


def test_a_base_revision_is_measured_in_a_worktree_that_is_removed(command, trees, repository):
    trees["head"], trees["base"] = {"a": HEAVIER}, {"a": measured()}
    code, out, _ = command(f"gate tiny.toml {EXACT} --base HEAD")
    assert code == 1 and f"HEAD ({git(repository, 'rev-parse', 'HEAD')[:12]})" in out and "--base HEAD" in out
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_a_base_that_does_not_run_is_one_line_and_exit_code_2(command, trees):
    trees["head"], trees["base"] = {"a": measured()}, launch.Unmeasured("ImportError: no torch")
    code, out, errors = command(f"gate tiny.toml {EXACT} --base HEAD")
    assert (code, out, len(errors)) == (2, "", 1) and "ImportError: no torch; choose a base that runs" in errors[0]


BAD = [
    ("gate tiny.toml", ["none yet", "bless counters tiny.toml --reason"]),
    ("gate tiny.toml --base nowhere", ["nowhere", "no such revision"]),
    ("gate tiny.toml --only identty", ["identty", "did you mean 'identity'"]),
    ("gate tiny.toml --only ,", ["no stage"]),
    ("gate tiny.toml --seeds-max 0", ["--seeds-max 0", "greater than 0"]),
    ("gate tiny.toml --speed fast", ["fast", "report", "enforce"]),
    ("gate digist", ["digist", "did you mean 'digits'"]),
    ("gate tiny.toml --paradigm c", ["'tiny'", "no such variant"]),
    ("bless counters tiny.toml", ["--reason", "empty"]),
    ("bless counter tiny.toml --reason x", ["'counter'", "did you mean 'counters'"]),
]


@pytest.mark.parametrize(("line", "said"), BAD, ids=[line for line, _ in BAD])
def test_bad_usage_is_one_line_and_exit_code_2(command, line, said):
    code, out, errors = command(line)
    assert (code, out, len(errors)) == (2, "", 1)
    for part in said:
        assert part in errors[0]


def test_a_baseline_of_another_schema_is_one_line_that_says_how_to_bless(blessed, repository):
    path = repository / "results/baseline/tiny/identity.json"
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 0'))
    code, _, errors = blessed("gate tiny.toml")
    assert code == 2 and "schema 0" in errors[0] and "bless counters tiny --reason" in errors[0]


def of_another_machine(repository, **changes):
    for name in ("identity", "counters"):
        path = repository / f"results/baseline/tiny/{name}.json"
        content = json.loads(path.read_text())
        content["machine"]["cpu"] = "another CPU"
        path.write_text(json.dumps(content | changes))


def test_a_baseline_of_another_machine_is_measured_again_here(blessed, trees, repository):
    of_another_machine(repository)
    trees["base"] = trees["head"]
    code, out, _ = blessed(f"gate tiny.toml {EXACT}")
    assert code == 0 and "measured again on this machine" in out and "All 2 variants are equal to the bit" in out


def test_without_the_blessed_commit_identity_is_not_comparable_and_portable_counters_are(blessed, trees, repository):
    of_another_machine(repository, commit="0" * 40)
    code, out, _ = blessed(f"gate tiny.toml {EXACT}")
    assert code == 0 and "cpu another CPU there" in out and "4 are equal" in out
    trees["head"]["a"] = HEAVIER
    assert blessed(f"gate tiny.toml {EXACT}")[0] == 1
    assert blessed("gate tiny.toml --only identity")[0] == 4


def test_the_page_is_appended_to_the_summary_of_a_github_job(blessed, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("before\n")
    blessed(f"gate tiny.toml {EXACT}")
    assert (tmp_path / "summary.md").read_text().startswith("before\n# Gate of tiny.toml: pass")


def test_json_is_what_is_written(blessed, repository):
    _, out, _ = blessed(f"gate tiny.toml {EXACT} --json")
    assert json.loads(out) == gate_json(repository)
