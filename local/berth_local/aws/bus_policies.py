"""Who may put events on another account's bus: its policy decides. Stock moto keeps the policy and never reads it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html
"""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError
from moto.events.models import EventBus

from berth_local.aws.access import principal_matches
from berth_local.aws.policies import action_matches, conditions_hold, statements
from berth_local.aws.sharing import organization_of

ACTION = "events:PutEvents"


class NotAuthorized(JsonRESTError):
    """The whole call is refused, as for every denial."""

    def __init__(self, account: str, bus: EventBus) -> None:
        """`account` is the caller's."""
        super().__init__(
            "AccessDeniedException",
            f"User: arn:aws:iam::{account}:root is not authorized to perform: {ACTION} on resource: {bus.arn} because no "
            f"resource-based policy allows the {ACTION} action",
        )


def check(bus: EventBus, account: str) -> None:
    """Raise unless the bus is the account's own, or its policy lets the account in."""
    if account != bus.account_id and not lets_in(bus, account):
        raise NotAuthorized(account, bus)


def lets_in(bus: EventBus, account: str) -> bool:
    """Whether the policy of the bus admits another account."""
    caller = f"arn:aws:iam::{account}:root"
    facts = {"aws:principalaccount": account, "aws:principalarn": caller}
    organization = organization_of(account)
    if organization is not None and organization.org is not None:
        facts["aws:principalorgid"] = organization.org.id
    applies = [
        statement
        for statement in statements(bus.policy)
        if principal_matches(statement.get("Principal"), account, caller)
        and action_matches(statement, ACTION)
        and conditions_hold(statement, facts)
    ]
    return bool(applies) and all(statement.get("Effect") == "Allow" for statement in applies)
