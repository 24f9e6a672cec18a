"""What equal FLOPs leave out: the share of an update's seconds in operations that no budget charges.

Printed for the first stage of every generator at its defaults, and for those with the small generator.
"""

import pytest
import torch

import paradigms
from benchmarks.speed.uncharged import shares
from paradigms.base import Batch

GENERATORS = {
    **{name: (name, {}) for name in paradigms.names() if paradigms.facts(name)["task"] == "generation"},
    "meanflow, width 8": ("meanflow", {"width": 8}),
    "gan, shared U-Net": ("gan", {"backbone": "unet"}),
    "unrolled, k = 1": ("unrolled", {"k": 1}),
    "unrolled, small generator": ("unrolled", {"k": 1, "backbone": "code"}),
    "drifting, small generator": ("drifting", {"backbone": "code", "scales": [0.05, 0.2]}),
}


@pytest.mark.parametrize("row", GENERATORS)
def test_uncharged_seconds(printed, digits, device, row):
    if device.type != "cpu":
        pytest.skip("kernels of a GPU are not nested in the operations that launch them")
    name, options = GENERATORS[row]
    torch.manual_seed(0)
    paradigm = paradigms.load(name)((1, 8, 8), 10, **options)
    with torch.no_grad():
        paradigm.observe(*digits)
        stage = paradigm.stages()[0]
        paradigm.enter(stage, 10_000)
        stage.begin()
    batch, optimizer = Batch(*(part[: stage.batch_size] for part in digits)), paradigm.configure_optimizers()
    for kind, share in shares(lambda: paradigm.update_once(batch, optimizer), len(digits[0])).items():
        printed(kind, share)
