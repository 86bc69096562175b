"""Identity Center: assignments take time, ten at once, and fail when the account lacks what they need."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from twin_worlds import MANAGEMENT, NETWORK, World, code_of, differs_from_stock, fresh

REGION = "eu-west-1"


def _center(aws: World) -> Any:
    return aws.client("sso-admin", MANAGEMENT, REGION)


def _instance(aws: World) -> dict[str, str]:
    return _center(aws).list_instances()["Instances"][0]


def _group(aws: World) -> str:
    store = aws.client("identitystore", MANAGEMENT, REGION)
    return store.create_group(IdentityStoreId=_instance(aws)["IdentityStoreId"], DisplayName=fresh("group"))["GroupId"]


def _permission_set(aws: World, **tags: str) -> str:
    made = _center(aws).create_permission_set(
        Name=fresh("ps")[:32],
        InstanceArn=_instance(aws)["InstanceArn"],
        Tags=[{"Key": f"berth-local:{key.replace('_', '-')}", "Value": value} for key, value in tags.items()],
    )
    return made["PermissionSet"]["PermissionSetArn"]


def _wanted(aws: World, permission_set: str, group: str, account: str = NETWORK) -> dict[str, str]:
    return {
        "InstanceArn": _instance(aws)["InstanceArn"], "TargetId": account, "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": permission_set, "PrincipalType": "GROUP", "PrincipalId": group,
    }  # fmt: skip


def _asked(aws: World, wanted: dict[str, str]) -> dict[str, Any]:
    return _center(aws).create_account_assignment(**wanted)["AccountAssignmentCreationStatus"]


def _assigned(aws: World, wanted: dict[str, str]) -> list[str]:
    found = _center(aws).list_account_assignments(
        InstanceArn=wanted["InstanceArn"], AccountId=wanted["TargetId"], PermissionSetArn=wanted["PermissionSetArn"]
    )
    return [each["PrincipalId"] for each in found["AccountAssignments"]]


def _status(aws: World, asked: dict[str, Any]) -> dict[str, Any]:
    found = _center(aws).describe_account_assignment_creation_status(
        InstanceArn=_instance(aws)["InstanceArn"], AccountAssignmentCreationRequestId=asked["RequestId"]
    )
    return found["AccountAssignmentCreationStatus"]


def _listed(aws: World, status: str) -> list[str]:
    found = _center(aws).list_account_assignment_creation_status(
        InstanceArn=_instance(aws)["InstanceArn"], Filter={"Status": status}
    )
    return [each["RequestId"] for each in found["AccountAssignmentsCreationStatus"]]


@differs_from_stock("assert 'SUCCEEDED' == 'IN_PROGRESS'")
def test_an_assignment_is_in_progress_before_it_is_there(aws: World) -> None:
    wanted = _wanted(aws, _permission_set(aws), _group(aws))
    asked = _asked(aws, wanted)
    assert asked["Status"] == "IN_PROGRESS"
    assert _assigned(aws, wanted) == []
    assert aws.eventually(lambda: _status(aws, asked)["Status"] == "SUCCEEDED")
    assert _assigned(aws, wanted) == [wanted["PrincipalId"]]
    again = _asked(aws, wanted)
    assert aws.eventually(lambda: _status(aws, again)["Status"] == "SUCCEEDED")
    assert _assigned(aws, wanted) == [wanted["PrincipalId"]], "asked for twice, there once"


@differs_from_stock("500")
def test_requests_are_listed_by_their_status(aws: World) -> None:
    asked = _asked(aws, _wanted(aws, _permission_set(aws), _group(aws)))
    assert asked["RequestId"] in _listed(aws, "IN_PROGRESS")
    assert aws.eventually(lambda: asked["RequestId"] in _listed(aws, "SUCCEEDED"))
    assert asked["RequestId"] not in _listed(aws, "IN_PROGRESS")


@differs_from_stock("500")
def test_an_organization_has_ten_requests_and_one_for_each_assignment(aws: World) -> None:
    slow = _permission_set(aws, assignment_seconds="2")
    wanted = [_wanted(aws, slow, _group(aws)) for _ in range(11)]
    assert aws.eventually(lambda: _listed(aws, "IN_PROGRESS") == [])
    answers = [code_of(_center(aws).create_account_assignment, **each) for each in wanted]
    assert answers == ["none"] * 10 + ["ThrottlingException"]
    assert code_of(_center(aws).create_account_assignment, **wanted[0]) == "ConflictException"
    assert aws.eventually(lambda: _listed(aws, "IN_PROGRESS") == [])
    assert code_of(_center(aws).create_account_assignment, **wanted[10]) == "none"


@differs_from_stock("'SUCCEEDED'|FAILED|assert")
def test_an_assignment_fails_without_a_policy_of_its_permission_set(aws: World) -> None:
    permission_set, name = _permission_set(aws), fresh("audit")
    _center(aws).attach_customer_managed_policy_reference_to_permission_set(
        InstanceArn=_instance(aws)["InstanceArn"],
        PermissionSetArn=permission_set,
        CustomerManagedPolicyReference={"Name": name, "Path": "/tenant/"},
    )
    wanted = _wanted(aws, permission_set, _group(aws))
    asked = _asked(aws, wanted)
    assert aws.eventually(lambda: _status(aws, asked)["Status"] == "FAILED")
    assert f"/tenant/{name}" in _status(aws, asked)["FailureReason"]
    assert asked["RequestId"] in _listed(aws, "FAILED")
    assert _assigned(aws, wanted) == []


@differs_from_stock("'none'")
def test_groups_permission_sets_and_accounts_must_exist(aws: World) -> None:
    permission_set, group = _permission_set(aws), _group(aws)
    ask = _center(aws).create_account_assignment
    assert code_of(ask, **_wanted(aws, permission_set + "x", group)) == "ResourceNotFoundException"
    assert code_of(ask, **_wanted(aws, permission_set, "nobody")) == "ResourceNotFoundException"
    assert code_of(ask, **_wanted(aws, permission_set, group, "600000000999")) == "ResourceNotFoundException"


@differs_from_stock("ssoins-")
def test_the_instance_has_the_same_ids_after_every_start(aws: World) -> None:
    found = _instance(aws)
    assert found["InstanceArn"] == "arn:aws:sso:::instance/ssoins-1ca1be4700000001"
    assert found["IdentityStoreId"] == "d-1ca1be4700"


@differs_from_stock("3600")
def test_a_session_is_an_hour_long_unless_said_otherwise(aws: World) -> None:
    described = _center(aws).describe_permission_set(
        InstanceArn=_instance(aws)["InstanceArn"], PermissionSetArn=_permission_set(aws)
    )
    assert described["PermissionSet"]["SessionDuration"] == "PT1H"


@differs_from_stock(":instance/")
def test_a_permission_set_has_an_arn_as_on_aws(aws: World) -> None:
    instance = _instance(aws)["InstanceArn"].rsplit("/", 1)[-1]
    assert _permission_set(aws).startswith(f"arn:aws:sso:::permissionSet/{instance}/ps-")


def test_groups_that_are_made_and_looked_for_at_once_are_all_there(ours: World) -> None:
    """Stock fails only now and then: it looks through its groups while others are made."""
    store, prefix = _instance(ours)["IdentityStoreId"], fresh("at-once")
    # A client is safe to share between threads; whose it is at the moment is a thread's own.
    client = ours.client("identitystore", MANAGEMENT, REGION)

    def made(number: int) -> str:
        name = f"{prefix}-{number}"
        group = client.create_group(IdentityStoreId=store, DisplayName=name)["GroupId"]
        by_name = {"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": name}}
        found = client.get_group_id(IdentityStoreId=store, AlternateIdentifier=by_name)["GroupId"]
        assert found == group
        return found

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(made, range(200)))) == 200
