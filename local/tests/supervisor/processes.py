"""The command line as a process, and the processes that belong to a state folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from declared import FUNCTIONS

from berth_local.settings import STATE_MARK

LOCAL = Path(__file__).resolve().parents[2]


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Starts `python -m berth_local`."""
    return subprocess.Popen(
        [sys.executable, "-m", "berth_local", *arguments],
        env={**os.environ, "PYTHONPATH": str(LOCAL), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str, given: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m berth_local` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "berth_local", *arguments],
        env={**os.environ, "PYTHONPATH": str(LOCAL), **environment},
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def idle_binaries(folder: Path) -> Path:
    """Functions that never answer: enough where no function is to run."""
    folder.mkdir(parents=True)
    for name in FUNCTIONS:
        binary = folder / name
        binary.write_text("#!/bin/sh\nexec sleep 600\n")
        binary.chmod(0o755)
    return folder


def children_of(state: Path) -> list[int]:
    """The processes that a supervisor started for this state folder."""
    mark = f"{STATE_MARK}={state}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def soon(is_so: Callable[[], object], seconds_max: float = 300.0) -> bool:
    """Whether `is_so` becomes true in time."""
    deadline = time.monotonic() + seconds_max
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
