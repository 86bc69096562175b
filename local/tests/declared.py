"""The functions, as their folders declare them (`[package.metadata.berth]`)."""

from __future__ import annotations

import tomllib
from pathlib import Path

FOLDERS = Path(__file__).resolve().parents[2] / "functions"
FUNCTIONS = tuple(sorted(folder.parent.name for folder in FOLDERS.glob("*/main.rs")))


def assuming(role: str) -> set[str]:
    """The functions that assume a role in other accounts: tenant, network, read, sign-in or cluster."""
    return {name for name in FUNCTIONS if role in _declared(name).get("assumes", [])}


def _declared(name: str) -> dict[str, list[str]]:
    manifest = tomllib.loads((FOLDERS / name / "Cargo.toml").read_text())
    declared: dict[str, list[str]] = manifest["package"]["metadata"]["berth"]
    return declared
