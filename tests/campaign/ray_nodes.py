"""A Ray cluster on this machine whose nodes can be killed."""

from __future__ import annotations

import os
from contextlib import suppress
from types import TracebackType

NODES, ATTEMPTS = 2, 3
STORE_BYTES = 80 << 20


class RayNodes:
    """A cluster of a head, which runs no cells, and two nodes of one core each; inside, RAY_ADDRESS names it."""

    def __enter__(self) -> RayNodes:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.nodes: list[object] = []
        self.restore()
        os.environ["RAY_ADDRESS"] = self.cluster.address
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.environ.pop("RAY_ADDRESS", None)
        self.cluster.shutdown()

    def kill(self, index: int = 0) -> None:
        """Kill a node with everything that it runs; index: of the node."""
        self.cluster.remove_node(self.nodes.pop(index), allow_graceful=False)

    def restore(self) -> None:
        """Start nodes in place of those that were killed."""
        self.nodes += [self._added() for _ in range(NODES - len(self.nodes))]

    def _added(self) -> object:
        for _ in range(ATTEMPTS - 1):
            with suppress(Exception):  # Ray raises a bare one where a node takes long to start, as on a busy machine
                return self.cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
        return self.cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
