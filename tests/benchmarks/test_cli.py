"""Every command: its output, its exit codes, and errors of the user in one line."""

import errno
import functools
import json
import os
from pathlib import Path

import pytest
import typer

import paradigms
from benchmarks import cli, commands, data, doctor
from benchmarks.errors import BadInput
from benchmarks.execute import folder, fork_server, preparation, session
from benchmarks.plan import grid, presets
from benchmarks.store import records
from tests.benchmarks.conftest import FAKE_WORKER


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Runs a command line in this process, with the torch-free worker; returns exit code, output, error lines."""
    monkeypatch.chdir(tmp_path)
    found = {"device": "cpu", "data_hashes": {"digits": "data"}, "extractors": {}, "unbuilt": []}
    monkeypatch.setattr(fork_server, "ask", lambda module, request, *_: found)
    monkeypatch.setattr(session, "execute", functools.partial(session.execute, worker=FAKE_WORKER))
    monkeypatch.setattr(session, "concluded", lambda folder, as_json, failures: f"the table of {folder}")

    def call(line):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(line.split())
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err.splitlines()

    return call


@pytest.fixture
def tiny(tmp_path):
    """The path of a preset with one variant that succeeds, and a function that adds a variant by its act."""
    text = (presets.FOLDER / "smoke.toml").read_text().split("[variants.")[0]

    def add(*acts):
        for act in acts:
            (tmp_path / "tiny.toml").open("a").write(
                f'[variants.{act.lower()}]\nparadigm = "diffusion"\noptions = {{ act = "{act}" }}\n'
            )
        return "tiny.toml"

    (tmp_path / "tiny.toml").write_text(text)
    return add


def test_a_run_executes_its_cells_prints_the_table_and_exits_0(command, tiny, tmp_path):
    code, out, errors = command(f"run {tiny('succeed')} --jobs 2")
    assert (code, out.strip()) == (0, "the table of results/tiny")
    assert len(list((tmp_path / "results/tiny/cells").glob("*.json"))) == 2
    assert "[1/2] done succeed.digits.s0" in "\n".join(errors)


def test_a_failed_cell_gives_exit_code_1_a_reason_and_the_table_all_the_same(command, tiny):
    code, out, errors = command(f"run {tiny('succeed', 'crash')} --results elsewhere")
    assert (code, out.strip()) == (1, "the table of elsewhere")
    assert any("RuntimeError: the worker fell over" in line and "log.txt" in line for line in errors)
    assert "2 of 4 cells are not done" in errors[-1]


def test_a_dry_run_prints_the_cells_and_starts_none(command, tiny, tmp_path):
    code, out, _ = command(f"run {tiny('crash')} --dry-run --seeds 2 --json")
    assert code == 0 and not (tmp_path / "results").exists()
    assert [(row["cell"][:16], row["state"]) for row in json.loads(out)][:2] == [
        ("crash.digits.s0.", "to run"),
        ("crash.digits.s1.", "to run"),
    ]


def test_options_change_the_preset(command, tiny):
    _, out, _ = command(f"run {tiny('a', 'b')} --dry-run --json --paradigm b --budget 0.5 --set nfe=[7]")
    (row, _) = json.loads(out)
    assert row["cell"].startswith("b.") and row["nfe"] == [7]
    assert row["training_flops"] == presets.load("tiny.toml").budget_flops.generation / 2


def test_list_names_everything_that_can_run(command):
    code, out, _ = command("list")
    assert code == 0
    for name in [*paradigms.names(), *data.names(), *presets.names()]:
        assert name in out
    listed = json.loads(command("list --json")[1])
    assert [fact["name"] for fact in listed["paradigms"]] == paradigms.names()
    assert listed["datasets"] == data.names() and set(listed["presets"]) == set(presets.names())


def test_list_takes_paradigm_files_too(command, tmp_path):
    (tmp_path / "mine.py").write_text('class Mine:\n    title = "My own"\n')
    assert "My own" in command("list --paradigm mine.py")[1]


def test_a_file_that_is_not_python_is_listed_with_its_error_beside_all_the_others(command, tmp_path):
    (tmp_path / "broken.py").write_text("class Broken(:\n")
    code, out, _ = command("list --paradigm broken.py")
    assert code == 0 and "broken.py: line 1: invalid syntax" in out
    assert all(name in out for name in paradigms.names())


BAD = [
    ("run digist", ["'digist'", "smoke", "did you mean 'digits'"]),
    ("run digits --paradigm difusion", ["difusion", "meanflow", "did you mean 'diffusion'"]),
    ("run digits --paradigm nowhere.py", ["nowhere.py", "no such file"]),
    ("run digits --set sedes=3", ["'sedes'", "did you mean 'seeds'"]),
    ("run digits --set datasets=['digit']", ["'digit'", "mnist", "did you mean 'digits'"]),
    ("run digits --set nfe=[0]", ["nfe[0] = 0", "greater than 0"]),
    ("run digits --set seeds=[]", ["seeds = []", "integer"]),
    ("run digits --seeds 0", ["seeds = 0", "greater than 0"]),
    ("run digits --seeds three", ["seeds = 'three'", "integer"]),
    ("run digits --budget 0", ["--budget 0", "greater than 0"]),
    ("run digits --jobs 0", ["--jobs 0", "greater than 0"]),
    ("run digits --device tpu", ["tpu", "auto", "cpu", "cuda"]),
    ("run digits --sedes 3", ["--sedes", "--seeds"]),
    ("run", ["preset"]),
    ("rn digits", ["rn"]),
    ("report nowhere", ["nowhere", "no such folder"]),
]


@pytest.mark.parametrize(("line", "said"), BAD, ids=[line for line, _ in BAD])
def test_bad_usage_is_one_line_on_standard_error_and_exit_code_2(command, line, said):
    code, out, errors = command(line)
    assert (code, out, len(errors)) == (2, "", 1)
    for part in said:
        assert part in errors[0]


def test_traceback_prints_where_an_error_was_raised_before_its_line(command):
    code, out, errors = command("report nowhere --traceback")
    assert (code, out) == (2, "") and errors[0].startswith("Traceback") and "BadInput" in errors[-2]
    assert errors[-1] == command("report nowhere")[2][0]


def test_help_names_every_command_and_the_traceback(command):
    code, out, errors = command("--help")
    assert (code, errors) == (0, []) and "--traceback" in out and out == command("")[1]
    for name in ("list", "run", "rescore", "glossary", "report", "doctor", "diagnose"):
        assert f"\n  {name} " in out


def test_a_command_is_one_new_file(tmp_path, monkeypatch):
    (tmp_path / "count.py").write_text("def command() -> None:\n    print(7)\n")
    (tmp_path / "part.py").write_text("")
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    found = commands.found()
    assert "count" in found and "run" in found and "part" not in found


def test_help_of_every_option_names_its_default():
    for name, sub in typer.main.get_command(cli.app).commands.items():
        for option in (parameter for parameter in sub.params if parameter.param_type_name == "option"):
            printed = option.default not in (None, False, [])  # as "[default: auto]"
            assert printed or "default: " in option.help, (name, option.name)


def test_bad_input_found_while_preparing_is_one_line_and_exit_code_2(command, tiny, monkeypatch):
    def ask(module, request, *_):
        raise BadInput("data file train.gz: truncated")

    monkeypatch.setattr(fork_server, "ask", ask)
    assert command(f"run {tiny('succeed')}") == (2, "", ["error: data file train.gz: truncated"])


def test_a_results_folder_that_is_a_file_is_one_line(command, tiny, tmp_path):
    preset = tiny("succeed")
    (tmp_path / "taken").write_text("")
    code, _, errors = command(f"run {preset} --results taken")
    assert code == 2 and len(errors) == 1 and "taken: File exists" in errors[0]
    code, _, errors = command(f"run {preset} --results taken/inside")
    assert code == 2 and len(errors) == 1 and "Not a directory" in errors[0]


@pytest.mark.parametrize("results", ["taken", "taken/inside"])
def test_a_results_folder_is_refused_before_anything_is_prepared(command, tiny, tmp_path, monkeypatch, results):
    (tmp_path / "taken").write_text("")
    monkeypatch.setattr(preparation, "prepare", lambda *_, **__: pytest.fail("prepares"))
    code, _, errors = command(f"run {tiny('succeed')} --results {results}")
    assert code == 2 and len(errors) == 1 and f"results folder {results}: " in errors[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_results_folder_that_is_read_only_is_one_line(command, tiny, tmp_path):
    (tmp_path / "fixed").mkdir(mode=0o555)
    code, _, errors = command(f"run {tiny('succeed')} --results fixed")
    assert code == 2 and len(errors) == 1 and "fixed: Permission denied" in errors[0]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_results_folder_that_cannot_be_written_is_one_line(command, tiny, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(folder, "_try_writing", refuse)
    code, _, errors = command(f"run {tiny('succeed')}")
    assert code == 2 and len(errors) == 1 and f"results/tiny: {os.strerror(number)}" in errors[0]


def test_a_disk_that_fills_up_ends_the_run_in_one_line_and_keeps_finished_cells(command, tiny, monkeypatch):
    preset = tiny("succeed", "crash")

    def refuse(path, record):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(records, "write", refuse)
    code, _, errors = command(f"run {preset} --jobs 1")
    assert code == 2 and "results/tiny: No space left on device" in errors[-1]
    cells = grid.cells(presets.load(preset), grid.Machine("cpu", {"digits": "data"}, {}))
    assert records.done(Path("results/tiny"), cells[0])


def test_an_interruption_prints_the_command_that_resumes(command, tiny, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "execute", interrupt)
    code, _, errors = command(f"run {tiny('succeed')} --seeds 2")
    assert code == 130 and errors[-1].endswith("python -m benchmarks run tiny.toml --seeds 2")


def test_doctor_prints_the_cells_of_each_preset(command):
    code, out, _ = command("doctor --json")
    found = json.loads(out)
    assert code == 0 and found["problems"] == [] and found["device"] in ("cpu", "cuda")
    smoke = presets.load("smoke")
    assert found["presets"]["smoke"]["quality_cells"] == len(smoke.variants) * smoke.seeds


def test_doctor_prints_every_problem_and_exits_1(command, tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "TORCH_SCRIPT", "raise ImportError('no libcuda')")
    (tmp_path / "file").write_text("")
    code, out, _ = command("doctor --data-dir file")
    assert code == 1 and "file: is a file" in out and "torch does not import: ImportError: no libcuda" in out
