"""Source patches: faults that the gate must not pass."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Planted:
    """One patch.

    name: what it does.
    file: below the root.
    old, new: a text that occurs once in the file, and what replaces it.
    stage: the stage meant to see it; "none" for a change that leaves every number equal.
    variants: those of `digits` that it changes.
    improvement: whether it is one, or a refactoring.
    """

    name: str
    file: str
    old: str
    new: str
    stage: str
    variants: tuple[str, ...] = ("diffusion",)
    improvement: bool = False


SOLVER, FLOW = "paradigms/training/solver.py", "paradigms/parts/flow/flow.py"
SAMPLERS, UNET = "paradigms/parts/flow/samplers.py", "paradigms/parts/networks/unet.py"
SCORER, DBN = "benchmarks/score/metrics/scorer.py", "paradigms/dbn.py"
SQUARED = "squared = (field(x_t, t, t) - target).square()"
CHAIN, E2E = ("diffusion-unrolled-k4",), ("end-to-end",)

FAULTS = [
    Planted(
        "a sign in the target",
        FLOW,
        "((state - weights @ reference) / t)",
        "((state + weights @ reference) / t)",
        "identity",
    ),
    Planted(
        "the average of the weights is not used",
        SOLVER,
        "        self.swap_averages()\n        self.averages = []\n",
        "        self.averages = []\n",
        "identity",
    ),
    Planted("a sampler one order lower", SAMPLERS, "MAX_ORDER = 4", "MAX_ORDER = 3", "identity"),
    Planted(
        "labels shifted",
        "benchmarks/worker.py",
        "torch.from_numpy(dataset.train.labels).to(device)",
        "torch.from_numpy(dataset.train.labels).roll(1).to(device)",
        "identity",
        E2E,
    ),
    Planted("learning rate halved", "paradigms/diffusion.py", "lr: float = 2e-2", "lr: float = 1e-2", "identity"),
    Planted(
        "a step detached in the chain",
        "paradigms/parts/flow/unrolled_chain.py",
        "x = x - over_image(t - r, x) * velocity",
        "x = x.detach() - over_image(t - r, x) * velocity",
        "identity",
        CHAIN,
    ),
    Planted(
        "dropout left on after training",
        SOLVER,
        "        self.stage = self.captured = None\n        self.eval()",
        "        self.stage = self.captured = None\n        self.train()",
        "identity",
        E2E,
    ),
    Planted(
        "dropout while sampling",
        UNET,
        "self.conv2(F.silu(self.norm2(h)))",
        "self.conv2(F.dropout(F.silu(self.norm2(h)), 0.1, not torch.is_grad_enabled()))",
        "identity",
    ),
    Planted(
        "t drawn uniformly",
        FLOW,
        "return torch.sigmoid(mean + std * torch.randn(n, dtype=like.dtype, device=like.device))",
        "return torch.rand(n, dtype=like.dtype, device=like.device)",
        "identity",
    ),
    Planted(
        "extractor in train mode",
        "benchmarks/score/extractors/extractor.py",
        "        super().train(False)",
        "        super().train(True)",
        "identity",
    ),
    Planted(
        "one more forward pass an update",
        SOLVER,
        "                loss = player.loss(batch)\n",
        "                with torch.random.fork_rng():\n                    player.loss(batch)\n"
        "                loss = player.loss(batch)\n",
        "counters",
    ),
    Planted("float64 in the loss", FLOW, SQUARED, f"{SQUARED[:-9]}.double().square().float()", "counters"),
    Planted(
        "a leak of memory per update",
        SOLVER,
        "        self.update += 1\n",
        '        self.update += 1\n        self.__dict__.setdefault("seen", []).append(batch.x.clone())\n',
        "counters",
    ),
    Planted(
        "a sleep of 5 % in the loop",
        SOLVER,
        "        optimizer.step()\n",
        '        optimizer.step()\n        __import__("time").sleep(0.0015)\n',
        "speed",
    ),
    Planted(
        "a host synchronisation",
        SOLVER,
        "            loss = self.update_once(batch, optimizer)\n",
        "            loss = self.update_once(batch, optimizer)\n            float(loss)\n",
        "counters",
    ),
    Planted("a loss on bfloat16", FLOW, SQUARED, f"{SQUARED[:-9]}.bfloat16().square().float()", "identity"),
    Planted(
        "fewer Gibbs sweeps",
        DBN,
        "        for _ in range(nfe):\n            mean = self._sweep",
        "        for _ in range(max(1, nfe // 2)):\n            mean = self._sweep",
        "identity",
        ("dbn",),
    ),
    Planted(
        "a split that leaks",
        "benchmarks/data/digits.py",
        "train, validation = hold_out(rest, 180)",
        "train, validation = Split(images, bunch.target.astype(np.int64)), hold_out(rest, 180)[1]",
        "identity",
    ),
    Planted(
        "a NaN that becomes a dash",
        SCORER,
        "return values | dict.fromkeys(reasons), reasons\n",
        "return values | dict.fromkeys(reasons), {}\n",
        "identity",
    ),
    Planted(
        "samples that are not finite are scored",
        "benchmarks/score/contract.py",
        "if not torch.isfinite(x).all():",
        "if False:",
        "identity",
    ),
    Planted(
        "gradients are clipped",
        "paradigms/training/stage.py",
        "clip_norm: float | None = None\n    rivals",
        "clip_norm: float | None = 1.0\n    rivals",
        "identity",
    ),
    Planted("one seed for all updates", SOLVER, "self.stage.name, self.update)", "self.stage.name, 0)", "identity"),
    Planted(
        "images are not shuffled",
        "benchmarks/fit.py",
        "torch.randperm(len(self.x), generator=generator)",
        "torch.arange(len(self.x))",
        "identity",
        E2E,
    ),
    Planted(
        "a constant learning rate",
        "paradigms/training/defaults.py",
        "return 0.5 * (1 + math.cos(math.pi * progress))",
        "return 1.0",
        "identity",
    ),
    Planted(
        "another decay of the average",
        SOLVER,
        "(1 + self.update) / (10 + self.update)",
        "(1 + self.update) / (100 + self.update)",
        "identity",
    ),
    Planted("a wider network", "paradigms/parts/networks/backbone.py", '"unet": 16', '"unet": 24', "counters"),
    Planted(
        "FID by the biased covariance",
        "benchmarks/score/floors.py",
        "torch.cov(features.T)",
        "torch.cov(features.T, correction=0)",
        "identity",
    ),
    Planted(
        "the start is not adopted",
        "benchmarks/train/warm_start.py",
        "    link.load_state_dict(given)\n",
        "",
        "identity",
        CHAIN,
    ),
    Planted(
        "the graph is kept after the gradient",
        SOLVER,
        "                loss.backward()\n",
        "                loss.backward(retain_graph=True)\n",
        "counters",
    ),
]
