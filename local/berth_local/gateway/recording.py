"""Writes down which AWS operations each function used with which role: what policies are compared with (docs/permissions.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

from .journal import Entry

POLLER = "event source"
"""Stands for the role of calls that Lambda makes with the function's own role, to read its queue."""


class Recording:
    """One line for each different use, appended as soon as it is seen, so that a killed gateway loses nothing."""

    def __init__(self, path: Path | None) -> None:
        """Without a path nothing is written."""
        self._seen: set[tuple[str, str, str, str]] = set()
        self._file: TextIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8", buffering=1)

    def note(self, entry: Entry) -> None:
        """A call that passed the proxy. Those of people and of the emulator are no function's."""
        if entry.function:
            self.note_use(entry.function, entry.role, entry.service, entry.operation)

    def note_use(self, function: str, role: str, service: str, operation: str) -> None:
        """A use of an operation, whoever made the call for the function."""
        use = (function, role, service, operation)
        if self._file is None or use in self._seen:
            return
        self._seen.add(use)
        line = {"function": function, "role": role, "service": service, "operation": operation}
        self._file.write(json.dumps(line) + "\n")
