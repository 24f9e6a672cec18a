"""The depth study's table and figure, from invented records."""

import math

import pytest

from benchmarks.report import figures
from benchmarks.report.figures import depth as figure
from benchmarks.report.figures import depth_gradients, style
from benchmarks.report.frames import read
from benchmarks.report.frames.depth import depth
from benchmarks.report.tables import depth as table_file
from tests.benchmarks import fake_run

SERIES = {"sigmoid, standard start": 0.2, "ReLU, He start": 1.0}  # and how much of the gradient each layer passes on


def record(series: str, n_hidden: int, repetition: int, error: float) -> dict:
    name = f"{series.split(',')[0].lower()}-{n_hidden}"
    made = fake_run.quality(name, repetition, npz=False)
    made["cell"] |= {"series": series, "task": "recognition", "title": series}
    norms = [SERIES[series] ** (n_hidden - index) for index in range(n_hidden)]
    layers = [{"layer": f"layers.{i}", "gradient_norm": norm, "saturated": 0.1 * i} for i, norm in enumerate(norms)]
    layers.append({"layer": "softmax", "gradient_norm": 1.0, "saturated": None})
    made["quality"] |= {"accuracy": 1 - error, "signals": [{"moment": m, "layers": layers} for m in ("start", "end")]}
    return made


@pytest.fixture
def frames(tmp_path):
    for series in SERIES:
        for n_hidden in (1, 3, 5):
            for repetition, error in enumerate((0.02, 0.04)):
                fake_run.write(tmp_path, record(series, n_hidden, repetition, error * n_hidden))
    return read(tmp_path)


def test_the_table_has_mean_spread_and_worst_over_seeds_and_the_ratio_of_gradient_norms(frames):
    table = depth(frames).set_index(["series", "n_hidden_layers"])
    row = table.loc[("sigmoid, standard start", 5)]
    assert row.n_seeds == 2 and row.error == pytest.approx(0.15)
    assert row.error_sd == pytest.approx(0.1 / math.sqrt(2)) and row.error_worst == pytest.approx(0.2)
    assert row.gradient_ratio == pytest.approx(0.2**4) and row.saturated == pytest.approx(0.4)
    assert table.loc[("ReLU, He start", 5)].gradient_ratio == pytest.approx(1.0)
    errors, layers = table_file.sheets(frames, depth(frames))
    assert list(errors.body.columns) == ["series", "1 layers", "3 layers", "5 layers"]
    assert len(layers.body) == 2


def test_the_figures_show_every_series_and_say_the_extremes(frames):
    with style.context():
        errors, gradients = (module.draw(frames.of("digits")) for module in (figure, depth_gradients))
    assert [len(fig.axes[0].lines) for fig in (errors, gradients)] == [2, 2]
    said = [" ".join(fig.get_suptitle().split()) for fig in (errors, gradients)]
    assert said[0].startswith("With 5 hidden layers the test error is 15.00 % for ")
    assert said[1].endswith("sigmoid, standard start 0.00160; ReLU, He start 1.00")
    fallen = min(gradients.axes[0].lines, key=lambda line: min(line.get_ydata()))
    assert list(fallen.get_ydata()) == pytest.approx([0.2**4, 0.2**3, 0.2**2, 0.2, 1.0])


def test_there_is_no_figure_of_one_depth(tmp_path):
    fake_run.write(tmp_path, record("ReLU, He start", 3, 0, 0.1))
    assert figure.draw(read(tmp_path)) is None


def test_other_figures_leave_the_points_of_a_series_out(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "names", lambda: ["depth", "training_curves"])
    for n_hidden in (1, 3):
        fake_run.write(tmp_path, record("ReLU, He start", n_hidden, 0, 0.1))
    fake_run.write_run(tmp_path, ("dbn",), n_seeds=1, npz=False)
    frames = read(tmp_path)
    assert set(frames.without_series().cells.variant) == {"dbn"}
    figures.write(frames, tmp_path / "figures")
    drawn = (tmp_path / "figures" / "training_curves.svg").read_text()
    assert "<!-- Deep belief network (greedy RBMs) -->" in drawn and "<!-- ReLU, He start (relu-1) -->" not in drawn
    assert "Not in this figure, but in the tables: relu-1, relu-3." in drawn.replace("\n", " ")
    assert (tmp_path / "figures" / "depth.png").is_file()
