"""The blessed measurements of a preset: one JSON file a kind, small enough for its changes to be reviewed."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.store import atomic, provenance

# Meaning of the stored values. An instrument of the gate that changes what it returns must raise it: then a base is
# measured again instead of being compared with values of another meaning.
SCHEMA = 1
FOLDER = Path("results") / "baseline"
KEYS = {"schema", "reason", "commit", "date", "machine", "noise", "values"}
KIND_OF = {"identity": "counters"}  # kind of baseline that `bless` writes together with another
PACKAGES = ("numpy", "scipy", "torch")


def machine_class(threads: int) -> dict[str, object]:
    """What decides floating-point numbers to the bit: CPU, versions and threads. Values of equal ones are comparable.

    threads: CPU threads of a cell.
    """
    versions = {name: _version(name) for name in PACKAGES}
    name = provenance.provenance("cpu", threads, exclusive=False)["cpu_model"]
    cpu = f"{name} ({_kind_of_cpu()})"
    return {"cpu": cpu, "threads": threads, "python": platform.python_version(), **versions}


def path_of(folder: Path, preset: str, kind: str) -> Path:
    """Path of the baseline of a kind.

    folder: of all baselines.
    preset: its name.
    kind: "identity", "counters", "quality" or "speed".
    """
    return folder / preset / f"{kind}.json"


def read(path: Path) -> dict | None:
    """The baseline in a file; None where there is no file.

    Raises BadInput where it is damaged or of another schema.
    """
    if not path.is_file():
        return None
    kind = KIND_OF.get(path.stem, path.stem)
    again = f"write it again: python -m benchmarks bless {kind} {path.parent.name} --reason TEXT"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        missing = KEYS - found.keys()
    except (OSError, ValueError, AttributeError) as error:
        raise BadInput(f"baseline {path}: {' '.join(str(error).split())}; {again}") from None
    if missing:
        raise BadInput(f"baseline {path}: lacks {sorted(missing)[0]!r}; {again}")
    if found["schema"] != SCHEMA:
        raise BadInput(f"baseline {path}: has schema {found['schema']}, this version reads {SCHEMA}; {again}")
    return found


def write(path: Path, content: dict) -> None:
    """Write a baseline atomically, with sorted keys and one value a line.

    path: the file; missing folders are made.
    content: with the keys `KEYS`, except the schema.
    """
    text = json.dumps({"schema": SCHEMA} | content, indent=1, sort_keys=True, allow_nan=False)
    atomic.write(path, f"{text}\n".encode())


def _kind_of_cpu() -> str:
    """Family, model and vector instructions of the CPU, since virtual machines give many CPUs one name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    vectors = [name for name in ("avx2", "avx512f", "amx_tile") if name in facts.get("flags", "").split()]
    numbers = [f"{name} {facts[name]}" for name in ("cpu family", "model") if name in facts]
    return ", ".join([platform.machine(), *numbers, *vectors])


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
