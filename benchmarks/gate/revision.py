"""Revisions of a repository as source trees: the working tree, and a git worktree of another revision."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.errors import BadInput

INSTALLED = Path(__file__).resolve().parents[2]  # the tree that holds the packages which run now


def head_root(paradigm: Sequence[str]) -> Path:
    """Root of the working tree that is gated.

    It is the tree of this project; for a paradigm's file in another repository, that repository, whose author gates
    his file.

    paradigm: values of the option --paradigm.
    """
    files = [Path(name).resolve() for name in paradigm if name.endswith(".py")]
    foreign = [file for file in files if not file.is_relative_to(INSTALLED)]
    if not foreign:
        return INSTALLED
    top = _git(foreign[0].parent, "rev-parse", "--show-toplevel")
    return Path(top) if top else foreign[0].parent


def code_root(root: Path) -> Path:
    """The tree whose packages `benchmarks` and `paradigms` measure `root`: itself, or the installed one where it has
    none."""
    return root if (root / "benchmarks" / "__init__.py").is_file() else INSTALLED


def within(path: str, root: Path, head: Path) -> str:
    """A name or path of the command line as it is in the tree `root`.

    path: a name, which stays, or a path; one inside `head` becomes the same place inside `root`.
    """
    if not path.endswith((".py", ".toml")):
        return path
    whole = Path(path).resolve()
    return str(root / whole.relative_to(head) if whole.is_relative_to(head) else whole)


def commit(root: Path, ref: str = "HEAD") -> str | None:
    """The commit that a revision means; None where there is no git, no repository or no such revision."""
    return _git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")


def dirty(root: Path, but: Path) -> str | None:
    """The first line of `git status` of a tree with changes, untracked files included; None for a clean one.

    but: folder below the root whose changes do not count.

    Raises BadInput where it is no git repository.
    """
    status = _git(root, "status", "--porcelain", "--", ".", f":(exclude){but.as_posix()}")
    if status is None:
        raise BadInput(f"{root}: no git repository (or no git), so no commit to bless; run it in a clone")
    return status.splitlines()[0].strip() if status else None


def why_unknown(root: Path, ref: str) -> str:
    """Why a revision cannot be found, and what to do."""
    if _git(root, "rev-parse", "--git-dir") is None:
        return f"{ref}: {root} is no git repository, or git is not installed; compare with a committed baseline instead"
    if _git(root, "rev-parse", "--is-shallow-repository") == "true":
        return f"{ref}: not in this shallow clone; fetch it with `git fetch --unshallow` (in CI: fetch-depth: 0)"
    return f"{ref}: no such revision in {root}; give a branch, tag or commit of `git log`"


@contextmanager
def worktree(root: Path, ref: str) -> Iterator[Path]:
    """Inside, a detached worktree of a revision in a temporary folder; it is removed afterwards.

    root: of the repository.
    ref: branch, tag or commit.

    Raises BadInput where the revision is unknown or cannot be checked out.
    """
    found = commit(root, ref)
    if found is None:
        raise BadInput(f"--base {why_unknown(root, ref)}")
    with tempfile.TemporaryDirectory(prefix="gate-") as folder:
        place = Path(folder).resolve() / "base"
        command = ["git", "-C", str(root), "worktree", "add", "--quiet", "--detach", str(place), found]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise BadInput(f"--base {ref}: cannot be checked out: {' '.join(done.stderr.split())}")
        try:
            yield place
        finally:
            _git(root, "worktree", "remove", "--force", str(place))


def _git(root: Path, *arguments: str) -> str | None:
    """Output of a git command; None where git is missing or the command fails."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
