"""What service-managed StackSets deploy into an account that enters one of their units.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-manage-auto-deployment.html
AWS does it some seconds to minutes later; here the account has everything when `create_account` returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from berth_local.access import Access, Credentials
from berth_local.stack.load import Stack, load
from berth_local.stack.resources.maker import Target

StackSet = dict[str, Any]
"""`units`, `region`, `parameters` and `template`, as `stack/resources/stack_sets.py` remembers them."""


def stack_sets_of(stacks: Iterable[Stack]) -> list[StackSet]:
    """Every StackSet that the stacks made."""
    return [made.remembered for stack in stacks for made in stack.made.values() if made.remembered is not None]


def deploy(access: Access, account: Credentials, unit: str, stack_sets: Sequence[StackSet]) -> None:
    """Loads into an account the template of every StackSet that deploys to its unit.

    Raises:
        LocalError: a resource could not be made.
    """
    for stack_set in stack_sets:
        if unit in stack_set["units"]:
            load(stack_set["template"], stack_set["parameters"], Target(access, account, stack_set["region"]))
