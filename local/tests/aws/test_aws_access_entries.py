"""EKS: authentication modes and access entries."""

from __future__ import annotations

from typing import Any

from twin_worlds import HUB, TENANT, World, code_of, differs_from_stock, fresh

REGION = "eu-west-1"
STOCK = "404|Not Found|UnknownError"


def _eks(aws: World) -> Any:
    return aws.client("eks", HUB, REGION)


def _cluster(aws: World, mode: str | None = "API") -> str:
    name = fresh("cluster")
    access = {"accessConfig": {"authenticationMode": mode}} if mode else {}
    _eks(aws).create_cluster(
        name=name, roleArn=f"arn:aws:iam::{HUB}:role/eks", resourcesVpcConfig={"subnetIds": ["subnet-1"]}, **access
    )
    return name


def _role(aws: World, name: str | None = None) -> str:
    made = aws.client("iam", TENANT).create_role(
        RoleName=name or fresh("role"), Path="/tenant/", AssumeRolePolicyDocument='{"Version": "2012-10-17"}'
    )
    return made["Role"]["Arn"]


@differs_from_stock(STOCK)
def test_an_access_entry_is_made_read_changed_tagged_listed_and_deleted(aws: World) -> None:
    eks, cluster, role = _eks(aws), _cluster(aws), _role(aws)
    made = eks.create_access_entry(
        clusterName=cluster, principalArn=role, kubernetesGroups=["tenant:a:edit"], tags={"berth:account": TENANT}
    )["accessEntry"]
    assert (made["type"], made["kubernetesGroups"]) == ("STANDARD", ["tenant:a:edit"])
    assert made["username"].startswith(f"arn:aws:sts::{TENANT}:assumed-role/")

    def seen() -> dict[str, Any]:
        return eks.describe_access_entry(clusterName=cluster, principalArn=role)["accessEntry"]

    assert seen() == made
    assert code_of(eks.create_access_entry, clusterName=cluster, principalArn=role) == "ResourceInUseException"
    eks.tag_resource(resourceArn=made["accessEntryArn"], tags={"more": "1", "most": "2"})
    assert seen()["tags"] == {"berth:account": TENANT, "more": "1", "most": "2"}
    eks.untag_resource(resourceArn=made["accessEntryArn"], tagKeys=["berth:account", "most"])
    assert seen()["tags"] == {"more": "1"}
    eks.update_access_entry(clusterName=cluster, principalArn=role, username="somebody")
    assert seen()["kubernetesGroups"] == ["tenant:a:edit"], "what is not sent stays"
    eks.update_access_entry(clusterName=cluster, principalArn=role, kubernetesGroups=[])
    assert seen()["kubernetesGroups"] == []
    assert eks.list_access_entries(clusterName=cluster)["accessEntries"] == [role]
    eks.delete_access_entry(clusterName=cluster, principalArn=role)
    assert code_of(eks.describe_access_entry, clusterName=cluster, principalArn=role) == "ResourceNotFoundException"
    assert eks.list_access_entries(clusterName=cluster)["accessEntries"] == []


@differs_from_stock(STOCK)
def test_principals_and_groups_are_checked(aws: World) -> None:
    eks, cluster, role = _eks(aws), _cluster(aws), _role(aws)
    for principal in (f"{role}x", f"arn:aws:sts::{TENANT}:assumed-role/a/b", "nobody"):
        code = code_of(eks.create_access_entry, clusterName=cluster, principalArn=principal)
        assert code == "InvalidParameterException", principal
    for group in ("system:masters", "eks:x", "iam:x"):
        wanted = {"clusterName": cluster, "principalArn": role, "kubernetesGroups": [group]}
        assert code_of(eks.create_access_entry, **wanted) == "InvalidParameterException", group
    assert code_of(eks.list_access_entries, clusterName="nowhere") == "ResourceNotFoundException"


@differs_from_stock("assert None == ")
def test_a_config_map_cluster_has_no_entries_until_its_mode_changes(aws: World) -> None:
    eks, cluster, role = _eks(aws), _cluster(aws, mode=None), _role(aws)
    access = eks.describe_cluster(name=cluster)["cluster"].get("accessConfig")
    assert access == {"authenticationMode": "CONFIG_MAP"}
    assert code_of(eks.list_access_entries, clusterName=cluster) == "InvalidRequestException"
    assert code_of(eks.create_access_entry, clusterName=cluster, principalArn=role) == "InvalidRequestException"
    both = {"authenticationMode": "API_AND_CONFIG_MAP"}
    assert eks.update_cluster_config(name=cluster, accessConfig=both)["update"]["type"] == "AccessConfigUpdate"
    assert code_of(eks.create_access_entry, clusterName=cluster, principalArn=role) == "none"
    back = {"authenticationMode": "CONFIG_MAP"}
    assert code_of(eks.update_cluster_config, name=cluster, accessConfig=back) == "InvalidParameterException"


@differs_from_stock(STOCK)
def test_a_hundred_entries_make_a_page(aws: World) -> None:
    eks, cluster = _eks(aws), _cluster(aws)
    roles = sorted(_role(aws) for _ in range(3))
    for role in roles:
        eks.create_access_entry(clusterName=cluster, principalArn=role)
    first = eks.list_access_entries(clusterName=cluster, maxResults=2)
    second = eks.list_access_entries(clusterName=cluster, maxResults=2, nextToken=first["nextToken"])
    assert (first["accessEntries"], second["accessEntries"]) == (roles[:2], roles[2:])
    assert "nextToken" not in second
