"""What the Lambda host has done: counts per function, and the newest invocations one by one."""

from __future__ import annotations

import statistics
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .function_copy import FunctionCopy, Invocation, Outcome

INVOCATIONS_MAX = 50_000
_INIT_TIMES_MAX = 1_000


@dataclass
class FunctionStats:
    """Counts of one function since the start or the last reset. `peak_memory_kb` is that of its biggest copy."""

    invocations: int = 0
    errors: int = 0
    timeouts: int = 0
    cold_starts: int = 0
    throttles: int = 0
    peak_memory_kb: int = 0
    init_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_INIT_TIMES_MAX))

    def as_json(self, copies: int, busy: int) -> dict[str, Any]:
        """The counts with the copies that run now."""
        return {
            "invocations": self.invocations,
            "errors": self.errors,
            "timeouts": self.timeouts,
            "throttles": self.throttles,
            "cold_starts": self.cold_starts,
            "copies": copies,
            "busy": busy,
            "peak_memory_kb": self.peak_memory_kb,
            "init_ms_median": round(statistics.median(self.init_ms), 2) if self.init_ms else None,
            "init_ms_max": round(max(self.init_ms), 2) if self.init_ms else None,
        }


class HostStats:
    """All counts of the host."""

    def __init__(self) -> None:
        self.functions: dict[str, FunctionStats] = {}
        self._invocations: deque[dict[str, Any]] = deque(maxlen=INVOCATIONS_MAX)
        self._seq = 0

    def of(self, function: str) -> FunctionStats:
        """The counts of a function."""
        return self.functions.setdefault(function, FunctionStats())

    def ended(self, copy: FunctionCopy | None, function: str, invocation: Invocation, outcome: Outcome) -> float:
        """Counts an invocation that ended and gives its duration in milliseconds, without its init."""
        stats = self.of(function)
        now = time.perf_counter()
        duration_ms = (now - invocation.delivered) * 1000 if invocation.delivered is not None else 0.0
        stats.invocations += 1
        stats.errors += bool(outcome.error_type)
        stats.timeouts += outcome.error_type == "Sandbox.Timedout"
        if copy is not None:
            stats.peak_memory_kb = max(stats.peak_memory_kb, copy.note_memory())
        self._seq += 1
        self._invocations.append({
            "seq": self._seq,
            "ended": time.time(),
            "function": function,
            "request_id": invocation.request_id,
            "trigger": invocation.trigger,
            "wait_ms": round(((invocation.delivered or now) - invocation.queued) * 1000, 3),
            "init_ms": None if invocation.init_ms is None else round(invocation.init_ms, 3),
            "duration_ms": round(duration_ms, 3),
            "error_type": outcome.error_type,
            "copy": copy.id if copy else "",
            "peak_memory_kb": copy.peak_memory_kb if copy else 0,
        })  # fmt: skip
        return duration_ms

    def invocations(self, since: int = 0, function: str = "") -> dict[str, Any]:
        """Invocations that ended, with a number above `since`, and the number to ask from next time."""
        found = [
            record
            for record in self._invocations
            if record["seq"] > since and (not function or record["function"] == function)
        ]
        return {"invocations": found, "last": self._seq}

    def clear(self) -> None:
        """Sets every count back; the numbers of invocations go on rising."""
        self.functions.clear()
        self._invocations.clear()
