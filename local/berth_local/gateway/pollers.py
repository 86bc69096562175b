"""Event sources: carries messages from SQS queues to functions, as Lambda's event source mappings do.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from .host import FunctionHost
from .identify import ApiCall
from .identities import Caller
from .queue_poller import Mapping, QueuePoller
from .recording import Recording
from .upstream import Upstream, UpstreamError

LOGGER = logging.getLogger(__name__)

_CHANGES = frozenset(("CreateEventSourceMapping", "UpdateEventSourceMapping", "DeleteEventSourceMapping"))


class Pollers:
    """One poller for every enabled mapping of an SQS queue that the emulator knows."""

    def __init__(self, upstream: Upstream, host: FunctionHost, recording: Recording) -> None:
        self._upstream = upstream
        self._host = host
        self._recording = recording
        self._pollers: dict[str, QueuePoller] = {}
        self._places: set[tuple[str, str]] = {(upstream.account, upstream.region)}
        self._refreshing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def observe(self, call: ApiCall, caller: Caller) -> None:
        """Reads the mappings anew when a call that changes them has passed."""
        if call.service == "lambda" and call.operation in _CHANGES:
            self._places.add((caller.account, call.region))
            task = asyncio.create_task(self.refresh())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def refresh(self) -> None:
        """Starts and stops pollers until they are what ListEventSourceMappings says."""
        async with self._refreshing:
            try:
                wanted = await self._read()
            except UpstreamError as error:
                LOGGER.warning("event source mappings not read: %s", error)
                return
            for uuid, poller in list(self._pollers.items()):
                if wanted.get(uuid) != poller.mapping:
                    poller.stop_soon()
                    del self._pollers[uuid]
            for uuid, mapping in wanted.items():
                if uuid not in self._pollers:
                    self._pollers[uuid] = QueuePoller(mapping, self._upstream, self._host, self._recording)
                    self._pollers[uuid].start()

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """Counts per mapping."""
        return {uuid: poller.as_json() for uuid, poller in self._pollers.items()}

    async def stop(self) -> None:
        """Ends all pollers at once; messages in flight come back when their visibility ends."""
        await asyncio.gather(*(poller.stop() for poller in self._pollers.values()))
        self._pollers.clear()

    async def _read(self) -> dict[str, Mapping]:
        wanted: dict[str, Mapping] = {}
        for account, region in sorted(self._places):
            answer = await self._upstream.rest_get("lambda", "/2015-03-31/event-source-mappings/", account, region)
            for spec in answer.get("EventSourceMappings", []):
                mapping = Mapping.read(spec, account, region)
                if mapping is not None:
                    wanted[mapping.uuid] = mapping
        return wanted
