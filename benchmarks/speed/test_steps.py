"""One training update of every stage of every paradigm: zero, loss, backward, clip, step, at a pre-staged batch."""

import torch

from paradigms.base import Batch


def test_training_step(benchmark, paradigm, digits, synchronised):
    x, label = digits
    updates = []
    for stage in paradigm.stages():
        with torch.no_grad():
            stage.begin()
        rows = slice(0, min(stage.batch_size, len(x)))
        updates.append((stage, stage.optimizer(list(stage.parameters)), Batch(x[rows], label[rows])))

    def every_stage():
        for stage, optimizer, batch in updates:
            paradigm.enter(stage, 1)
            optimizer.zero_grad(set_to_none=True)
            stage.loss(batch).backward()
            if stage.clip_norm:
                torch.nn.utils.clip_grad_norm_(stage.parameters, stage.clip_norm)
            optimizer.step()

    benchmark.extra_info["images"] = sum(len(batch.x) for _, _, batch in updates)
    benchmark.extra_info["stages"] = [stage.name for stage, _, _ in updates]
    benchmark.pedantic(synchronised(every_stage), rounds=10, warmup_rounds=2)
