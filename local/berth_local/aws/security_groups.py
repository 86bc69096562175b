"""The default security group of a VPC lets its own members in, as on AWS. Stock moto's default group has no such rule.

https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html
A step that closes the default group must revoke this rule too; without it here, forgetting that would go unnoticed.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from berth_local.aws.replacing import wrap


def install() -> None:
    """Add the rule to every default group that is made, and keep the group as long as its VPC."""

    @wrap(EC2Response, "delete_security_group")
    def delete_security_group(original: Any, self: EC2Response) -> Any:
        group = self.ec2_backend.get_security_group_from_id(self._get_param("GroupId") or "")
        if group is not None and group.name == "default":
            message = f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
            raise EC2ClientError("CannotDelete", message)
        return original(self)

    @wrap(EC2Backend, "create_security_group")
    def create_security_group(original: Any, self: EC2Backend, *args: Any, **fields: Any) -> Any:
        group = original(self, *args, **fields)
        if fields.get("is_default"):
            self.authorize_security_group_ingress(
                group.id, "-1", None, None, [], source_groups=[{"GroupId": group.id}], vpc_id=group.vpc_id
            )
        return group
