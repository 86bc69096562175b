"""The journal: one entry for every AWS call that passed the proxy, in the order of arrival."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

ENTRIES_MAX = 200_000


@dataclass
class Entry:
    """One call. `status` is None while it is under way, and stays 0 when the caller never got an answer."""

    seq: int
    time: float
    account: str
    role: str
    session: str
    chain: list[str]
    region: str
    service: str
    operation: str
    effect: str
    mutating: bool
    plumbing: bool
    function: str
    request_id: str
    trace: str = ""
    # Of a call that changes a resource, what it names.
    parameters: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    error: str = ""
    duration_ms: float | None = None
    rule: int | None = None
    fault: str = ""
    took_effect: bool | None = None
    started: float = field(default_factory=time.perf_counter, repr=False)

    def finish(self, status: int, error: str, *, took_effect: bool) -> None:
        """Records the end of the call. `took_effect` says whether AWS (moto or the Lambda host) got to see it."""
        self.status, self.error, self.took_effect = status, error, took_effect
        self.duration_ms = round((time.perf_counter() - self.started) * 1000, 3)

    def as_json(self) -> dict:
        """The entry as it is shown by `GET /_berth/calls`."""
        shown = dict(vars(self))  # asdict copies what is in it, too: tests ask for thousands of entries at once
        del shown["started"]
        return shown


class Journal:
    """The newest calls, at most `ENTRIES_MAX`; numbers go on rising after a clear."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_MAX)
        self._seq = 0

    def next_seq(self) -> int:
        """Gives out the number of a new entry."""
        self._seq += 1
        return self._seq

    def add(self, entry: Entry) -> None:
        """Takes an entry in at the start of its call, so that a call without end is seen too."""
        self._entries.append(entry)

    def clear(self) -> int:
        """Forgets every entry and says how many there were."""
        count = len(self._entries)
        self._entries.clear()
        return count

    def read(self, since: int = 0, **wanted: str) -> dict:
        """Entries with a number above `since` whose fields equal `wanted`, and the number to ask from next time."""
        calls = [
            entry.as_json()
            for entry in self._entries
            if entry.seq > since and all(_text(getattr(entry, key)) == value for key, value in wanted.items())
        ]
        return {"calls": calls, "last": self._seq}


FILTERS = ("account", "region", "service", "operation", "function", "role", "session", "effect", "mutating",
           "plumbing", "request_id")  # fmt: skip


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
