"""Reads and writes a bare repository with git's plumbing, so that compare-and-swap on a branch is git's own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from berth_local.repository import git_environment


class StaleError(Exception):
    """The branch was not where it was expected to be."""


@dataclass(frozen=True)
class Entry:
    """What is at a path of a commit."""

    mode: int
    kind: str
    oid: str


class Objects:
    """One bare repository."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _run(self, *arguments: str, text: bytes = b"", index: str = "") -> subprocess.CompletedProcess[bytes]:
        environment = git_environment() | ({"GIT_INDEX_FILE": index} if index else {})
        command = ["git", "--git-dir", str(self._folder), *arguments]
        return subprocess.run(command, input=text, env=environment, check=False, capture_output=True)

    def _git(self, *arguments: str, text: bytes = b"", index: str = "") -> str:
        done = self._run(*arguments, text=text, index=index)
        if done.returncode != 0:
            raise LookupError(done.stderr.decode(errors="replace"))
        return done.stdout.decode().strip()

    def head(self, branch: str) -> str | None:
        """The commit that a branch points to."""
        done = self._run("rev-parse", "-q", "--verify", f"refs/heads/{branch}^{{commit}}")
        return done.stdout.decode().strip() or None

    def heads(self) -> list[tuple[str, str]]:
        """Every branch with its commit, by name."""
        lines = self._git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").splitlines()
        return [(name, head) for name, _, head in (line.rpartition(" ") for line in lines)]

    def message(self, commit: str) -> str:
        """A commit's message."""
        return self._git("log", "-1", "--format=%B", commit)

    def parents(self, commit: str) -> list[str]:
        """A commit's parents."""
        return self._git("log", "-1", "--format=%P", commit).split()

    def entry(self, commit: str, path: str) -> Entry | None:
        """What is at a path; git does not follow symbolic links."""
        line = self._git("ls-tree", "-z", commit, "--", path).rstrip("\0")
        if not line:
            return None
        mode, kind, oid = line.split("\t")[0].split(" ")
        return Entry(int(mode, 8), kind, oid)

    def tree(self, commit: str) -> list[tuple[str, Entry, int | None]]:
        """Everything below a commit's root, folders included, with the size of what is a file."""
        found = []
        for line in self._git("ls-tree", "-r", "-t", "-l", "-z", commit).split("\0"):
            if line:
                fields, path = line.split("\t")
                mode, kind, oid, size = fields.split()
                found.append((path, Entry(int(mode, 8), kind, oid), None if size == "-" else int(size)))
        return found

    def blob(self, oid: str) -> bytes:
        """A file's content."""
        done = self._run("cat-file", "blob", oid)
        if done.returncode != 0:
            raise LookupError(oid)
        return done.stdout

    def make_branch(self, branch: str, commit: str) -> None:
        """A new branch.

        Raises:
            StaleError: it exists.
        """
        self._move(branch, commit, "0" * 40)

    def move_branch(self, branch: str, commit: str) -> None:
        """A branch to another commit, wherever it is.

        Raises:
            StaleError: somebody else moves it.
        """
        self._move(branch, commit, self.head(branch) or "0" * 40)

    def delete_branch(self, branch: str) -> None:
        """No branch of this name any more."""
        self._git("update-ref", "-d", f"refs/heads/{branch}")

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether a commit's history has another one."""
        return self._run("merge-base", "--is-ancestor", older, newer).returncode == 0

    def count(self, base: str, head: str) -> int:
        """How many commits `head` has that `base` lacks."""
        return int(self._git("rev-list", "--count", f"{base}..{head}"))

    def commit(self, branch: str, expected: str, message: str, files: dict[str, bytes | None]) -> str:
        """One commit on a branch, if its head is the expected one. No content means no file.

        Raises:
            StaleError: the head is another one.
        """
        if self.head(branch) != expected:
            raise StaleError
        with tempfile.TemporaryDirectory() as folder:
            index = os.path.join(folder, "index")
            self._git("read-tree", expected, index=index)
            lines = []
            for path, content in files.items():
                if content is None:
                    lines.append(f"0 {'0' * 40}\t{path}\n")
                else:
                    lines.append(f"100644 {self._git('hash-object', '-w', '--stdin', text=content)}\t{path}\n")
            self._git("update-index", "--index-info", text="".join(lines).encode(), index=index)
            tree = self._git("write-tree", index=index)
        commit = self._git("commit-tree", tree, "-p", expected, text=message.encode())
        self._move(branch, commit, expected)
        return commit

    def merge(self, base: str, branch: str, title: str) -> str:
        """A merge commit on `base`.

        Raises:
            LookupError: the two conflict.
            StaleError: `base` moved meanwhile.
        """
        ours, theirs = self.head(base) or "", self.head(branch) or ""
        tree = self._git("merge-tree", "--write-tree", ours, theirs).splitlines()[0]
        commit = self._git("commit-tree", tree, "-p", ours, "-p", theirs, text=title.encode())
        self._move(base, commit, ours)
        return commit

    def is_merged(self, base: str, branch: str) -> bool:
        """Whether a branch has nothing that `base` lacks."""
        theirs = self.head(branch)
        return theirs is None or self.is_ancestor(theirs, f"refs/heads/{base}")

    def _move(self, branch: str, new: str, expected: str) -> None:
        if self._run("update-ref", f"refs/heads/{branch}", new, expected).returncode != 0:
            raise StaleError
