"""Declarations of the columns that say what a row is about and how its cells ended."""

from __future__ import annotations

from benchmarks.columns import Column

TITLE = "What a row is"
COLUMNS = [
    Column(
        "paradigm",
        unit="name",
        direction=None,
        meaning="File of the paradigm, such as `unrolled` for `paradigms/unrolled.py`.",
        formula="none",
        source="settings of the cell",
        misleads="Several variants share a paradigm. They differ in options and may differ as much as two "
        "paradigms do.",
        style="text",
        code="benchmarks/plan/",
    ),
    Column(
        "title",
        unit="words",
        direction=None,
        meaning="The variant in words, its era (a historical label), and its task, `recognition` or `generation`, "
        "which decides its training budget.",
        formula="none",
        source="class attributes of the paradigm; the preset may override the title",
        misleads="The era is a label. How a variant is trained is measured by `reach`, not asserted here.",
        style="text",
        also=("era", "task"),
        code="benchmarks/store/",
    ),
    Column(
        "dataset",
        unit="name",
        direction=None,
        meaning="The data set, variant and sampler of the row. A recogniser has no sampler.",
        formula="none",
        source="preset",
        misleads="Samplers of one variant share its trained weights, so their rows are not independent.",
        style="text",
        also=("variant", "sampler"),
        code="benchmarks/plan/",
    ),
    Column(
        "nfe",
        unit="evaluations per sample",
        direction=None,
        meaning="Number of function evaluations: passes through the inference link per sample. The link is a "
        "network forward pass, a Gibbs sweep of the top RBM, or one pass of corruption, encoding and "
        "decoding.",
        formula="batch rows that enter the link, counted by a forward hook while sampling / number of samples",
        source="counted",
        misleads="Evaluations of different links do not cost the same (a Gibbs sweep is no U-Net pass). Read it "
        "beside `flops_per_sample` and `sample_ms_per_image`.",
        head="NFE",
        style="count",
        code="benchmarks/score/nfe.py",
    ),
    Column(
        "n_seeds",
        unit="count",
        direction=None,
        meaning="Number of training seeds that the means and intervals are taken over.",
        formula="quality cells with status done",
        source="records. The seed follows from base seed, data set and repetition, not from the paradigm, so the "
        "runs of one seed share the order of training images, the noise that samples start from, and the initial "
        "weights where networks are built alike. They share batches only where batch sizes are equal, and the noise of "
        "training only where stages have the same name and draw alike",
        misleads="Failed seeds are not included; `status` reports them. With one seed there is no interval.",
        head="seeds",
        style="count",
    ),
    Column(
        "n_launches",
        unit="count",
        direction=None,
        meaning="Number of timing cells that times and memory are averaged over. Each is a process of its own.",
        formula="timing cells with status done",
        source="records",
        misleads="Launches on one computer share its condition, such as its temperature and other users.",
        style="count",
    ),
    Column(
        "status",
        unit="words",
        direction=None,
        meaning="How the cells of the variant ended, and the reason if they failed or if its seeds were run with "
        "different settings.",
        formula="none",
        source="records; a cell that fails writes one, too",
        misleads="`done` means that a cell ended with numbers, not that training converged.",
        head="status",
        style="text",
        also=("reason",),
    ),
]
