"""Accounts: who may assume what, and what Organizations tells about them."""

from __future__ import annotations

import json
from typing import Any

from twin_worlds import HUB, MANAGEMENT, NETWORK, World, code_of, differs_from_stock, fresh

EXTERNAL_ID = {"StringEquals": {"sts:ExternalId": "berth-local"}}


def _role(aws: World, account: str, principal: str, condition: dict[str, Any] | None = None) -> str:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    name = fresh("role")
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam", account).create_role(RoleName=name, AssumeRolePolicyDocument=document)
    return f"arn:aws:iam::{account}:role/{name}"


def _assume(aws: World, role: str, account: str = HUB, **fields: str) -> str:
    return code_of(aws.client("sts", account).assume_role, RoleArn=role, RoleSessionName="test", **fields)


def _keys(aws: World, role: str, account: str = HUB, **fields: str) -> dict[str, str]:
    found = aws.client("sts", account).assume_role(RoleArn=role, RoleSessionName="test", **fields)["Credentials"]
    return {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }


@differs_from_stock("123456789012")
def test_an_unknown_key_is_the_hub(aws: World) -> None:
    client = aws.client_with("sts", {"aws_access_key_id": "AKIANOBODY", "aws_secret_access_key": "x"})
    account = client.get_caller_identity()["Account"]
    assert account == HUB, account


@differs_from_stock("none")
def test_a_role_that_does_not_exist_cannot_be_assumed(aws: World) -> None:
    assert _assume(aws, f"arn:aws:iam::{NETWORK}:role/never-made") == "AccessDenied"


@differs_from_stock("none")
def test_the_external_id_is_demanded(aws: World) -> None:
    role = _role(aws, NETWORK, f"arn:aws:iam::{HUB}:root", EXTERNAL_ID)
    assert _assume(aws, role) == "AccessDenied"
    assert _assume(aws, role, ExternalId="guess") == "AccessDenied"
    assert _assume(aws, role, ExternalId="berth-local") == "none"


@differs_from_stock("none")
def test_only_the_trusted_account_may_assume(aws: World) -> None:
    role = _role(aws, NETWORK, f"arn:aws:iam::{HUB}:root")
    assert _assume(aws, role, MANAGEMENT) == "AccessDenied"
    assert _assume(aws, role) == "none"


@differs_from_stock("none")
def test_an_exact_role_may_be_trusted(aws: World) -> None:
    middle = _role(aws, HUB, f"arn:aws:iam::{HUB}:root")
    target = _role(aws, NETWORK, middle)
    assert _assume(aws, target) == "AccessDenied"
    through = aws.client_with("sts", _keys(aws, middle))
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    answer = through.assume_role(RoleArn=target, RoleSessionName="two", Policy=policy)
    assert answer["AssumedRoleUser"]["Arn"].startswith(f"arn:aws:sts::{NETWORK}:assumed-role/")


@differs_from_stock("EntityAlreadyExists|AWSServiceRoleFortransitgateway")
def test_a_service_linked_role_has_its_name_and_is_made_once(aws: World) -> None:
    account = "700000000001"
    iam = aws.client("iam", account)
    made = iam.create_service_linked_role(AWSServiceName="transitgateway.amazonaws.com")["Role"]
    assert made["RoleName"] == "AWSServiceRoleForVPCTransitGateway", made["RoleName"]
    again = code_of(iam.create_service_linked_role, AWSServiceName="transitgateway.amazonaws.com")
    assert again == "InvalidInput", again


@differs_from_stock("Paths")
def test_an_account_tells_its_state_and_its_path(aws: World) -> None:
    organizations = aws.client("organizations", MANAGEMENT)
    organization = organizations.describe_organization()["Organization"]["Id"]
    root = organizations.list_roots()["Roots"][0]["Id"]
    outer = organizations.create_organizational_unit(ParentId=root, Name=fresh("ou"))["OrganizationalUnit"]["Id"]
    inner = organizations.create_organizational_unit(ParentId=outer, Name=fresh("ou"))["OrganizationalUnit"]["Id"]
    account = _account(aws)
    organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=inner)
    found = organizations.describe_account(AccountId=account)["Account"]
    assert (found["State"], found["Status"]) == ("ACTIVE", "ACTIVE")
    assert found.get("Paths") == [f"{organization}/{root}/{outer}/{inner}/{account}/"], "no Paths"
    organizations.close_account(AccountId=account)
    assert organizations.describe_account(AccountId=account)["Account"]["State"] == "SUSPENDED"
    listed = {each["Id"]: each for each in _all_accounts(organizations)}
    assert listed[account]["Paths"] == found["Paths"]


