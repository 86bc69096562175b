"""SQS: no message lost, none given to two receivers at once, no policy lost with another attribute, and who may send.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
Stock moto rebuilds the list of messages while others append to it, so DeleteMessage can lose a message that arrives at
the same moment, and two ReceiveMessage calls at once can both get one message. It lets everybody send everywhere: the
account of a queue's URL means nothing, and a request that nobody signed is taken for one to S3.
"""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.moto_server.werkzeug_app import UNSIGNED_REQUESTS
from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends
from moto.sqs.responses import SQSResponse

from berth_local.aws.access import caller, organization_facts, principal_matches
from berth_local.aws.policies import decides, statements
from berth_local.aws.replacing import wrap

ANONYMOUS = "anonymous"


class AccessDenied(ServiceException):
    """SQS refused the sender."""

    code = "AccessDenied"


def _check_sender(self: SQSResponse) -> None:
    """Within an account everybody may send, as with any other call here; others need the queue's policy."""
    parts = str(self._get_param("QueueUrl") or "").rstrip("/").split("/")
    account, principal = caller(self)
    if "Authorization" not in self.headers and "x-moto-account-id" not in self.headers:
        account, principal = ANONYMOUS, ANONYMOUS
    owner = parts[-2] if len(parts) > 1 and parts[-2].isdigit() else self.current_account
    if owner == account:
        return
    queue = sqs_backends[owner][self.region].queues.get(parts[-1])
    if queue is not None:
        facts = {} if account == ANONYMOUS else organization_facts(account, principal)
        found = [
            each for each in statements(queue.policy) if principal_matches(each.get("Principal"), account, principal)
        ]
        if not decides(found, "sqs:SendMessage", queue.queue_arn, facts):
            raise AccessDenied(
                f"User: {principal} is not authorized to perform: sqs:SendMessage on resource: {queue.queue_arn}"
                " because no resource-based policy allows the sqs:SendMessage action"
            )


def install() -> None:
    """One reentrant lock per queue; waiting for messages gives it free (threading.Condition). And senders are checked."""
    UNSIGNED_REQUESTS["AmazonSQS"] = ("sqs", "us-east-1")
    for operation in ("send_message", "send_message_batch"):

        @wrap(SQSResponse, operation)
        def send(original: Any, self: SQSResponse) -> ActionResult:
            _check_sender(self)
            return original(self)

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
