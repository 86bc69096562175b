"""Policies of the organization (Organizations CreatePolicy, AttachPolicy)."""

from __future__ import annotations

import json

from berth_local.stack.intrinsics import Made
from berth_local.stack.resources.maker import Maker, Properties, Target, maker, picked


def _policy(target: Target, properties: Properties) -> Made:
    client = target.client("organizations")
    request = picked(properties, "Name Description Type Tags")
    content = json.dumps(properties["Content"], separators=(",", ":"))
    made = client.create_policy(Content=content, **request)["Policy"]["PolicySummary"]
    for each in properties.get("TargetIds", []):
        client.attach_policy(PolicyId=made["Id"], TargetId=each)
    return Made(made["Id"], {"Arn": made["Arn"], "Id": made["Id"]})


MAKERS: dict[str, Maker] = {
    "AWS::Organizations::Policy": maker(_policy, "Content Description Name Tags TargetIds Type")
}
