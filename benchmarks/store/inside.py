"""A results folder is data, often someone else's: no path in its records and no link in it may lead out of it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.errors import BadInput

WRITTEN = ("cells", "stale", "damaged", "trained", "samples", "tables", "figures", ".work")


def inside(results_dir: Path, name: str) -> Path:
    """The path of a file or folder of a results folder.

    results_dir: the folder.
    name: path relative to it, as a record may name one.

    Raises BadInput where the name, or a symbolic link on the way, leads out of the folder.
    """
    try:
        found, root = (results_dir / name).resolve(), results_dir.resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a null character; a loop of links
        raise BadInput(f"results folder {results_dir}: {name[:100]!r} is no path in it: {error}") from None
    if not found.is_relative_to(root):
        raise BadInput(
            f"results folder {results_dir}: {name[:100]!r} leads out of it, to {str(found)[:200]}; remove the link, or "
            "link the whole folder"
        )
    return results_dir / name


def refuse_links(results_dir: Path) -> None:
    """Refuse a results folder with a link that leads out of it, where a run or a report would write through the link.

    results_dir: the folder. Looked at are the folders in it that are written to, and those in these, such as that of a
        cell's claim, log and checkpoint, or of its weights. A link in place of a single file is replaced when it is
        written, and not followed.

    Raises BadInput, which names the link.
    """
    for name in WRITTEN:
        folder = inside(results_dir, name)
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_symlink() and path.is_dir():
                inside(results_dir, f"{name}/{path.name}")
