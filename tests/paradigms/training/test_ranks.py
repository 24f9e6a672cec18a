"""Two processes that train on halves of every batch and draw halves of the samples equal one that does all of it."""

import pytest

import paradigms
from benchmarks.execute import fork_server
from tests.paradigms.training import rank

# Options that take other paths through the losses, all with small networks.
SMALL = {"backbone": "mlp", "width": 16}
CODES = {"widths": [12, 8]}
VARIANTS = {
    "persistent chains, as many as a rank has rows": ("dbn", CODES | {"n_chains": 48}),
    "centred gradient": ("dbn", CODES | {"centred": True}),
    "up-down": ("dbn", CODES | {"shares": [0.2, 0.3, 0.3, 0.2], "chains": "data"}),
    "chains from noise": ("dbn", CODES | {"chains": "noise", "n_chains": 20, "climb": "means", "dropout": 0.5}),
    "walkback": ("sdae", CODES | {"corruption": "salt-and-pepper", "walkback_steps": 2, "dropout": 0.5}),
    "forward mode": ("meanflow", SMALL | {"derivative": "jvp", "tangent": "predicted", "velocity": "conditional"}),
    "tangents by hand": ("meanflow", SMALL | {"derivative": "stream", "conditional": True}),
    "uneven kinds of rows": ("meanflow", SMALL | {"interval_share": 0.45, "corner_share": 0.3, "batch_size": 30}),
    "uneven parts": ("shortcut", SMALL | {"batch_size": 30, "consistent_share": 0.3, "conditional": True}),
    "gradient caching": ("unrolled", SMALL | {"k": 2, "cached_rows": 10, "reach": 1, "reached": "drawn"}),
    "energy of features": ("unrolled", {"width": 8, "k": 1, "loss": "energy", "space": "features"}),
    "drift of classes": ("unrolled", SMALL | {"k": 2, "loss": "drifting", "conditional": True}),
    "one loss through blocks": ("blockwise", SMALL | {"training": "end-to-end", "n_blocks": 2}),
    "conditional players": ("gan", {"conditional": True, "judge_width": 4}),
}
REFUSED = {
    "batch normalisation": ("end_to_end", {"network": "mlp", "widths": [12], "normalised": True}),
    "batches of odd size": ("diffusion", SMALL | {"batch_size": 33}),
}


@pytest.fixture(scope="module")
def found(request, warm_server, tmp_path_factory):
    """What each of the two processes has found; the process group needs no port."""
    given = request.config.getoption("--paradigm") or paradigms.names()
    cases = {name: (name, {}) for name in given} | VARIANTS | REFUSED
    store = tmp_path_factory.mktemp("ranks") / "store"
    requests = [{"rank": number, "store": store, "cases": cases} for number in range(2)]
    return fork_server.ask_all(rank.__name__, requests, at_once=2, limit_seconds=1200)


def test_two_ranks_equal_one_process_in_losses_weights_and_images_or_are_refused(found):
    compared = {case: apart for one in found for case, apart in one.items() if "losses" in apart}
    assert not {case: apart for case, apart in compared.items() if max(apart.values()) > 1e-6}
    assert compared.keys() == {case for case, apart in found[0].items() if "refused" not in apart} >= VARIANTS.keys()


def test_every_paradigm_of_the_project_can_be_split(found):
    assert not [name for name in paradigms.names() if "refused" in found[0].get(name, {})]


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_split_is_refused_on_every_rank_in_one_line(found, case):
    for reason in (one[case]["refused"] for one in found):
        assert reason.startswith("devices = 2: ") and "stage" in reason and "\n" not in reason
