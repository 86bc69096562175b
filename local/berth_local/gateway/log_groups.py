"""Log groups: what functions print is put into them before anybody reads them.

CloudWatch Logs takes a line within seconds; here the copies write to files, which cost nothing, and the emulator gets
what is new in them when a call asks for lines. Lines without a time of their own have that of the line before.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from datetime import datetime

from .function_log import FunctionLog
from .functions import FunctionSettings
from .identify import ApiCall
from .upstream import Upstream, UpstreamError

LOGGER = logging.getLogger(__name__)

_READING = frozenset(("FilterLogEvents", "GetLogEvents", "DescribeLogStreams"))


class LogGroups:
    """The files of all functions, and how far each is in its log group."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._streams: dict[str, _Stream] = {}
        self._one_at_a_time = asyncio.Lock()

    def add(self, settings: FunctionSettings, log: FunctionLog) -> None:
        """Takes a function's file from where it ends now."""
        self._streams[settings.name] = _Stream(settings, log)

    @staticmethod
    def reads(call: ApiCall) -> bool:
        """Whether a call asks for lines."""
        return call.service == "logs" and call.operation in _READING

    async def fill(self) -> None:
        """Puts what is new into the log groups. A group that does not exist takes nothing."""
        async with self._one_at_a_time:
            for stream in list(self._streams.values()):
                events = stream.unread()
                if events:
                    await self._put(stream, events)

    async def _put(self, stream: _Stream, events: list[dict[str, object]]) -> None:
        names = {"logGroupName": stream.group, "logStreamName": stream.name}
        place = (stream.account, stream.region)
        try:
            if not stream.made:
                await self._upstream.json_call("logs", "Logs_20140328.CreateLogStream", names, *place)
                stream.made = True
            await self._upstream.json_call("logs", "Logs_20140328.PutLogEvents", {**names, "logEvents": events}, *place)
        except UpstreamError as error:
            LOGGER.warning("lines of %s are in no log group: %s", stream.name, error)


class _Stream:
    """The stream of one function, named as Lambda names those of a group that functions share."""

    def __init__(self, settings: FunctionSettings, log: FunctionLog) -> None:
        self.group, self.account, self.region = settings.log_group, settings.account, settings.region
        day = time.strftime("%Y/%m/%d", time.gmtime())
        self.name = f"{day}/{settings.name}[{settings.version}]{secrets.token_hex(16)}"
        self.made = False
        self._path = log.path
        self._read = log.path.stat().st_size
        self._last_ms = int(time.time() * 1000)

    def unread(self) -> list[dict[str, object]]:
        """The whole lines that were printed since the last time, in the order of their times."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        events = [self._event(line) for line in whole.decode("utf-8", "replace").splitlines() if line.strip()]
        return sorted(events, key=lambda event: event["timestamp"])

    def _event(self, line: str) -> dict[str, object]:
        self._last_ms = _time_of(line) or self._last_ms
        return {"timestamp": self._last_ms, "message": line + "\n"}


def _time_of(line: str) -> int | None:
    """The time that a line in JSON says, in milliseconds."""
    if not line.startswith("{"):
        return None
    try:
        text = str(json.loads(line)["timestamp"])
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, KeyError, TypeError):
        return None
