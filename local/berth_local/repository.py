"""The bare repository of the tenants, with its first commit."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

REPOSITORY = "tenants.git"
_README = b"""# Tenants

One custom resource per tenant and cluster, written by Berth: clusters/<cluster>/tenants/<shard>/<tenant>.yaml.
"""


def git_environment() -> dict[str, str]:
    """The environment of every git process: nobody's configuration, one author, one date, so one first commit."""
    author = {"NAME": "Berth", "EMAIL": "berth@berth.example", "DATE": "2026-01-01T00:00:00+00:00"}
    people = {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in author.items()}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **people,
    }


def make_repository(root: Path) -> Path:
    """Makes `root/tenants.git` with a first commit on `main`. Returns its path."""
    repository = root / REPOSITORY
    root.mkdir(parents=True, exist_ok=True)

    def git(*arguments: str, text: bytes = b"") -> str:
        command = ["git", "--git-dir", str(repository), *arguments]
        return (
            subprocess.run(command, input=text, env=git_environment(), check=True, capture_output=True)
            .stdout.decode()
            .strip()
        )

    git("init", "--quiet", "--bare", "--initial-branch=main")
    settings = {
        "http.receivepack": "true",
        "receive.denyNonFastForwards": "true",
        "receive.denyDeletes": "true",
        # Housekeeping would go on in the background after the server has ended.
        "gc.auto": "0",
        "receive.autogc": "false",
    }
    for name, value in settings.items():
        git("config", name, value)
    blob = git("hash-object", "-w", "--stdin", text=_README)
    tree = git("mktree", text=f"100644 blob {blob}\tREADME.md\n".encode())
    git("update-ref", "refs/heads/main", git("commit-tree", tree, "-m", "Tenants repository"))
    return repository
