"""state.json: what a running local AWS tells its users, and how a stale one is told from a live one."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from berth_local.faults import LocalError

_FILE = "state.json"
_PRIVATE = 0o600


class StateFile:
    """The state of one state folder. It holds keys (of a toy organization), so only its owner may read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / _FILE

    def read(self) -> dict[str, Any] | None:
        """The state, or nothing when there is none or it was cut short."""
        try:
            state = json.loads(self.path.read_text())
        except (OSError, json.JSONDecodeError):
            return None
        return state if isinstance(state, dict) and isinstance(state.get("pid"), int) else None

    def live(self) -> dict[str, Any] | None:
        """The state of a supervisor that runs now."""
        state = self.read()
        return state if state and process_started(state["pid"]) == state.get("processStarted") else None

    def ready(self) -> dict[str, Any]:
        """The state of a local AWS that can be used.

        Raises:
            LocalError: none is running, or it is still starting.
        """
        state = self.live()
        if state is None:
            raise LocalError(f"no local AWS is running in {self.folder}. Next: `berth local up`")
        if state.get("status") != "ready":
            raise LocalError(f"the local AWS in {self.folder} is still {state.get('status')}. Next: try again shortly")
        return state

    def write(self, state: dict[str, Any]) -> None:
        """Replaces the state in one step. Adds the process that writes it."""
        whole = {**state, "pid": os.getpid(), "processStarted": process_started(os.getpid())}
        write_private(self.path, json.dumps(whole, indent=2) + "\n")

    def remove(self) -> None:
        """Forgets the state."""
        self.path.unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Replaces a file in one step; only its owner can ever read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


def process_started(pid: int) -> int | None:
    """When the process started, in clock ticks since boot (proc_pid_stat(5), field 22), or nothing when it is gone.

    A process id is used again sooner or later; together with this number it is not.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state == "Z" else int(started)
