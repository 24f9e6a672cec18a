"""One whole training update of every stage of every paradigm, on a batch that is on the device."""

import torch

from benchmarks.clone import twin
from paradigms.base import Batch

N_PLANNED = 10_000  # updates of the schedule, of which only the first few are executed


def test_training_step(benchmark, paradigm, digits, synchronised):
    updates = []
    for index in range(len(paradigm.stages())):
        trained = twin(paradigm)  # one per stage, so that entering a stage is not timed
        stage = trained.stages()[index]
        trained.enter(stage, N_PLANNED)
        with torch.no_grad():
            stage.begin()
        batch = Batch(*(part[: stage.batch_size] for part in digits))
        updates.append((trained, batch, trained.configure_optimizers()))

    def every_stage():
        for trained, batch, optimizer in updates:
            trained.update_once(batch, optimizer)

    benchmark.extra_info["images"] = sum(len(batch.x) for _, batch, _ in updates)
    benchmark.extra_info["stages"] = [trained.stage.name for trained, _, _ in updates]
    benchmark.pedantic(synchronised(every_stage), rounds=10, warmup_rounds=2)
