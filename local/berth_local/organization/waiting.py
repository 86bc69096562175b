"""Waiting for the local AWS, with a limit and a message."""

from __future__ import annotations

import time
from collections.abc import Callable

from berth_local.faults import LocalError

_POLL_SECONDS = 0.1


def wait_for(what: str, is_so: Callable[[], bool], seconds_max: float) -> None:
    """Returns when `is_so`.

    Raises:
        LocalError: it was not so within `seconds_max`. The message says what was waited for.
    """
    deadline = time.monotonic() + seconds_max
    while not is_so():
        if time.monotonic() > deadline:
            raise LocalError(f"waited {seconds_max:g} s in vain for {what}")
        time.sleep(_POLL_SECONDS)
