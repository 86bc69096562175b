"""With which role a rule may send to a bus of another account. Stock moto asks for none, and never reads the bus's policy.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
"""

from __future__ import annotations

from moto.events.models import events_backends
from moto.utilities.arns import parse_arn

from berth_local.aws import bus_policies
from berth_local.aws.access import organization_facts, role_named
from berth_local.aws.policies import decides, service_may, statements


def refusal(rule_arn: str, role_arn: str | None, bus_arn: str) -> str | None:
    """Why a rule may not send to a bus of another account; None when it may."""
    account, bus = rule_arn.split(":")[4], parse_arn(bus_arn)
    role = role_named(role_arn or "")
    if role is None or role.arn.split(":")[4] != account:
        return "a bus of another account needs a role of the rule's account"
    if not service_may(role.assume_role_policy_document, "events.amazonaws.com", "sts:AssumeRole", rule_arn):
        return f"the role {role.arn} does not let events.amazonaws.com assume it for {rule_arn}"
    granted = [each for policy in role.policies.values() for each in statements(policy)]
    if not decides(granted, bus_policies.ACTION, bus_arn, organization_facts(account, role.arn)):
        return f"the role {role.arn} may not put events on {bus_arn}"
    if not bus_policies.lets_in(events_backends[bus.account][bus.region].describe_event_bus(bus.resource_id), account):
        return f"the policy of {bus_arn} does not let {account} in"
    return None
