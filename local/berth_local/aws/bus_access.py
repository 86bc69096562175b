"""EventBridge: who may put events on a bus, and with which role a rule may send to a bus of another account.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
Stock moto lets every account put any event on every bus, and asks for no role.
"""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import ServiceException
from moto.events.models import events_backends
from moto.events.responses import EventsHandler
from moto.utilities.arns import parse_arn

from berth_local.aws.access import caller, organization_facts, principal_matches, role_named
from berth_local.aws.policies import decides, service_may, statements
from berth_local.aws.replacing import wrap

PUT_EVENTS = "events:PutEvents"


class AccessDenied(ServiceException):
    """EventBridge refused the whole request."""

    code = "AccessDeniedException"


def bus_admits(bus_arn: str, account: str, principal: str, event: dict[str, Any]) -> bool:
    """Whether the policy of a bus lets a principal of another account put this event on it."""
    arn = parse_arn(bus_arn)
    bus = events_backends[arn.account][arn.region].event_buses.get(arn.resource_id)
    facts = {
        **organization_facts(account, principal),
        "events:source": event["source"],
        "events:detail-type": event["detail-type"],
    }
    policy = statements(bus.policy) if bus is not None else []
    applying = [each for each in policy if principal_matches(each.get("Principal"), account, principal)]
    return decides(applying, PUT_EVENTS, bus_arn, facts)


def rule_may(rule_arn: str, role_arn: str | None, bus_arn: str, event: dict[str, Any]) -> str | None:
    """Why a rule may not send to a bus of another account; None when it may."""
    role = role_named(role_arn or "")
    if role is None or role_arn is None or role_arn.split(":")[4] != rule_arn.split(":")[4]:
        return "a bus of another account needs a role of the rule's account"
    if not service_may(role.assume_role_policy_document, "events.amazonaws.com", "sts:AssumeRole", rule_arn):
        return f"the role {role_arn} does not let events.amazonaws.com assume it for {rule_arn}"
    account = role_arn.split(":")[4]
    granted = [each for policy in role.policies.values() for each in statements(policy)]
    if not decides(granted, PUT_EVENTS, bus_arn, organization_facts(account, role_arn)):
        return f"the role {role_arn} may not put events on {bus_arn}"
    if not bus_admits(bus_arn, account, role_arn, event):
        return f"the policy of {bus_arn} does not admit {role_arn}"
    return None


def install() -> None:
    """Ask the bus's policy before a PutEvents of another account. EventBridge refuses the whole request."""

    @wrap(EventsHandler, "put_events")
    def put_events(original: Any, self: EventsHandler) -> str:
        account, principal = caller(self)
        for entry in self._get_param("Entries") or []:
            bus = entry.get("EventBusName") or ""
            if not bus.startswith("arn:") or bus.split(":")[4] == account:
                continue
            event = {"source": entry.get("Source", ""), "detail-type": entry.get("DetailType", "")}
            if not bus_admits(bus, account, principal, event):
                raise AccessDenied(
                    f"User: {principal} is not authorized to perform: {PUT_EVENTS} on resource: {bus} because no "
                    f"resource-based policy allows the {PUT_EVENTS} action"
                )
        return original(self)
