"""Provenance of a record: code, versions, computer, precision. What cannot be found is None, never a guess."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = {"torch": "torch", "lightning": "pytorch-lightning", "torchmetrics": "torchmetrics", "numpy": "numpy"}


def provenance(device: str, threads: int, exclusive: bool, precision: str | None = None) -> dict:
    """Returns the `provenance` of a record: commit, versions, computer, device and precision.

    device: "cpu" or "cuda".
    threads: CPU threads of the cell.
    exclusive: whether no other cell of the run was executed meanwhile.
    precision: in which the networks ran, as in `Job.precision`; None where that is not known. Whether products of
        float32 matrices use TF32 is recorded separately.

    GPU and TF32 facts need torch; a process that has not imported it gets None there.
    """
    # An installed copy may lie inside another repository, whose commit would be a wrong answer.
    ours = _run("git", "ls-files", "--error-unmatch", Path(__file__).name) is not None
    return {
        "commit": _run("git", "rev-parse", "HEAD") if ours else None,
        "dirty": bool(_run("git", "status", "--porcelain", "--untracked-files=no")) if ours else None,
        "versions": {"python": platform.python_version(), **{k: _version(v) for k, v in PACKAGES.items()}},
        "platform": platform.platform(),
        "cpu_model": _cpu_model(),
        "cpu_count": os.cpu_count(),
        "threads": threads,
        "device": device,
        **_torch_facts(device),
        "precision": precision,
        "exclusive": exclusive,
        "load_average_1m": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "timestamp_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _torch_facts(device: str) -> dict:
    names = ("gpu_model", "driver", "cuda", "tf32_matmul", "tf32_cudnn")
    if not device.startswith("cuda") or (torch := sys.modules.get("torch")) is None or not torch.cuda.is_available():
        return dict.fromkeys(names)
    driver = _run("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    return dict(
        zip(
            names,
            (
                torch.cuda.get_device_name(device),
                driver.splitlines()[0] if driver else None,
                torch.version.cuda,
                torch.backends.cuda.matmul.allow_tf32,
                torch.backends.cudnn.allow_tf32,
            ),
            strict=True,
        )
    )


def _cpu_model() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), None)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _run(*command: str) -> str | None:
    """Output of a command run beside this file, or None if it is missing, fails or hangs."""
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
