"""AWS managed policies, each made in an account when it is first named.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
Stock moto has either none of them, or all of them in every account, which costs seconds and memory for each account.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

from berth_local.aws.replacing import wrap

PREFIX = "arn:aws:iam::aws:policy"


@functools.cache
def known_policies() -> dict[str, tuple[str, dict[str, Any]]]:
    """Name and data of every AWS managed policy, by ARN."""
    return {
        f"{PREFIX}{data['Path']}{name}": (name, data) for name, data in json.loads(aws_managed_policies_data).items()
    }


def make_known(backend: IAMBackend, policy_arn: str) -> None:
    """Put the policy into the account, if AWS has it and the account does not have it yet."""
    if not policy_arn.startswith(PREFIX) or policy_arn in backend.managed_policies:
        return
    if policy_arn in known_policies():
        name, data = known_policies()[policy_arn]
        policy = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, data)
        backend.managed_policies[policy_arn] = policy
        backend.aws_managed_policies.append(policy)


def install() -> None:
    """Look before every operation that names a policy."""
    for name in ("attach_role_policy", "attach_user_policy", "attach_group_policy", "get_policy", "get_policy_version"):

        @wrap(IAMBackend, name)
        def with_policy(original: Any, self: IAMBackend, policy_arn: str, *args: Any, **fields: Any) -> Any:
            make_known(self, policy_arn)
            return original(self, policy_arn, *args, **fields)
