"""Writes every call and every invocation with its whole content, for replays and for whoever wants to see the wire.

It holds what clients send, secrets too: only for a local AWS, and only when somebody asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .error_bodies import Answer
from .function_copy import Invocation, Outcome
from .journal import Entry


class Trace:
    """One JSON object a line, as each call ends. Bytes that are not UTF-8 come back by `surrogateescape`."""

    def __init__(self, path: Path | None) -> None:
        """Without a path nothing is written."""
        self._file = path.open("a", encoding="utf-8", buffering=1) if path is not None else None

    def call(
        self, entry: Entry, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes, answer: Answer
    ) -> None:
        """An AWS call that was answered."""
        if self._file is not None:
            self._write(
                kind="call", seq=entry.seq, service=entry.service, operation=entry.operation, account=entry.account,
                plumbing=entry.plumbing, function=entry.function, request_id=entry.request_id, method=method, path=path,
                headers=list(headers), body=_text(body), status=answer.status, answer=_text(answer.body),
            )  # fmt: skip

    def invocation(self, function: str, invocation: Invocation, outcome: Outcome) -> None:
        """An invocation that ended."""
        if self._file is not None:
            self._write(
                kind="invocation", function=function, request_id=invocation.request_id, trigger=invocation.trigger,
                payload=_text(invocation.payload), answer=_text(outcome.body), error=outcome.error_type,
            )  # fmt: skip

    def _write(self, **fields: Any) -> None:
        assert self._file is not None
        self._file.write(json.dumps(fields) + "\n")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
