"""Every other AWS call that the pipeline and its seed make, once over the wire, and the server's own manners."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from twin_worlds import MANAGEMENT, World, code_of, differs_from_stock, fresh

LOCAL = Path(__file__).resolve().parents[2]
REGION = "eu-central-1"


def _tags(kind: str, **tags: str) -> list[dict[str, object]]:
    return [{"ResourceType": kind, "Tags": [{"Key": f"berth:{key}", "Value": value} for key, value in tags.items()]}]


def test_vpcs_are_found_by_their_tags(ours: World) -> None:
    ec2, mark = ours.client("ec2", "600000000001", REGION), fresh("a")
    made = [
        ec2.create_vpc(CidrBlock="10.1.0.0/20", TagSpecifications=_tags("vpc", account=mark, tenant=tenant))["Vpc"][
            "VpcId"
        ]
        for tenant in ("one", "two")
    ]

    def found(*filters: tuple[str, str]) -> list[str]:
        wanted = [{"Name": name, "Values": [value]} for name, value in filters]
        return [each["VpcId"] for each in ec2.describe_vpcs(Filters=wanted)["Vpcs"]]

    assert sorted(found(("tag:berth:account", mark))) == sorted(made)
    assert found(("tag:berth:account", mark), ("tag:berth:tenant", "two")) == [made[1]]
    assert found(("tag:berth:account", mark), ("tag:berth:tenant", "three")) == []
    assert sorted(found(("tag:berth:account", mark[:5] + "*"))) == sorted(made)
    assert found(("tag-key", "berth:nothing")) == []


def test_a_vpc_is_furnished(ours: World) -> None:
    ec2 = ours.client("ec2", "600000000002", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.2.0.0/20")["Vpc"]["VpcId"]
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        ec2.modify_vpc_attribute(VpcId=vpc, **{name: {"Value": True}})
    answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")
    assert answer["EnableDnsHostnames"] == {"Value": True}
    zones = ec2.describe_availability_zones(Filters=[{"Name": "state", "Values": ["available"]}])["AvailabilityZones"]
    assert {each["ZoneId"] for each in zones} >= {"euc1-az1", "euc1-az2"}
    zone = zones[0]
    subnet = ec2.create_subnet(
        VpcId=vpc,
        CidrBlock="10.2.0.0/24",
        AvailabilityZoneId=zone["ZoneId"],
        TagSpecifications=_tags("subnet", account="1"),
    )["Subnet"]
    assert (subnet["AvailabilityZone"], subnet["AvailabilityZoneId"]) == (zone["ZoneName"], zone["ZoneId"])
    clash = code_of(ec2.create_subnet, VpcId=vpc, CidrBlock="10.2.0.0/25", AvailabilityZoneId=zone["ZoneId"])
    assert clash == "InvalidSubnet.Conflict"
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=_tags("route-table", account="1"), ClientToken="t")
    table_id = table["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet["SubnetId"])
    found = ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "tag:berth:account", "Values": ["1"]}]
    )
    assert [each["SubnetId"] for each in found["RouteTables"][0]["Associations"]] == [subnet["SubnetId"]]
    service = f"com.amazonaws.{REGION}.s3"
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=service, VpcEndpointType="Gateway", RouteTableIds=[table_id],
        TagSpecifications=_tags("vpc-endpoint", account="1"),
    )["VpcEndpoint"]  # fmt: skip
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "service-name", "Values": [service]}]
    seen = ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    assert [each["VpcEndpointId"] for each in seen] == [endpoint["VpcEndpointId"]]
    assert seen[0]["RouteTableIds"] == [table_id]


def test_the_default_security_group_is_closed(ours: World) -> None:
    ec2 = ours.client("ec2", "600000000003", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.3.0.0/20")["Vpc"]["VpcId"]
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]

    def group() -> dict[str, object]:
        return ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]

    before = group()
    assert before["IpPermissionsEgress"]
    ec2.revoke_security_group_egress(GroupId=before["GroupId"], IpPermissions=before["IpPermissionsEgress"])
    if before["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=before["GroupId"], IpPermissions=before["IpPermissions"])
    assert (group()["IpPermissions"], group()["IpPermissionsEgress"]) == ([], [])


@differs_from_stock(r"assert \[\] ==")
def test_a_default_security_group_allows_itself_as_on_aws(aws: World) -> None:
    ec2 = aws.client("ec2", "600000000003", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.4.0.0/20")["Vpc"]["VpcId"]
    found = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"][0]
    assert [pair["GroupId"] for each in found["IpPermissions"] for pair in each["UserIdGroupPairs"]] == [
        found["GroupId"]
    ]


def test_flow_logs_go_to_a_bucket_of_another_account(ours: World) -> None:
    ec2 = ours.client("ec2", "600000000004", REGION)
    bucket = fresh("flow-logs")
    archive = ours.client("s3", "410987654321")
    archive.create_bucket(Bucket=bucket)
    service = {"Service": "delivery.logs.amazonaws.com"}
    lets_in = {"Effect": "Allow", "Principal": service, "Action": "s3:PutObject", "Resource": "*"}
    archive.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [lets_in]}))
    vpc = ec2.create_vpc(CidrBlock="10.5.0.0/20")["Vpc"]["VpcId"]
    wanted = {
        "ResourceIds": [vpc], "ResourceType": "VPC", "TrafficType": "ALL", "LogDestinationType": "s3",
        "LogDestination": f"arn:aws:s3:::{bucket}", "ClientToken": fresh("t"),
    }  # fmt: skip
    made = ec2.create_flow_logs(**wanted, TagSpecifications=_tags("vpc-flow-log", account="1"))
    assert made["Unsuccessful"] == []
    found = ec2.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [vpc]}])["FlowLogs"]
    assert [each["FlowLogId"] for each in found] == made["FlowLogIds"]
    assert found[0]["LogDestination"] == wanted["LogDestination"]


def test_managed_prefix_lists_are_there(ours: World) -> None:
    ec2 = ours.client("ec2", "600000000005", REGION)
    names = [each["PrefixListName"] for each in ec2.describe_managed_prefix_lists()["PrefixLists"]]
    assert f"com.amazonaws.{REGION}.s3" in names


def test_secrets_tables_parameters_and_buckets_work(ours: World) -> None:
    secrets, name = ours.client("secretsmanager"), fresh("secret")
    made = secrets.create_secret(Name=name, SecretString=json.dumps({"username": "u", "password": "p"}))
    for key in (name, made["ARN"]):
        assert json.loads(secrets.get_secret_value(SecretId=key)["SecretString"])["username"] == "u"
    table, ledger = ours.client("dynamodb"), fresh("ledger")
    table.create_table(
        TableName=ledger, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk")],
    )  # fmt: skip
    item = {"pk": {"S": "a"}, "sk": {"S": "lease"}, "n": {"N": "1"}}
    put = {"TableName": ledger, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
    assert code_of(table.put_item, **put) == "none"
    assert code_of(table.put_item, **put) == "ConditionalCheckFailedException"
    transact = {"TransactItems": [{"Put": put}]}
    assert code_of(table.transact_write_items, **transact) == "TransactionCanceledException"
    ours.client("ssm").put_parameter(Name="/berth/x", Value="1", Type="String")
    assert ours.client("ssm").get_parameter(Name="/berth/x")["Parameter"]["Value"] == "1"


def test_regions_identity_center_backup_config_logs_and_clusters_answer(ours: World) -> None:
    regions = {each["RegionName"]: each for each in ours.client("ec2").describe_regions(AllRegions=True)["Regions"]}
    assert regions["eu-west-1"]["OptInStatus"] == "opt-in-not-required"
    assert regions["ap-east-1"]["OptInStatus"] == "not-opted-in"
    assert ours.client("sso-admin", MANAGEMENT).list_instances()["Instances"]
    ours.client("backup", "600000000006").create_backup_vault(BackupVaultName="berth")
    ours.client("config", "600000000006").put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": "arn:aws:iam::600000000006:role/config"}
    )
    ours.client("logs").create_log_group(logGroupName=fresh("/berth/x"))
    assert ours.client("eks").list_clusters()["clusters"] == []


def test_roles_have_boundaries_tags_and_inline_policies(ours: World) -> None:
    iam, name = ours.client("iam", "600000000007"), fresh("role")
    boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.create_role(
        RoleName=name, Path="/berth/", PermissionsBoundary=boundary,
        AssumeRolePolicyDocument='{"Version": "2012-10-17"}',
        Tags=[{"Key": "berth:account", "Value": "600000000007"}], MaxSessionDuration=7200,
    )  # fmt: skip
    allow = {"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    found = iam.get_role(RoleName=name)["Role"]
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert found["Tags"] == [{"Key": "berth:account", "Value": "600000000007"}]
    assert found["MaxSessionDuration"] == 7200
    assert code_of(iam.get_role, RoleName="never-made") == "NoSuchEntity"
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["p"]


@differs_from_stock("NoSuchEntity")
def test_managed_policies_of_aws_can_be_attached(aws: World) -> None:
    iam, name = aws.client("iam", "600000000008"), fresh("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument='{"Version": "2012-10-17"}')
    for policy in ("ReadOnlyAccess", "service-role/AWSLambdaBasicExecutionRole"):
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert sorted(each["PolicyName"] for each in attached) == ["AWSLambdaBasicExecutionRole", "ReadOnlyAccess"]
    invented = "arn:aws:iam::aws:policy/Invented"
    assert code_of(iam.attach_role_policy, RoleName=name, PolicyArn=invented) == "NoSuchEntity"


def _run(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(LOCAL)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_another_moto_is_refused_in_one_clear_line() -> None:
    done = _run(
        "import sys, moto; moto.__version__ = '5.2.6'; sys.argv = ['x', '--port', '1']\n"
        "from berth_local.aws.__main__ import main; sys.exit(main())"
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "needs moto 5.2.5, but moto 5.2.6 is installed. Next:" in done.stderr


def test_a_port_that_is_taken_is_one_clear_line(ours: World) -> None:
    port = ours.endpoint.rsplit(":", 1)[1]
    arguments = [sys.executable, "-m", "berth_local.aws", "--port", port]
    environment = {**os.environ, "PYTHONPATH": str(LOCAL)}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: cannot listen on 127.0.0.1:{port}")
    assert "Traceback" not in done.stderr


@differs_from_stock("500|Internal|Connection|NotImplemented|not been implemented")
def test_an_operation_that_moto_does_not_have_is_named_and_not_tried_again(aws: World) -> None:
    with pytest.raises(ClientError) as refused:
        aws.client("events").list_endpoints()
    error, metadata = refused.value.response["Error"], refused.value.response["ResponseMetadata"]
    assert (metadata["HTTPStatusCode"], error["Code"]) == (501, "NotImplemented"), (
        f"{metadata['HTTPStatusCode']} Internal"
    )
    assert "events: ListEndpoints" in error["Message"]
