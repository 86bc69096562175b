"""The clock of what AWS does by itself: attachments, associations, assignments.

It runs at the pace of BERTH_LOCAL_TIME_SCALE. A test may stop it (`POST /moto-api/clock/stop`, then `…/clock/start`) or
set it forward (`POST /moto-api/clock/advance?seconds=N`). Whoever wants to see an attachment that is pending, or one that
is deleting, need not be faster than AWS then.
"""

from __future__ import annotations

import threading
import time
from urllib.parse import parse_qs

from berth_local.timing import time_scale

PATH = "/moto-api/clock/"
"""Below it: `stop`, `start` and `advance`."""

_lock = threading.Lock()
_stopped_at: float | None = None
_lost = 0.0
"""Seconds of the machine's clock while this one stood still."""
_ahead = 0.0
"""Seconds of AWS's time that it was set forward."""


def now() -> float:
    """Seconds of AWS's time since some moment. It never goes back, and stands still while it is stopped."""
    with _lock:
        at = time.monotonic() if _stopped_at is None else _stopped_at
        return (at - _lost) / time_scale() + _ahead


def stop() -> None:
    """Has the clock stand still. Stopping twice is stopping once."""
    global _stopped_at
    with _lock:
        if _stopped_at is None:
            _stopped_at = time.monotonic()


def start() -> None:
    """Has the clock go on from where it stopped."""
    global _stopped_at, _lost
    with _lock:
        if _stopped_at is not None:
            _lost += time.monotonic() - _stopped_at
            _stopped_at = None


def advance(seconds: float) -> None:
    """Sets the clock forward by seconds of AWS's time, whether it stands still or not."""
    global _ahead
    with _lock:
        _ahead += seconds


def command(path: str, query: str) -> bool:
    """Does what a request below `PATH` says; whether it says something that there is."""
    name = path.removeprefix(PATH)
    if name == "advance" and (seconds := parse_qs(query).get("seconds")):
        advance(float(seconds[0]))
    elif name in ("stop", "start"):
        (stop if name == "stop" else start)()
    else:
        return False
    return True
