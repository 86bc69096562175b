"""Event source mappings from SQS: kept and described by moto, polled by our gateway.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
Stock moto invokes the function itself, inside SendMessage, in a container: without one every SendMessage fails.
"""

from __future__ import annotations

from typing import Any

from moto.awslambda.models import EventSourceMapping, LambdaBackend
from moto.sqs.models import sqs_backends

from berth_local.aws.replacing import wrap


def install() -> None:
    """Never tell a queue of its mappings."""

    @wrap(LambdaBackend, "create_event_source_mapping")
    def create_event_source_mapping(original: Any, self: LambdaBackend, spec: dict[str, Any]) -> EventSourceMapping:
        mapping = original(self, spec)
        for queue in sqs_backends[self.account_id][self.region_name].queues.values():
            queue.lambda_event_source_mappings.clear()
        return mapping
