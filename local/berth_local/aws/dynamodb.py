"""DynamoDB answers one request of a table at a time, so that nobody sees a write that is half done.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html ("all or nothing").
Stock moto changes an item attribute by attribute while other threads read it: a new item is first seen with its keys
alone, and two conditional writes at one moment can both succeed.
"""

from __future__ import annotations

import threading
from typing import Any

from moto.dynamodb.responses import DynamoHandler

from berth_local.aws.replacing import wrap

_one_at_a_time = threading.Lock()


def install() -> None:
    """Serialize the calls. They take about a millisecond each."""

    @wrap(DynamoHandler, "call_action")
    def call_action(original: Any, self: DynamoHandler) -> Any:
        with _one_at_a_time:
            return original(self)
