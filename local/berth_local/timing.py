"""How fast what only waits goes: one scale for every process of the local AWS."""

from __future__ import annotations

import os
from functools import cache


@cache
def time_scale() -> float:
    """What all seconds of the local AWS are multiplied by that nobody works in: those of `aws/clock.py`, of Retry, of batching
    windows. A tenth makes everything ten times as fast that only waits, and what follows what stays the same.

    Raises:
        ValueError: it is no number above 0.
    """
    scale = float(os.environ.get("BERTH_LOCAL_TIME_SCALE", "1"))
    if scale <= 0:
        raise ValueError(f"BERTH_LOCAL_TIME_SCALE is {scale}. Next: give a number above 0, such as 0.1")
    return scale