def _account(aws: World, **fields: Any) -> str:
    made = aws.client("organizations", MANAGEMENT).create_account(
        AccountName=fresh("a"), Email=f"{fresh('a')}@example.com", **fields
    )
    return made["CreateAccountStatus"]["AccountId"]


def _all_accounts(organizations: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    for _ in range(200):
        page = organizations.list_accounts(**more)
        found += page["Accounts"]
        if not page.get("NextToken"):
            break
        more = {"NextToken": page["NextToken"]}
    return found


@differs_from_stock("ids|o-|r-|ou-")
def test_ids_are_those_that_were_asked_for(aws: World) -> None:
    organizations = aws.client("organizations", MANAGEMENT)
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="dev")["OrganizationalUnit"]["Id"]
    ids = (organizations.describe_organization()["Organization"]["Id"], root, unit)
    assert ids == ("o-berthlocal", "r-ab12", "ou-ab12-dev00001"), "ids"
    assert NETWORK in [each["Id"] for each in _all_accounts(organizations)]


@differs_from_stock("AccountNotFound|none")
def test_a_member_may_not_read_the_organization(aws: World) -> None:
    member = _account(aws)
    organizations = aws.client("organizations", member)
    assert organizations.describe_organization()["Organization"]["MasterAccountId"] == MANAGEMENT
    assert code_of(organizations.describe_account, AccountId=member) == "AccessDeniedException"
    assert code_of(organizations.list_accounts) == "AccessDeniedException"


@differs_from_stock("none")
def test_an_account_moves_only_from_where_it_is(aws: World) -> None:
    organizations = aws.client("organizations", MANAGEMENT)
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name=fresh("ou"))["OrganizationalUnit"]["Id"]
    account = _account(aws, Tags=[{"Key": "berth:tenant", "Value": "x"}])
    move = {"AccountId": account, "SourceParentId": root, "DestinationParentId": unit}
    assert (
        code_of(organizations.move_account, **{**move, "SourceParentId": unit, "DestinationParentId": root}) != "none"
    )
    assert code_of(organizations.move_account, **move) == "none"
    assert code_of(organizations.move_account, **move) == "DuplicateAccountException"
    tags = organizations.list_tags_for_resource(ResourceId=account)["Tags"]
    assert tags == [{"Key": "berth:tenant", "Value": "x"}]


def test_the_bootstrap_role_of_a_new_account_trusts_the_management_account(ours: World) -> None:
    account = _account(ours)
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    assert _assume(ours, role) == "AccessDenied"
    keys = _keys(ours, role, MANAGEMENT)
    assert ours.client_with("sts", keys).get_caller_identity()["Account"] == account


@differs_from_stock(r"assert 'none' == 'UnmodifiableEntity'")
def test_nobody_but_its_service_changes_a_service_linked_role(aws: World) -> None:
    iam = aws.client("iam", "600000000198")
    name = iam.create_service_linked_role(AWSServiceName="transitgateway.amazonaws.com")["Role"]["RoleName"]
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    for call, more in (
        (iam.put_role_policy, {"PolicyName": "mine", "PolicyDocument": document}),
        (iam.update_role, {"MaxSessionDuration": 7200}),
        (iam.delete_role, {}),
    ):
        assert code_of(call, RoleName=name, **more) == "UnmodifiableEntity"


def test_an_account_gets_another_name_and_organizations_shows_it(ours: World) -> None:
    account = _account(ours)
    management = ours.client("account", MANAGEMENT)
    management.put_account_name(AccountId=account, AccountName="another-dev")
    assert management.get_account_information(AccountId=account)["AccountName"] == "another-dev"
    shown = ours.client("organizations", MANAGEMENT).describe_account(AccountId=account)["Account"]
    assert shown["Name"] == "another-dev"
    # Its own administrators may, too.
    ours.client("account", account).put_account_name(AccountName="third-dev")
    shown = ours.client("organizations", MANAGEMENT).describe_account(AccountId=account)["Account"]
    assert shown["Name"] == "third-dev"
