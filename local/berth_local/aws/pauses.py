"""Shorter pauses between the attempts of a state, for the fault kit: thousands of retries, each real, none slow.

`Retry` means the same as ever: which errors, how many attempts, in which order. Only the seconds between two attempts
are multiplied. Without the setting nothing is replaced.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

from berth_local.aws.settings import retry_pause_scale


def install() -> None:
    """Replaces the clock that a Retry waits on, when a scale other than one is set."""
    scale = retry_pause_scale()
    if scale != 1:
        retrier_decl.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * scale))
