"""The evaluation against what AWS documents, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from berth_local.authorization.evaluate import NotKnown, Policies, Request, arn_like, decide, like

LOGIC = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
OPERATORS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"
MULTI = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html"
ELEMENTS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html"
VARIABLES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"
SCP = "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html"
BUCKET = "arn:aws:s3:::bucket/key"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Resource": "*", **each} for each in statements]}


def allow(action: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, **more}


def deny(action: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, **more}


ALL = policy(allow())
# Where AWS says it, policies, keys of the request, and whether s3:GetObject on bucket/key is allowed.
DOCUMENTED: list[tuple[str, Policies, dict[str, Any], bool]] = [
    (LOGIC, Policies([]), {}, False),
    (LOGIC, Policies([ALL]), {}, True),
    (LOGIC, Policies([ALL, policy(deny("s3:GetObject"))]), {}, False),
    (LOGIC, Policies([policy(allow("s3:GetObject"))], boundary=ALL), {}, True),
    (LOGIC, Policies([ALL], boundary=policy(allow("ec2:*"))), {}, False),
    (LOGIC, Policies([], boundary=ALL), {}, False),
    (LOGIC, Policies([ALL], session=policy(allow("s3:PutObject"))), {}, False),
    (LOGIC, Policies([policy(allow("s3:PutObject"))], session=ALL), {}, False),
    (LOGIC, Policies([ALL], boundary=ALL, session=ALL, organization=[[ALL]]), {}, True),
    (LOGIC, Policies([ALL], boundary=policy(allow(), deny("s3:GetObject"))), {}, False),
    (SCP, Policies([ALL], organization=[[ALL], [policy(allow("ec2:*"))]]), {}, False),
    (SCP, Policies([ALL], organization=[[ALL], [ALL, policy(deny("s3:*"))]]), {}, False),
    (SCP, Policies([ALL], organization=[[ALL], []]), {}, False),
    (SCP, Policies([], organization=[[ALL]]), {}, False),
    (ELEMENTS, Policies([policy({"Effect": "Allow", "NotAction": "iam:*"})]), {}, True),
    (ELEMENTS, Policies([policy({"Effect": "Allow", "NotAction": ["s3:Get*"]})]), {}, False),
    (ELEMENTS, Policies([policy(allow("S3:getobject"))]), {}, True),
    (ELEMENTS, Policies([policy(allow(Resource="arn:aws:s3:::bucket/*"))]), {}, True),
    (ELEMENTS, Policies([policy(allow(Resource="arn:aws:s3:::bucket"))]), {}, False),
    (OPERATORS, Policies([policy(allow(Condition={"StringEquals": {"a:b": ["x", "y"]}}))]), {"a:b": "y"}, True),
    (OPERATORS, Policies([policy(allow(Condition={"StringEquals": {"a:b": "x"}}))]), {}, False),
    (OPERATORS, Policies([policy(allow(Condition={"StringEquals": {"a:b": "x"}}))]), {"a:b": "X"}, False),
    (OPERATORS, Policies([policy(allow(Condition={"StringNotEquals": {"a:b": "x"}}))]), {}, True),
    (OPERATORS, Policies([policy(allow(Condition={"StringNotLike": {"a:b": ["x*", "y*"]}}))]), {"a:b": "yes"}, False),
    (OPERATORS, Policies([policy(allow(Condition={"StringEqualsIfExists": {"a:b": "x"}}))]), {}, True),
    (OPERATORS, Policies([policy(allow(Condition={"StringEqualsIfExists": {"a:b": "x"}}))]), {"a:b": "y"}, False),
    (OPERATORS, Policies([policy(allow(Condition={"Null": {"a:b": "true"}}))]), {}, True),
    (OPERATORS, Policies([policy(allow(Condition={"Null": {"a:b": "false"}}))]), {}, False),
    (OPERATORS, Policies([policy(allow(Condition={"Bool": {"a:b": "true"}}))]), {"a:b": "true"}, True),
    (OPERATORS, Policies([policy(allow(Condition={"StringEquals": {"a:b": "x", "a:c": "y"}}))]), {"a:b": "x"}, False),
    (OPERATORS, Policies([policy(allow(Condition={"ArnLike": {"a:b": "arn:aws:iam::*:role/x*"}}))]), {"a:b": "arn:aws:iam::1:role/xy"}, True),
    (OPERATORS, Policies([policy(allow(Condition={"ArnNotLike": {"a:b": "arn:aws:iam::*:role/x"}}))]), {"a:b": "arn:aws:iam::1:role/x"}, False),
    (MULTI, Policies([policy(allow(Condition={"ForAllValues:StringLike": {"a:b": "x*"}}))]), {"a:b": ["x1", "x2"]}, True),
    (MULTI, Policies([policy(allow(Condition={"ForAllValues:StringLike": {"a:b": "x*"}}))]), {"a:b": ["x1", "y"]}, False),
    (MULTI, Policies([policy(allow(Condition={"ForAllValues:StringLike": {"a:b": "x*"}}))]), {"a:b": []}, True),
    (MULTI, Policies([policy(allow(Condition={"ForAnyValue:StringLike": {"a:b": "x*"}}))]), {"a:b": ["y", "x1"]}, True),
    (MULTI, Policies([policy(allow(Condition={"ForAnyValue:StringLike": {"a:b": "x*"}}))]), {}, False),
    (VARIABLES, Policies([policy(allow(Resource="arn:aws:s3:::${a:b}/*"))]), {"a:b": "bucket"}, True),
    (VARIABLES, Policies([policy(allow(Resource="arn:aws:s3:::${a:b}/*"))]), {}, False),
    (VARIABLES, Policies([policy(allow(Resource="arn:aws:s3:::bucket/${*}"))]), {}, False),
]  # fmt: skip


@pytest.mark.parametrize(("url", "policies", "keys", "allowed"), DOCUMENTED)
def test_a_case_is_decided_as_aws_documents_it(
    url: str, policies: Policies, keys: dict[str, Any], allowed: bool
) -> None:
    assert decide(Request("s3:GetObject", BUCKET, keys), policies).allowed is allowed, url


def test_what_denies_is_named_as_aws_names_it() -> None:
    request = Request("s3:GetObject", BUCKET)
    reasons = [
        (Policies([]), "identity-based policy", False),
        (Policies([ALL], session=policy(allow("ec2:*"))), "session policy", False),
        (Policies([ALL], boundary=policy(allow("ec2:*"))), "permissions boundary", False),
        (Policies([ALL], organization=[[policy(allow(), deny())]]), "service control policy", True),
    ]
    for policies, reason, explicit in reasons:
        decision = decide(request, policies)
        assert (decision.reason, decision.explicit) == (reason, explicit)


def test_the_statements_that_allow_are_told() -> None:
    both = policy(allow("s3:Get*", Sid="A"), allow("s3:GetObject", Sid="B"), allow("ec2:*", Sid="C"))
    assert decide(Request("s3:GetObject", BUCKET), Policies([both])).used == ("A", "B")


def test_an_action_without_resources_is_allowed_on_all_only() -> None:
    request = Request("ec2:DescribeVpcs", "*")
    assert decide(request, Policies([policy(allow("ec2:DescribeVpcs"))])).allowed
    assert not decide(request, Policies([policy(allow("ec2:DescribeVpcs", Resource="arn:aws:ec2:*:*:vpc/*"))])).allowed


def test_a_star_reaches_no_further_than_its_part_of_an_arn() -> None:
    assert arn_like("arn:aws:iam::*:role/*", "arn:aws:iam::1:role/a/b")
    assert not arn_like("arn:aws:iam::*", "arn:aws:iam::1:role/a")
    assert not arn_like("arn:aws:iam::*:role/a", "arn:aws:iam::1:user:role/a")
    assert like("a?c*", "abcd") and not like("a?c", "ac") and not like("a.c", "abc")


@pytest.mark.parametrize(
    "statement",
    [
        allow(Condition={"NumericLessThan": {"a:b": "1"}}),
        allow(Principal="*"),
        allow(Condition={"StringEquals": {"a:c": "x"}}),
    ],
)
def test_what_the_evaluation_does_not_know_is_no_guess(statement: dict[str, Any]) -> None:
    with pytest.raises(NotKnown):
        decide(Request("s3:GetObject", BUCKET, {"a:b": "1", "a:c": ["x", "y"]}), Policies([policy(statement)]))
