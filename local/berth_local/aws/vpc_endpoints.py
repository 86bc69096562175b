"""A route table leads to a service by one gateway endpoint.

https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
Stock moto makes any number of endpoints for the same service and the same table.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend

from berth_local.aws.replacing import wrap


def install() -> None:
    """Refuse a second one."""

    @wrap(EC2Backend, "create_vpc_endpoint")
    def create_vpc_endpoint(original: Any, self: EC2Backend, **fields: Any) -> Any:
        tables = set(fields.get("route_table_ids") or [])
        for each in list(self.vpc_end_points.values()):
            is_alike = each.vpc_id == fields["vpc_id"] and each.service_name == fields["service_name"]
            taken = tables.intersection(each.route_table_ids or [])
            if is_alike and taken and each.state != "deleted":
                raise EC2ClientError("RouteAlreadyExists", f"route table {min(taken)} already has a route to {each.id}")
        return original(self, **fields)
