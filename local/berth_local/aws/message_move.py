"""SQS: moves what a dead-letter queue holds back to the queue that it came from.

API: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
Stock moto has none of the three operations. A task is done when StartMessageMoveTask answers; AWS takes a while.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.sqs.models import Message, Queue, SQSBackend
from moto.sqs.responses import SQSResponse

from berth_local.aws.replacing import put, wrap

SHOWN_MAX = 10


class ResourceNotFound(ServiceException):
    """There is no such queue or task."""

    code = "ResourceNotFoundException"


class InvalidParameter(ServiceException):
    """The source is no dead-letter queue, or nothing says where its messages go."""

    code = "InvalidParameterValue"


class Unsupported(ServiceException):
    """A task that has ended cannot be cancelled."""

    code = "UnsupportedOperation"


def _queue(backend: SQSBackend, arn: str) -> Queue:
    queue = backend.queues.get(str(arn).rsplit(":", 1)[-1])
    if queue is None or queue.queue_arn != arn:
        raise ResourceNotFound("The resource that you specified for the SourceArn parameter doesn't exist.")
    return queue


def _sources(backend: SQSBackend, dead_letters: Queue) -> dict[str, Queue]:
    """Queues whose messages end in this one."""
    found = (queue for queue in backend.queues.values() if queue.dead_letter_queue is dead_letters)
    return {queue.queue_arn: queue for queue in found}


def _destination(message: Message, chosen: Queue | None, sources: dict[str, Queue]) -> Queue:
    came_from = getattr(message, "dead_letter_source", None)
    found = chosen or sources.get(came_from) or (next(iter(sources.values())) if len(sources) == 1 else None)
    if found is None:
        raise InvalidParameter("Messages that no queue sent here need a DestinationArn.")
    return found


def start_message_move_task(self: SQSResponse) -> ActionResult:
    """StartMessageMoveTask. Messages that a consumer holds stay where they are."""
    backend = self.sqs_backend
    source = _queue(backend, self._get_param("SourceArn"))
    sources = _sources(backend, source)
    if not sources:
        raise InvalidParameter("Source queue must be configured as a Dead Letter Queue.")
    wanted = self._get_param("DestinationArn")
    chosen = _queue(backend, wanted) if wanted else None
    with source._messages_lock:
        moved = [message for message in source._messages if message.visible and not message.delayed]
        moves = [(message, _destination(message, chosen, sources)) for message in moved]
        source._messages = [message for message in source._messages if message not in moved]
    for message, queue in moves:
        message.approximate_receive_count = 0
        queue.add_message(message)
    task = {
        "TaskHandle": str(uuid.uuid4()),
        "Status": "COMPLETED",
        "SourceArn": source.queue_arn,
        "ApproximateNumberOfMessagesMoved": len(moves),
        "ApproximateNumberOfMessagesToMove": len(moves),
        "StartedTimestamp": int(time.time() * 1000),
    }
    if wanted:
        task["DestinationArn"] = wanted
    source.move_tasks = [task, *getattr(source, "move_tasks", [])][:SHOWN_MAX]
    return ActionResult({"TaskHandle": task["TaskHandle"]})


def list_message_move_tasks(self: SQSResponse) -> ActionResult:
    """ListMessageMoveTasks, newest first. A task that has ended shows no handle."""
    source = _queue(self.sqs_backend, self._get_param("SourceArn"))
    shown = getattr(source, "move_tasks", [])[: self._get_param("MaxResults") or 1]
    return ActionResult(
        {"Results": [{name: told for name, told in task.items() if name != "TaskHandle"} for task in shown]}
    )


def cancel_message_move_task(self: SQSResponse) -> ActionResult:
    """CancelMessageMoveTask: too late here for any task."""
    handle = self._get_param("TaskHandle")
    known = {
        task["TaskHandle"] for queue in self.sqs_backend.queues.values() for task in getattr(queue, "move_tasks", [])
    }
    if handle in known:
        raise Unsupported("The task has ended.")
    raise ResourceNotFound("The task does not exist.")


def install() -> None:
    """Add the operations, and let a message remember the queue that gave it up."""
    put(SQSResponse, (start_message_move_task, list_message_move_tasks, cancel_message_move_task))

    @wrap(SQSBackend, "receive_message")
    def receive_message(original: Any, self: SQSBackend, queue_name: str, *args: Any, **fields: Any) -> Any:
        queue = self.get_queue(queue_name)
        before = list(queue._messages) if queue.dead_letter_queue is not None else []
        received = original(self, queue_name, *args, **fields)
        if before:
            left = set(map(id, queue._messages))
            for message in before:
                if id(message) not in left:
                    message.dead_letter_source = queue.queue_arn
        return received
