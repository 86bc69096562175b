#!/usr/bin/env bash
# In moto, a deletion that the SDK sends again answers in four ways, two of which AWS does not have.
#
# Seen with moto 5.2.5 and boto3 1.44.5. An SDK repeats a call whose answer was lost, so code that deletes meets each deletion
# twice. AWS names what is gone (`InvalidSubnetID.NotFound`). moto does so for subnets, route tables, groups and internet gateways.
# A gateway endpoint stays in its memory: the second DeleteVpcEndpoints is refused with `InvalidRoute.NotFound`, a code of
# DeleteRoute. A Transit Gateway attachment raises KeyError, which its server makes a 500, so the SDK goes on repeating. An endpoint
# that never was, a prefix list and a peering are deleted as often as one likes. A test of "delete until it is gone" on moto shows
# errors that AWS does not have, and hides those that it has.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "moto[ec2]==5.2.5" boto3==1.44.5
export AWS_ACCESS_KEY_ID=111122223333 AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
"$folder/venv/bin/python" - <<'PY'
import boto3
from botocore.exceptions import ClientError
from moto import mock_aws


def second(delete, **named):
    delete(**named)
    try:
        delete(**named)
    except ClientError as error:
        return error.response["Error"]["Code"]
    except Exception as error:
        return type(error).__name__
    return "deleted"


with mock_aws():
    ec2 = boto3.client("ec2")
    vpc, other = (ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"] for block in ("10.0.0.0/16", "10.1.0.0/16"))
    subnet, attached = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=block)["Subnet"]["SubnetId"] for block in ("10.0.0.0/24", "10.0.1.0/24")
    )
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    service = "com.amazonaws.eu-west-1.s3"
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=service, RouteTableIds=[table], VpcEndpointType="Gateway"
    )["VpcEndpoint"]["VpcEndpointId"]
    gateway = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    attachment = ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=gateway, VpcId=vpc, SubnetIds=[attached])
    attachment = attachment["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
    prefixes = ec2.create_managed_prefix_list(PrefixListName="a", MaxEntries=1, AddressFamily="IPv4")["PrefixList"]["PrefixListId"]
    peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    found = {
        "gateway endpoint": second(ec2.delete_vpc_endpoints, VpcEndpointIds=[endpoint]),
        "endpoint that never was": second(ec2.delete_vpc_endpoints, VpcEndpointIds=["vpce-0123456789abcdef0"]),
        "Transit Gateway attachment": second(
            ec2.delete_transit_gateway_vpc_attachment, TransitGatewayAttachmentId=attachment
        ),
        "prefix list": second(ec2.delete_managed_prefix_list, PrefixListId=prefixes),
        "peering": second(ec2.delete_vpc_peering_connection, VpcPeeringConnectionId=peering),
        "subnet": second(ec2.delete_subnet, SubnetId=subnet),
        "route table": second(ec2.delete_route_table, RouteTableId=table),
    }
    states = [each["State"] for each in ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]]
for name, answer in found.items():
    print(f"  {name}, deleted again: {answer}")
print(f"  the gateway endpoint is described, as {states}")
assert found == {
    "gateway endpoint": "InvalidRoute.NotFound",
    "endpoint that never was": "deleted",
    "Transit Gateway attachment": "KeyError",
    "prefix list": "deleted",
    "peering": "deleted",
    "subnet": "InvalidSubnetID.NotFound",
    "route table": "InvalidRouteTableID.NotFound",
}, "that has changed: this finding is out of date"
assert states == ["deleted"], "that has changed: this finding is out of date"
PY
