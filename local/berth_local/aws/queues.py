"""SQS: no message lost, none given to two receivers at once, and no policy lost with another attribute.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
Stock moto rebuilds the list of messages while others append to it, so DeleteMessage can lose a message that arrives at
the same moment, and two ReceiveMessage calls at once can both get one message.
"""

from __future__ import annotations

from typing import Any

from moto.sqs.models import Message, Queue, SQSBackend

from berth_local.aws.replacing import wrap


def install() -> None:
    """One reentrant lock per queue. Waiting for messages gives it free (threading.Condition)."""

    @wrap(Queue, "_set_attributes")
    def set_attributes(original: Any, self: Queue, attributes: dict[str, Any], now: float | None = None) -> None:
        # Stock forgets the policy whenever another attribute is set.
        policy = getattr(self, "policy", None)
        original(
            self, attributes if "Policy" in attributes or policy is None else {**attributes, "Policy": policy}, now
        )

    @wrap(Queue, "add_message")
    def add_message(original: Any, self: Queue, message: Message) -> None:
        with self._messages_lock:
            original(self, message)

    @wrap(Queue, "delete_message")
    def delete_message(original: Any, self: Queue, receipt_handle: str) -> None:
        with self._messages_lock:
            original(self, receipt_handle)

    @wrap(SQSBackend, "receive_message")
    def receive_message(original: Any, self: SQSBackend, queue_name: str, *args: Any, **fields: Any) -> list[Message]:
        queue = self.get_queue(queue_name)
        with queue._messages_lock:
            return original(self, queue_name, *args, **fields)

    @wrap(SQSBackend, "change_message_visibility")
    def change_message_visibility(original: Any, self: SQSBackend, queue_name: str, *args: Any, **fields: Any) -> None:
        queue = self.get_queue(queue_name)
        with queue._messages_lock:
            original(self, queue_name, *args, **fields)
            # A receiver that waits must see at once a message that was made visible.
            queue._messages_lock.notify_all()
