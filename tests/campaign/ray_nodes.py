"""A Ray cluster on this machine whose nodes can be killed."""

from __future__ import annotations

import os
from types import TracebackType

NODES = 2
STORE_BYTES = 80 << 20


class RayNodes:
    """A cluster of a head, which runs no cells, and two nodes of one core each; inside, RAY_ADDRESS names it."""

    def __enter__(self) -> RayNodes:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.nodes = [self.cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES) for _ in range(NODES)]
        os.environ["RAY_ADDRESS"] = self.cluster.address
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.environ.pop("RAY_ADDRESS", None)
        self.cluster.shutdown()

    def kill(self, index: int = 0) -> None:
        """Kill a node with everything that it runs; index: of the node."""
        self.cluster.remove_node(self.nodes[index], allow_graceful=False)
