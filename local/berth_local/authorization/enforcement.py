"""Refuses calls that IAM would refuse, each in the words of its service.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from __future__ import annotations

from dataclasses import dataclass

from berth_local.gateway.identify import ApiCall
from berth_local.gateway.identities import Caller

from .evaluate import Decision, Request, decide
from .principals import policies_of
from .requests import NotDescribed, requests_of

# The codes with which services refuse; all others say AccessDeniedException.
_CODES = {
    "ec2": "UnauthorizedOperation", "iam": "AccessDenied", "sts": "AccessDenied", "s3": "AccessDenied",
    "sqs": "AccessDenied", "backup": "AccessDeniedException", "events": "AccessDeniedException",
}  # fmt: skip
_UNNAMED = "because no {0} allows the {1} action"


@dataclass(frozen=True)
class Refusal:
    """What a service answers."""

    status: int
    code: str
    message: str


@dataclass(frozen=True)
class Verdict:
    """What was asked and decided of a call. `refusal` is None when all of it is allowed."""

    requests: list[tuple[Request, Decision]]
    refusal: Refusal | None


def verdict_on(call: ApiCall, raw_path: str, body: bytes, caller: Caller) -> Verdict:
    """Decides a call of a role. Calls of users, of root and of the emulator itself are not decided.

    A session must be narrowed: of a role of Berth in another account, one without a session policy is refused.

    Raises:
        NotDescribed: nobody has said what the call is authorized on.
    """
    role = caller.chain[-1]
    policies = policies_of(role, caller.session_policy)
    decided: list[tuple[Request, Decision]] = []
    for request in requests_of(call, raw_path, body, caller.account, role):
        if policies is None:
            decision = Decision(False, "identity-based policy")
        elif is_unnarrowed(caller):
            decision = Decision(False, "session policy")
        else:
            decision = decide(request, policies)
        decided.append((request, decision))
        if not decision.allowed:
            return Verdict(decided, refusal(call, caller, request, decision))
    return Verdict(decided, None)


def is_unnarrowed(caller: Caller) -> bool:
    """Whether a function works with a role of another account, or of another name, in a session that nothing narrows."""
    return caller.copy is not None and len(caller.chain) > 1 and not caller.session_policy


def refusal(call: ApiCall, caller: Caller, request: Request, decision: Decision) -> Refusal:
    """The answer to a call that is not allowed."""
    who = f"arn:aws:sts::{caller.account}:assumed-role/{caller.role}/{caller.session}"
    on = "" if request.resource == "*" else f" on resource: {request.resource}"
    why = (
        f"with an explicit deny in a {decision.reason}"
        if decision.explicit
        else _UNNAMED.format(decision.reason, request.action)
    )
    if call.service == "ec2":
        message = f"You are not authorized to perform this operation. User: {who} is not authorized to perform: {request.action}{on} {why}"
    else:
        message = f"User: {who} is not authorized to perform: {request.action}{on} {why}"
    status = 400 if call.protocol.startswith("json") else 403
    return Refusal(status, _CODES.get(call.service, "AccessDeniedException"), message)


__all__ = ["NotDescribed", "Refusal", "Verdict", "refusal", "verdict_on"]
