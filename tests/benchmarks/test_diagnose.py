"""`diagnose` on a cell that a run has left, its errors on bad input, and the figures of reach and mismatch."""

import copy
import json
import shutil
import warnings

import pytest
import torch
from threadpoolctl import threadpool_info

import paradigms
from benchmarks import cli, data
from benchmarks.budget import CHARGED
from benchmarks.diagnose import where_lost
from benchmarks.plan import fingerprint
from benchmarks.plan.cell import Cell
from benchmarks.report.figures import mismatch, quality_vs_reach, reach, style
from benchmarks.report.frames import read
from benchmarks.store import records
from benchmarks.train.warm_start import start_from
from benchmarks.worker import open_job, train_and_score
from paradigms import source
from tests.benchmarks.fake_run import write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A results folder with one tiny cell of the unrolled chain, and the path of its record."""
    folder = tmp_path_factory.mktemp("results")
    cell = Cell(
        kind="quality", preset="tiny", variant="unrolled-k2", paradigm="unrolled", title=None, dataset="digits",
        options={"k": 2, "backbone": "mlp", "width": 32}, repetition=0, seed=1, device="cpu", threads=1, nfe=[1, 2, 4],
        samplers=[], n_samples=64, budget_flops=6.2e8, curve_points=1, curve_nfe=[2], sample_batch=64,
        timing_seconds=0.1, limit_seconds=300, data_hash=data.load("digits").hash, cost_code="",
        train_code=fingerprint.train_code(source("unrolled")), score_code="", extractor_hashes=[None, None],
    )  # fmt: skip
    job = open_job(cell, folder, {})
    job.work_dir.mkdir(parents=True)
    record = records.opening(cell, "done") | train_and_score(job, lambda *_: None)
    path = records.path_of(folder, cell)
    records.write(path, record | {"provenance": {}})
    return folder, path


def test_a_record_says_what_was_charged_and_its_flops_include_what_observe_executed(run):
    training, cell = records.read(run[1])["training"], cell_of(run[1])
    (stage,) = training["stages"]
    assert training["charged"] == CHARGED and stage["flops_once"] > 6e8
    assert training["flops"] == stage["flops"] == stage["flops_once"] + stage["updates"] * stage["flops_per_update"]
    assert abs(training["flops"] - 6.2e8) < stage["flops_per_update"]
    descendant = open_job(cell, run[0], {}).build()
    assert start_from(descendant, run[0], cell.trained_stem)["flops"] == training["flops"]


def test_a_cell_computes_as_its_setting_compute_says(run):
    folder, record = run
    cell = cell_of(record)
    plain, fast = (
        open_job(cell.model_copy(update={"compute": compute}), folder, {}).build() for compute in ([], ["bfloat16"])
    )
    x, t = torch.randn(4, 1, 8, 8), torch.rand(4)
    for paradigm in (plain, fast):
        torch.nn.init.normal_(paradigm.net.leave.weight, generator=torch.Generator().manual_seed(0))
    difference = (plain.net(x, t, t) - fast.net(x, t, t)).abs().max()
    assert 0 < difference < 0.05 * plain.net(x, t, t).abs().max()


def command(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(["diagnose", *map(str, arguments)])
    said = capsys.readouterr()
    return ended.value.code or 0, said.out, said.err.splitlines()


def cell_of(record):
    return Cell.of_record(json.loads(record.read_text()))


def test_a_cell_computes_on_its_own_number_of_threads(run):
    folder, record = run
    cell = cell_of(record)
    for threads in (2, 1):
        open_job(cell.model_copy(update={"threads": threads}), folder, {})
        blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
        assert torch.get_num_threads() == threads and blas and set(blas) == {threads}


def test_a_cell_is_scored_again_to_the_same_numbers_from_its_record(run, capsys):
    _, record = run
    kept = json.loads(record.read_text())["quality"]
    code, out, _ = command(capsys, record, "--json", "--device", "cpu")
    found = json.loads(out)
    assert code == 0 and found["code_changed"] is False
    for entry in (*found["quality"]["samples"], *kept["samples"]):
        entry.pop("seconds", None)
    assert all(found["quality"][part] == kept[part] for part in ("reach", "mismatch", "samples"))
    assert found["quality"]["reach"]["on_policy_reach"] == 1 and len(found["quality"]["mismatch"]["steps"]) == 3


def test_it_prints_tables_and_where_quality_is_lost(run, capsys):
    code, out, _ = command(capsys, run[1], "--device", "cpu")
    assert code == 0
    for part in (
        "quality of samples",
        "reach, per stage",
        "unrolled",
        "mismatch along the chain of 2",
        "where quality",
    ):
        assert part in out


def bad_inputs(folder, record):
    """Paths that cannot be diagnosed, and what the error must say."""
    cells, weights = record.parent, next((folder / "trained").iterdir()) / "end.safetensors"
    other = records.read(record)

    def put(name, change):
        changed = copy.deepcopy(other)
        change(changed)
        records.write(cells / f"{name}.json", changed)
        return cells / f"{name}.json"

    yield folder / "nowhere.json", "No such file"
    yield weights, "is no record"
    (cells / "broken.json").write_text("{")
    yield cells / "broken.json", "broken.json"
    yield put("failed", lambda r: r.update(status="failed")), "a quality cell with status 'failed'"
    yield put("timing", lambda r: (r.update(kind="timing"), r["cell"].update(kind="timing"))), "a timing cell"
    yield put("old", lambda r: r["cell"].pop("threads")), "'threads'"
    yield put("wider", lambda r: r["cell"]["options"].update(width=64)), "do not fit Unrolled"
    yield put("other", lambda r: r["cell"].update(data_hash="0" * 64)), "not the data"
    yield put("nowhere", lambda r: r.update(trained="elsewhere")), "trained/elsewhere/training.json"
    weights.write_bytes(weights.read_bytes() + b" ")
    yield record, "changed since training"
    weights.unlink()
    yield record, "end.safetensors: No such file"


def test_bad_input_is_one_line_and_exit_code_2(run, capsys, tmp_path):
    shutil.copytree(run[0], tmp_path / "copy")
    for path, said in bad_inputs(tmp_path / "copy", tmp_path / "copy" / "cells" / run[1].name):
        code, out, errors = command(capsys, path, "--device", "cpu")
        assert (code, out, len(errors)) == (2, "", 1), path
        assert said in errors[0], errors


def step(number, cumulative, modular):
    return {"step": number, "cumulative_error": cumulative, "modular_error": modular, "floor": 0.01}


def test_where_quality_is_lost_names_the_links_with_the_largest_single_and_cumulative_error():
    steps = [step(0, 0.0, None), step(1, 0.1, 0.1), step(2, 0.9, 0.3), step(3, 1.0, 0.1)]
    said = "\n".join(where_lost({"mismatch": {"steps": steps, "amplification": 4.0, "start": {"from_noise": False}}}))
    assert "link 2 of 3 has the largest error: 0.3 (60 %" in said and "most at link 2" in said
    assert "4 times" in said and "WARNING" in said


@pytest.mark.parametrize("figure", [reach, mismatch, quality_vs_reach])
def test_the_figures_draw_a_real_cell_and_skip_folders_without_the_fields(run, tmp_path, figure):
    with style.context():
        fig = figure.draw(read(run[0]))
        fig.draw_without_rendering()
    texts = [text.get_text() for ax in fig.axes for text in ax.texts]
    labels = texts + [text.get_text() for found in fig.legends for text in found.get_texts()]
    title = paradigms.load("unrolled").title
    assert any(title in " ".join(label.split()) for label in labels)
    write_run(tmp_path, ["diffusion"], n_seeds=1, npz=False)
    for path in (tmp_path / "cells").glob("*.json"):
        record = records.read(path)
        for part in ("reach", "mismatch"):
            (record.get("quality") or {}).pop(part, None)
        records.write(path, record)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert figure.draw(read(tmp_path)) is None


def test_the_picture_of_reach_has_a_disc_an_evaluation_and_a_ring_where_it_is_on_policy(run):
    with style.context():
        fig = reach.draw(read(run[0]))
    rings = [points for points in fig.axes[0].collections if points.get_linewidths()[0] == 2]
    assert len(fig.axes[0].collections) == 2 * 3 + 2 and len(rings) == 2
