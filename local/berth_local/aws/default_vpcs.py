"""Default VPCs as every new account has them, and which regions an account sees as enabled.

https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
Stock moto's default VPC has no internet gateway and no route to one; it takes the first subnet of any VPC in a zone for
a default one, with public addresses; it deletes a VPC whose gateway or interfaces are still there; and it answers every
region there is as if all were enabled.
"""

from __future__ import annotations

import os
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from berth_local.aws.replacing import wrap


def enabled_regions() -> set[str]:
    """Regions that are enabled in every account. AWS enables some seventeen; a few keep the local AWS quick."""
    return set(os.environ.get("BERTH_LOCAL_REGIONS", "us-east-1,eu-west-1,eu-central-1").split(","))


def _complete(backend: EC2Backend) -> None:
    """Gives a new backend's default VPC the internet gateway and the route that it has on AWS."""
    vpc = backend.default_vpc
    gateway = backend.create_internet_gateway()
    backend.attach_internet_gateway(gateway.id, vpc.id)
    for table in backend.describe_route_tables(filters={"vpc-id": vpc.id, "association.main": "true"}):
        backend.create_route(table.id, "0.0.0.0/0", gateway_id=gateway.id)


def _refuse_used_vpc(backend: EC2Backend, vpc_id: str) -> None:
    gateways = [each for each in backend.internet_gateways.values() if each.vpc and each.vpc.id == vpc_id]
    if gateways or any(each.subnet.vpc_id == vpc_id for each in backend.enis.values()):
        raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")


def _regions(response: EC2Response) -> ActionResult:
    """DescribeRegions: those that are enabled, or all of them with their status."""
    backend, names = response.ec2_backend, response._get_param("RegionNames", [])
    every = response._get_param("AllRegions") in (True, "true")
    enabled = enabled_regions()
    found = [
        {
            "RegionName": region.name,
            "Endpoint": region.endpoint,
            "OptInStatus": "opt-in-not-required" if region.name in enabled else "not-opted-in",
        }
        for region in backend.describe_regions(names)
        if every or region.name in enabled
    ]
    return ActionResult({"Regions": found})


def install() -> None:
    """Replace DescribeRegions, and complete what stock makes and deletes."""
    EC2Response.describe_regions = _regions

    @wrap(EC2Backend, "__init__")
    def init(original: Any, self: EC2Backend, *args: Any, **fields: Any) -> None:
        original(self, *args, **fields)
        _complete(self)

    @wrap(EC2Backend, "create_subnet")
    def create_subnet(original: Any, self: EC2Backend, *args: Any, **fields: Any) -> Any:
        subnet = original(self, *args, **fields)
        vpc = self.get_vpc(subnet.vpc_id)
        if not vpc.is_default:
            subnet.default_for_az = False
            subnet.map_public_ip_on_launch = False
        return subnet

    @wrap(EC2Backend, "delete_subnet")
    def delete_subnet(original: Any, self: EC2Backend, subnet_id: str) -> Any:
        if any(each.subnet.id == subnet_id for each in self.enis.values()):
            raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        return original(self, subnet_id)

    @wrap(EC2Backend, "delete_vpc")
    def delete_vpc(original: Any, self: EC2Backend, vpc_id: str) -> Any:
        _refuse_used_vpc(self, vpc_id)
        vpc = original(self, vpc_id)
        for acl in [each for each in self.network_acls.values() if each.vpc_id == vpc_id]:
            self.network_acls.pop(acl.id)
        return vpc
