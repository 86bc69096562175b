"""A create call that is sent again with its ClientToken makes nothing more, and gets the same answer.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
Stock moto reads the token of no EC2 call, so that an answer that was lost, or two callers of one request, make two of
everything.
"""

from __future__ import annotations

import threading
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response

from berth_local.aws.replacing import wrap

OPERATIONS = (
    "allocate_ipam_pool_cidr",
    "create_flow_logs",
    "create_nat_gateway",
    "create_route_table",
    "create_vpc_endpoint",
)

# One at a time, so that of two that come together the second finds what the first made.
LOCK = threading.RLock()
_answers: dict[tuple[str, str, str, str], tuple[dict[str, Any], ActionResult]] = {}


def install() -> None:
    """Remember what each operation answered to each token. A call that failed, or made nothing, is not remembered."""
    for operation in OPERATIONS:
        _remember(operation)


def _remember(operation: str) -> None:
    @wrap(EC2Response, operation)
    def method(original: Any, self: EC2Response) -> ActionResult:
        token = self._get_param("ClientToken")
        if not token:
            return original(self)
        key, asked = (self.current_account, self.region, operation, token), dict(self.params)
        with LOCK:
            before, answer = _answers.get(key, (asked, None))
            if asked != before:
                raise EC2ClientError(
                    "IdempotentParameterMismatch",
                    f"A request with client token {token} was made before, with other parameters.",
                )
            if answer is None:
                answer = original(self)
                if not answer.result.get("Unsuccessful"):
                    _answers[key] = (asked, answer)
            return answer
