"""What the local AWS refuses, and in whose words."""

from __future__ import annotations

from typing import Any

import pytest

from berth_local.authorization import enforcement
from berth_local.authorization.evaluate import Policies, Request
from berth_local.gateway.effects import Effect
from berth_local.gateway.error_bodies import error_answer, error_code
from berth_local.gateway.guard import Guard
from berth_local.gateway.identify import ApiCall
from berth_local.gateway.identities import Caller
from berth_local.gateway.recording import Recording

ALL = {"Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}]}
HUB = "arn:aws:iam::210987654321:role/berth-provision-vpc"
TENANT = "arn:aws:iam::111122223333:role/BerthTenant"


class _Copy:
    """Stands for a copy of a function."""


def session(policy: str, *chain: str) -> Caller:
    copy: Any = _Copy()
    return Caller("111122223333", chain[-1].rsplit("/", 1)[-1], "berth", chain, copy, session_policy=policy)


def call(service: str, protocol: str, operation: str = "DescribeVpcs") -> ApiCall:
    return ApiCall(service, "eu-west-1", operation, protocol, "ASIA", Effect.READ)


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A role that may do everything, asked for one thing."""

    def policies(_arn: str, narrowed: str) -> Policies:
        return Policies([ALL], session={"Statement": []} if narrowed == "nothing" else None)

    monkeypatch.setattr(enforcement, "policies_of", policies)
    monkeypatch.setattr(enforcement, "requests_of", lambda *_: [Request("ec2:DescribeVpcs", "*")])


@pytest.mark.usefixtures("allowed")
def test_a_session_of_a_function_without_a_session_policy_is_refused() -> None:
    asked = call("ec2", "ec2")
    refused = enforcement.verdict_on(asked, "/", b"", session("", HUB, TENANT)).refusal
    assert refused is not None and "because no session policy allows the ec2:DescribeVpcs action" in refused.message
    assert enforcement.verdict_on(asked, "/", b"", session("{}", HUB, TENANT)).refusal is None
    # Its own role has no session policy.
    assert enforcement.verdict_on(asked, "/", b"", session("", HUB)).refusal is None


@pytest.mark.usefixtures("allowed")
def test_what_the_session_policy_leaves_out_is_refused() -> None:
    verdict = enforcement.verdict_on(call("ec2", "ec2"), "/", b"", session("nothing", HUB, TENANT))
    assert verdict.refusal is not None and "no session policy" in verdict.refusal.message


@pytest.mark.parametrize(
    ("service", "protocol", "status", "code"),
    [
        ("ec2", "ec2", 403, "UnauthorizedOperation"),
        ("iam", "query", 403, "AccessDenied"),
        ("sts", "query", 403, "AccessDenied"),
        ("dynamodb", "json-1.0", 400, "AccessDeniedException"),
        ("sso", "json-1.1", 400, "AccessDeniedException"),
        ("eks", "rest-json", 403, "AccessDeniedException"),
        ("s3", "rest-xml", 403, "AccessDenied"),
    ],
)
@pytest.mark.usefixtures("allowed")
def test_each_service_refuses_in_its_own_words(service: str, protocol: str, status: int, code: str) -> None:
    asked = call(service, protocol)
    refusal = enforcement.verdict_on(asked, "/", b"", session("nothing", HUB, TENANT)).refusal
    assert refusal is not None and (refusal.status, refusal.code) == (status, code)
    who = (
        "User: arn:aws:sts::111122223333:assumed-role/BerthTenant/berth is not authorized to perform: ec2:DescribeVpcs"
    )
    assert who in refusal.message
    assert error_code(error_answer(protocol, service, refusal.status, refusal.code, refusal.message)) == code


def test_what_nobody_described_is_refused_and_not_let_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enforcement, "policies_of", lambda *_: Policies([ALL]))
    found = Guard(True, Recording(None)).refusal(
        call("lightsail", "json-1.1"), "/", b"", Caller("1", "a", "b", (TENANT,))
    )
    assert found is not None and found.status == 501 and "does not describe lightsail:DescribeVpcs" in found.message


def test_people_and_the_emulator_itself_are_not_decided() -> None:
    guard = Guard(True, Recording(None))
    assert guard.decides(session("", HUB))
    for other in (
        Caller("1"),
        Caller("1", plumbing=True, chain=(HUB,)),
        Caller("1", "OrganizationAccountAccessRole", "", (HUB,)),
    ):
        assert not guard.decides(other)
    assert not Guard(False, Recording(None)).decides(session("", HUB))
