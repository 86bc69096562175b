"""An administrator of a tenant account who tries everything: each action of AWS's service reference that changes something, with
every thing of Berth's, of the account's own and of a neighbour's that fits its parameters.

Nothing here knows what is allowed: the calls go through the gateway, which enforces the permissions boundary, or the service
control policies for somebody who signed in.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.authorization.service_reference import services

_SERVICES = ("ec2", "iam", "backup", "config", "ram")
_TRIES_MAX = 6
_DENIED = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
# AWS deletes a service-linked role only when nothing uses it; the local AWS always.
_NOT_TRIED = {"DeleteServiceLinkedRole"}
Client = Callable[[str, str, str], Any]


def enter(access: Access, client: Client, keys: Credentials, signed_in: bool, boundary: str) -> Credentials:
    """A session of an administrator: of a role within the boundary, or of one as people who sign in have it."""
    iam = client(keys.account_id, "iam", names.HOME_REGION)
    path, name = ("/aws-reserved/", "AWSReservedSSO_Administrator_0a") if signed_in else ("/", "mischief")
    trust = {"Effect": "Allow", "Principal": {"AWS": keys.account_id}, "Action": "sts:AssumeRole"}
    bound = {} if signed_in else {"PermissionsBoundary": boundary}
    try:
        iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}), **bound)
        iam.attach_role_policy(RoleName=name, PolicyArn=_ADMINISTRATOR)
    except iam.exceptions.EntityAlreadyExistsException:
        pass
    return access.assume(keys, keys.account_id, f"{path[1:]}{name}")


def known(client: Client, own: str, victim: str, region: str, boundary: str) -> dict[str, list[Any]]:
    """What there is to put into parameters, by the names that AWS's operations give them."""
    ec2, theirs = client(own, "ec2", region), client(victim, "ec2", region)
    iam, hub = client(own, "iam", names.HOME_REGION), client(names.NETWORK_ACCOUNT, "ec2", region)
    backup = client(own, "backup", region)
    vpcs, other = ec2.describe_vpcs()["Vpcs"], theirs.describe_vpcs()["Vpcs"][0]
    block = other["CidrBlock"].replace("/20", "/24")
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]]
    tables = [each["RouteTableId"] for each in ec2.describe_route_tables()["RouteTables"]]
    groups = [each["GroupId"] for each in ec2.describe_security_groups()["SecurityGroups"]]
    attachments = [
        each["TransitGatewayAttachmentId"]
        for each in ec2.describe_transit_gateway_vpc_attachments()["TransitGatewayVpcAttachments"]
    ]
    endpoints = [each["VpcEndpointId"] for each in ec2.describe_vpc_endpoints()["VpcEndpoints"]]
    logs = [each["FlowLogId"] for each in ec2.describe_flow_logs()["FlowLogs"]]
    roles = [each["RoleName"] for each in iam.list_roles()["Roles"] if each["RoleName"] not in ("mischief",)]
    roles = [each for each in roles if not each.startswith("AWSReservedSSO") and each != names.BOOTSTRAP_ROLE]
    providers = [each["Arn"] for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    gateways = [each["TransitGatewayId"] for each in hub.describe_transit_gateways()["TransitGateways"]]
    hub_tables = [
        each["TransitGatewayRouteTableId"]
        for each in hub.describe_transit_gateway_route_tables()["TransitGatewayRouteTables"]
    ]
    own_vpcs = [each["VpcId"] for each in vpcs]
    things = [*own_vpcs, *subnets, *tables, *attachments]
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    everybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    berth = {"Key": "berth:managed-by", "Value": "berth"}
    return {
        "AssumeRolePolicyDocument": [trust], "PolicyDocument": [document], "PolicyName": ["mine"],
        "BackupPlanId": [each["BackupPlanId"] for each in backup.list_backup_plans()["BackupPlansList"]],
        "BackupVaultName": ["berth-backup"], "Cidr": [block], "CidrBlock": [block, "172.31.0.0/16"],
        "ConfigRuleName": ["berth-encrypted-volumes"], "ConfigurationRecorderName": ["berth-recorder"],
        "DeliveryChannelName": ["berth-recorder"], "DestinationCidrBlock": [other["CidrBlock"], "10.255.0.0/16"],
        "FlowLogIds": [logs], "GroupId": groups, "PeerOwnerId": [victim], "PeerRegion": [region],
        "OpenIDConnectProviderArn": providers, "PeerVpcId": [other["VpcId"]], "PermissionsBoundary": [_ADMINISTRATOR, boundary], "PolicyArn": [boundary, f"arn:aws:iam::{own}:policy/mine"],
        "ResourceId": things, "ResourceIds": [own_vpcs], "Resources": [things], "RoleName": roles,
        "RouteTableId": tables, "ServiceName": [f"com.amazonaws.{region}.s3"], "SetAsDefault": [True],
        "SubnetId": subnets, "SubnetIds": [subnets[:1]], "TagKeys": [["berth:managed-by", "berth:account"]],
        "Tags": [[berth]], "TransitGatewayAttachmentId": attachments, "TransitGatewayAttachmentIds": [attachments],
        "TransitGatewayId": gateways, "TransitGatewayRouteTableId": hub_tables, "UserName": ["mallory"],
        "VersionId": ["v1"], "VpcEndpointId": endpoints, "VpcEndpointIds": [endpoints], "VpcId": own_vpcs,
        "resourceArns": [[f"arn:aws:ec2:{region}:{own}:subnet/{each}" for each in subnets]], "name": ["mine"],
        "principals": [[victim]],
    }  # fmt: skip


def tries(shape: Any, values: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Parameters for an operation: each thing once, with whatever else is known; nothing where something required is not."""
    members = {} if shape is None else shape.members
    known_here = {name: values[name] for name in members if values.get(name)}
    if any(name not in known_here for name in (shape.required_members if shape is not None else ())):
        return
    required = {name: known_here[name] for name in (shape.required_members if shape is not None else ())}
    for chosen in (known_here, required):
        longest = max((len(options) for options in chosen.values()), default=1)
        for n in range(longest):
            yield {name: options[n % len(options)] for name, options in chosen.items()}


def try_everything(access: Access, keys: Credentials, region: str, values: dict[str, list[Any]]) -> dict[str, Any]:
    """Calls every operation that changes something. What was done, and how often it was refused or failed."""
    counted: Counter[str] = Counter()
    done, unfilled = [], []
    for service in _SERVICES:
        client = access.client(service, keys, region)
        model = client.meta.service_model
        operations = set(model.operation_names)
        for action, described in services()[service]["actions"].items():
            if (
                {"Read", "List"} & set(described["level"].split(", "))
                or action in _NOT_TRIED
                or action not in operations
            ):
                continue
            shape = model.operation_model(action).input_shape
            results = {_try(client, action, given) for given in islice(tries(shape, values), _TRIES_MAX)}
            counted.update(results or {"not filled"})
            if "done" in results:
                done.append(f"{service}:{action}")
            if not results:
                unfilled.append(f"{service}:{action}")
    return {"counts": dict(counted), "done": done, "notFilled": unfilled}


def _try(client: Any, action: str, given: dict[str, Any]) -> str:
    method = client._PY_TO_OP_NAME  # noqa: SLF001 - boto has no other way from an operation to its method
    name = next((python for python, operation in method.items() if operation == action), "")
    try:
        getattr(client, name)(**given)
    except ClientError as error:
        return "denied" if error.response["Error"]["Code"] in _DENIED else "failed"
    except (BotoCoreError, ResponseParserError):  # a parameter of a wrong form, or more than the local AWS can do
        return "failed"
    return "done"
