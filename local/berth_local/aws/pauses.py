"""Shorter pauses between the attempts of a state: thousands of retries, each real, none slow.

`Retry` means the same as ever: which errors, how many attempts, in which order. Only the seconds between two attempts
are multiplied by BERTH_LOCAL_TIME_SCALE. Without the setting nothing is replaced.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

from berth_local.timing import time_scale


def install() -> None:
    """Replaces the clock that a Retry waits on, when a scale other than one is set."""
    scale = time_scale()
    if scale != 1:
        retrier_decl.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * scale))
