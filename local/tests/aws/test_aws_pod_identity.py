"""EKS: Pod Identity associations, as its API keeps them."""

from __future__ import annotations

import json
from typing import Any

from twin_worlds import HUB, TENANT, World, code_of, differs_from_stock, fresh

REGION = "eu-west-1"
STOCK = "404|Not Found|UnknownError"
TARGET = f"arn:aws:iam::{TENANT}:role/tenant/payments-workload"


def _eks(aws: World) -> Any:
    return aws.client("eks", HUB, REGION)


def _cluster(aws: World) -> str:
    name = fresh("cluster")
    _eks(aws).create_cluster(
        name=name, roleArn=f"arn:aws:iam::{HUB}:role/eks", resourcesVpcConfig={"subnetIds": ["subnet-1"]}
    )
    return name


def _role(aws: World, *actions: str) -> str:
    actions = actions or ("sts:AssumeRole", "sts:TagSession")
    trust = {"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": list(actions)}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = aws.client("iam", HUB).create_role(RoleName=fresh("pods"), AssumeRolePolicyDocument=document)
    return made["Role"]["Arn"]


def _pods(cluster: str, account: str = "api", namespace: str = "payments-dev") -> dict[str, Any]:
    return {"clusterName": cluster, "namespace": namespace, "serviceAccount": account}


@differs_from_stock(STOCK)
def test_an_association_is_made_listed_read_changed_tagged_and_deleted(aws: World) -> None:
    eks, cluster, role = _eks(aws), _cluster(aws), _role(aws)
    made = eks.create_pod_identity_association(
        **_pods(cluster), roleArn=role, targetRoleArn=TARGET, tags={"berth:account": TENANT}
    )["association"]
    one = {"clusterName": cluster, "associationId": made["associationId"]}
    arn = f"arn:aws:eks:{REGION}:{HUB}:podidentityassociation/{cluster}/{made['associationId']}"
    assert (made["associationArn"], made["roleArn"], made["targetRoleArn"]) == (arn, role, TARGET)
    assert made["externalId"] == f"{REGION}/{HUB}/{cluster}/payments-dev/api"
    assert made["disableSessionTags"] is False and "policy" not in made

    def seen() -> dict[str, Any]:
        return eks.describe_pod_identity_association(**one)["association"]

    assert seen() == made
    summary = {key: made[key] for key in (*_pods(cluster), "associationArn", "associationId")}
    assert eks.list_pod_identity_associations(clusterName=cluster)["associations"] == [summary]
    eks.tag_resource(resourceArn=arn, tags={"more": "1"})
    assert seen()["tags"] == {"berth:account": TENANT, "more": "1"}
    eks.untag_resource(resourceArn=arn, tagKeys=["more"])
    other = _role(aws)
    eks.update_pod_identity_association(**one, roleArn=other, disableSessionTags=True)
    changed = seen()
    assert (changed["roleArn"], changed["targetRoleArn"], changed["disableSessionTags"]) == (other, TARGET, True)
    assert changed["tags"] == {"berth:account": TENANT}, "what is not sent stays"
    gone = eks.delete_pod_identity_association(**one)["association"]
    assert gone["associationId"] == made["associationId"]
    for call in (eks.describe_pod_identity_association, eks.delete_pod_identity_association):
        assert code_of(call, **one) == "ResourceNotFoundException"
    assert code_of(eks.tag_resource, resourceArn=arn, tags={"a": "b"}) == "NotFoundException"


@differs_from_stock(STOCK)
def test_a_service_account_has_one_association_and_a_token_makes_none_twice(aws: World) -> None:
    eks, cluster, role = _eks(aws), _cluster(aws), _role(aws)
    wanted = {**_pods(cluster), "roleArn": role, "clientRequestToken": "once"}
    made, again = (eks.create_pod_identity_association(**wanted)["association"] for _ in range(2))
    assert made == again
    assert code_of(eks.create_pod_identity_association, **wanted, targetRoleArn=TARGET) == "InvalidParameterException"
    another = wanted | {"clientRequestToken": "twice"}
    assert code_of(eks.create_pod_identity_association, **another) == "ResourceInUseException"
    for account, namespace in (("worker", "payments-dev"), ("api", "payments-prod")):
        eks.create_pod_identity_association(**_pods(cluster, account, namespace), roleArn=role)

    def listed(**narrowed: str) -> list[tuple[str, str]]:
        found = eks.list_pod_identity_associations(clusterName=cluster, **narrowed)["associations"]
        return [(each["namespace"], each["serviceAccount"]) for each in found]

    assert listed(namespace="payments-dev") == [("payments-dev", "api"), ("payments-dev", "worker")]
    assert listed(namespace="payments-prod", serviceAccount="worker") == []
    first = eks.list_pod_identity_associations(clusterName=cluster, maxResults=2)
    rest = eks.list_pod_identity_associations(clusterName=cluster, maxResults=2, nextToken=first["nextToken"])
    assert (len(first["associations"]), len(rest["associations"])) == (2, 1) and "nextToken" not in rest


@differs_from_stock(STOCK)
def test_the_role_must_be_one_that_pods_can_have(aws: World) -> None:
    eks, cluster = _eks(aws), _cluster(aws)
    for role in (f"arn:aws:iam::{HUB}:role/none", _role(aws, "sts:AssumeRole"), "nobody"):
        code = code_of(eks.create_pod_identity_association, **_pods(cluster), roleArn=role)
        assert code == "InvalidParameterException", role
    good = {**_pods(cluster), "roleArn": _role(aws)}
    assert code_of(eks.create_pod_identity_association, **good, targetRoleArn="x") == "InvalidParameterException"
    assert code_of(eks.create_pod_identity_association, **good, policy="{}") == "InvalidParameterException"
    nowhere = good | {"clusterName": "nowhere"}
    assert code_of(eks.create_pod_identity_association, **nowhere) == "ResourceNotFoundException"
    made = eks.create_pod_identity_association(**good, policy="{}", disableSessionTags=True)["association"]
    one = {"clusterName": cluster, "associationId": made["associationId"]}
    assert code_of(eks.update_pod_identity_association, **one) == "InvalidParameterException"
    assert code_of(eks.update_pod_identity_association, **one, roleArn="nobody") == "InvalidParameterException"
