"""The poller of one event source mapping: receives, batches, invokes, and deletes what was done."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from berth_local.timing import time_scale

from .functions import parse_function_name
from .host import FunctionHost
from .recording import POLLER, Recording
from .sqs_records import failed_ids, sqs_event
from .upstream import Upstream, UpstreamError

LOGGER = logging.getLogger(__name__)

# Long polls end soon enough for a changed mapping to be obeyed, and cost one call each.
LONG_POLL_SECONDS = 5
# ReceiveMessage and DeleteMessageBatch take at most ten messages at once.
CALL_MESSAGES_MAX = 10
WINDOW_POLL_SECONDS = 0.05
PAUSE_AFTER_ERROR_SECONDS = 0.5
# Lambda's own limit of concurrent invocations for one queue without ScalingConfig, here one machine's.
BATCHES_MAX = 50


@dataclass(frozen=True)
class Mapping:
    """An enabled event source mapping between an SQS queue and a function. The window is in seconds."""

    uuid: str
    account: str
    region: str
    queue_arn: str
    function_arn: str
    batch_size: int
    window_seconds: float
    partial: bool
    batches_max: int

    @staticmethod
    def read(spec: dict[str, Any], account: str, region: str) -> Mapping | None:
        """Reads one entry of ListEventSourceMappings; None when it is disabled or its source is not SQS."""
        queue_arn = spec.get("EventSourceArn", "")
        if spec.get("State") not in ("Enabled", "Creating", "Updating") or queue_arn.split(":")[2:3] != ["sqs"]:
            return None
        batches_max = spec.get("ScalingConfig", {}).get("MaximumConcurrency", BATCHES_MAX)
        return Mapping(
            uuid=spec["UUID"],
            account=account,
            region=region,
            queue_arn=queue_arn,
            function_arn=spec["FunctionArn"],
            batch_size=int(spec.get("BatchSize", CALL_MESSAGES_MAX)),
            window_seconds=float(spec.get("MaximumBatchingWindowInSeconds", 0)) * time_scale(),
            partial="ReportBatchItemFailures" in spec.get("FunctionResponseTypes", []),
            # The order of a FIFO queue holds only when one batch is under way.
            batches_max=1 if queue_arn.endswith(".fifo") else int(batches_max),
        )


class QueuePoller:
    """Polls one queue. Receiving is never done twice at once: moto would give the same message to both."""

    def __init__(self, mapping: Mapping, upstream: Upstream, host: FunctionHost, recording: Recording) -> None:
        self.mapping = mapping
        self._upstream = upstream
        self._host = host
        self._recording = recording
        parts = mapping.queue_arn.split(":")
        self._queue_url = f"{upstream.url}/{parts[4]}/{parts[5]}"
        self._slots = asyncio.Semaphore(mapping.batches_max)
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._batches: set[asyncio.Task[None]] = set()
        self._counts = {"received": 0, "batches": 0, "deleted": 0, "failed": 0}

    def start(self) -> None:
        """Starts polling."""
        self._task = asyncio.create_task(self._run())

    def stop_soon(self) -> None:
        """Has the poller end after its present long poll; what it still receives goes back to the queue."""
        self._stopping = True

    async def stop(self) -> None:
        """Ends the poller now."""
        self._stopping = True
        tasks = [*self._batches] + ([self._task] if self._task else [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def as_json(self) -> dict[str, Any]:
        """Counts of messages and batches."""
        return {"queue": self.mapping.queue_arn, "function": self.mapping.function_arn, **self._counts}

    async def _run(self) -> None:
        while not self._stopping:
            await self._slots.acquire()
            messages: list[dict[str, Any]] = []
            try:
                messages = await self._collect()
            except UpstreamError as error:
                if not self._stopping:
                    LOGGER.warning("%s: %s", self.mapping.queue_arn, error)
                await asyncio.sleep(PAUSE_AFTER_ERROR_SECONDS)
            finally:
                if not messages:
                    self._slots.release()
            if not messages:
                continue
            task = asyncio.create_task(self._give_back(messages) if self._stopping else self._process(messages))
            self._batches.add(task)
            task.add_done_callback(self._batch_ended)

    def _batch_ended(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        self._slots.release()
        if not task.cancelled() and task.exception() is not None:
            LOGGER.error("%s: a batch was left to its visibility timeout", self.mapping.queue_arn,
                         exc_info=task.exception())  # fmt: skip

    async def _collect(self) -> list[dict[str, Any]]:
        """A batch: the first messages at once, more while the batching window lasts and the batch is not full."""
        size = self.mapping.batch_size
        messages = await self._receive(min(size, CALL_MESSAGES_MAX), LONG_POLL_SECONDS)
        ends = time.monotonic() + self.mapping.window_seconds
        while messages and len(messages) < size and time.monotonic() < ends and not self._stopping:
            more = await self._receive(min(size - len(messages), CALL_MESSAGES_MAX), 0)
            messages.extend(more)
            if not more:
                await asyncio.sleep(min(WINDOW_POLL_SECONDS, max(0.0, ends - time.monotonic())))
        return messages

    async def _receive(self, count: int, wait_seconds: int) -> list[dict[str, Any]]:
        answer = await self._sqs("ReceiveMessage", {
            "MaxNumberOfMessages": count,
            "WaitTimeSeconds": wait_seconds,
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        })  # fmt: skip
        return answer.get("Messages", [])

    async def _process(self, messages: list[dict[str, Any]]) -> None:
        """Invokes the function with a batch and deletes what it did; the rest waits for its visibility to end."""
        self._counts["received"] += len(messages)
        self._counts["batches"] += 1
        mapping = self.mapping
        name = parse_function_name(mapping.function_arn, mapping.account, mapping.region)
        event = sqs_event(messages, mapping.queue_arn, mapping.region)
        _, outcome = await self._host.invoke(name, event, trigger="sqs", wait=True)
        ids = {message["MessageId"] for message in messages}
        if outcome.error_type:
            failed = ids
        else:
            failed = failed_ids(outcome.body, ids) if mapping.partial else set()
        self._counts["failed"] += len(failed)
        await self._delete([message for message in messages if message["MessageId"] not in failed])

    async def _delete(self, messages: list[dict[str, Any]]) -> None:
        for start in range(0, len(messages), CALL_MESSAGES_MAX):
            some = messages[start : start + CALL_MESSAGES_MAX]
            entries = [{"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]} for i, message in enumerate(some)]
            await self._sqs("DeleteMessageBatch", {"Entries": entries})
            self._counts["deleted"] += len(some)

    async def _give_back(self, messages: list[dict[str, Any]]) -> None:
        """When this poller stops: Lambda leaves such messages to their visibility, so its role needs nothing for it."""
        for message in messages:
            body = {"ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
            await self._send("ChangeMessageVisibility", body)

    async def _sqs(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """A call that Lambda makes, too, with the role of the function."""
        self._recording.note_use(self.mapping.function_arn.split(":")[6], POLLER, "sqs", operation)
        return await self._send(operation, body)

    async def _send(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        body["QueueUrl"] = self._queue_url
        account = self.mapping.queue_arn.split(":")[4]
        return await self._upstream.json_call("sqs", f"AmazonSQS.{operation}", body, account, self.mapping.region)
