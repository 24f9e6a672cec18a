"""Without git, without history: one line that says what to do."""

import pytest

from benchmarks.errors import BadInput
from benchmarks.gate import baseline, revision
from tests.benchmarks.gate.conftest import git


def test_a_folder_without_git_has_no_revisions_and_no_blessing(tmp_path):
    with pytest.raises(BadInput, match="no git repository"), revision.worktree(tmp_path, "main"):
        pass
    with pytest.raises(BadInput, match="no commit to bless"):
        revision.dirty(tmp_path, baseline.FOLDER)


def test_a_machine_without_git_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="git is not installed"), revision.worktree(tmp_path, "main"):
        pass


def test_a_shallow_clone_says_how_to_fetch_history(repository, tmp_path):
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "commit", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "--depth", "1", f"file://{repository}", "clone")
    with pytest.raises(BadInput, match="git fetch --unshallow"), revision.worktree(tmp_path / "clone", first):
        pass
