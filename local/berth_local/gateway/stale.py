"""Stale reads: a Describe answers what it would have answered some time ago, as EC2 may for a while after a change.

https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from .error_bodies import Answer

_KEPT_MAX = 64


def same_body(body: bytes) -> str:
    """A request's body, alike for two that ask the same: SDKs write the members of JSON in any order."""
    text = body.decode("latin-1")
    if not text.startswith("{"):
        return text
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text


class StaleAnswers:
    """What a rule's calls were answered, and when. Two calls are the same when their `key` is."""

    def __init__(self, age_ms: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._age_seconds = age_ms / 1000
        self._clock = clock
        self._seen: dict[tuple[str, ...], list[tuple[float, Answer]]] = {}

    def answer(self, key: tuple[str, ...], fresh: Answer) -> Answer:
        """The newest answer that is old enough; the oldest one when none is. `fresh` is kept for later."""
        now = self._clock()
        seen = self._seen.setdefault(key, [])
        if fresh.status < 300:
            seen.append((now, fresh))
        else:
            return fresh
        old_enough = [answer for at, answer in seen if now - at >= self._age_seconds]
        while len(seen) > 1 and (len(seen) > _KEPT_MAX or now - seen[1][0] >= self._age_seconds):
            del seen[0]
        return old_enough[-1] if old_enough else seen[0][1]
