"""Writes down which AWS operations each function used with which role: what policies are compared with (docs/permissions.md)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from .journal import Entry

if TYPE_CHECKING:
    from berth_local.authorization.evaluate import Decision, Request

POLLER = "event source"
"""Stands for the role of calls that Lambda makes with the function's own role, to read its queue."""


def narrowed(resource: str) -> str:
    """An ARN without what differs from run to run: accounts and ids that AWS made up."""
    return re.sub(r"\b\d{12}\b", "ACCOUNT", re.sub(r"-[0-9a-f]{17}\b|\b[0-9a-f-]{36}\b", "-ID", resource))


class Recording:
    """One line for each different use, appended as soon as it is seen, so that a killed gateway loses nothing."""

    def __init__(self, path: Path | None) -> None:
        """Without a path nothing is written."""
        self._seen: set[tuple[str, str, str, str]] = set()
        self._decided: set[tuple[object, ...]] = set()
        self._file: TextIO | None = None
        self._decisions: TextIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8", buffering=1)
            decided = path.parent.with_name("decided")
            decided.mkdir(exist_ok=True)
            self._decisions = (decided / path.name).open("a", encoding="utf-8", buffering=1)

    def note(self, entry: Entry) -> None:
        """A call that passed the proxy. Those of people and of the emulator are no function's."""
        if entry.function:
            self.note_use(entry.function, entry.role, entry.service, entry.operation)

    def note_decision(self, function: str, role: str, request: Request, decision: Decision) -> None:
        """What a call asked for, and the statements that allow it, or deny it explicitly."""
        seen = (function, role, request.action, decision.used, decision.allowed, narrowed(request.resource))
        if self._decisions is None or seen in self._decided:
            return
        self._decided.add(seen)
        line = {
            "function": function, "role": role, "action": request.action, "resource": seen[-1],
            "statements": list(decision.used), "allowed": decision.allowed, "reason": decision.reason,
        }  # fmt: skip
        self._decisions.write(json.dumps(line) + "\n")

    def note_use(self, function: str, role: str, service: str, operation: str) -> None:
        """A use of an operation, whoever made the call for the function."""
        use = (function, role, service, operation)
        if self._file is None or use in self._seen:
            return
        self._seen.add(use)
        line = {"function": function, "role": role, "service": service, "operation": operation}
        self._file.write(json.dumps(line) + "\n")
