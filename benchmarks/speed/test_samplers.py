"""One batch of samples of every paradigm that samples, at 1 and 8 evaluations a sample."""

import pytest
import torch

N_SAMPLES = 64


@pytest.mark.parametrize("nfe", [1, 8])
def test_sample_batch(benchmark, paradigm, device, synchronised, nfe):
    sampler = paradigm.samplers[0]
    if not paradigm.can("sample") or not paradigm.allows(nfe, sampler):
        pytest.skip("does not sample so")
    generator = torch.Generator(device).manual_seed(0)

    @torch.no_grad()
    def draw():
        paradigm.sample(N_SAMPLES, nfe, generator, sampler)

    benchmark.extra_info.update(images=N_SAMPLES, nfe=nfe, sampler=sampler)
    benchmark.pedantic(synchronised(draw), rounds=10, warmup_rounds=2)
