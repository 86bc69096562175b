"""A route table leads to a service by one gateway endpoint, and an endpoint is deleted once.

https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
Stock moto makes any number of endpoints for the same service and the same table. It keeps an endpoint that was deleted, and
whoever deletes it once more is told `InvalidRoute.NotFound` of a route that went with it.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend

from berth_local.aws.replacing import wrap


def install() -> None:
    """Refuse a second one, and leave one that was deleted."""

    @wrap(EC2Backend, "create_vpc_endpoint")
    def create_vpc_endpoint(original: Any, self: EC2Backend, **fields: Any) -> Any:
        tables = set(fields.get("route_table_ids") or [])
        for each in list(self.vpc_end_points.values()):
            is_alike = each.vpc_id == fields["vpc_id"] and each.service_name == fields["service_name"]
            taken = tables.intersection(each.route_table_ids or [])
            if is_alike and taken and each.state != "deleted":
                raise EC2ClientError("RouteAlreadyExists", f"route table {min(taken)} already has a route to {each.id}")
        return original(self, **fields)

    @wrap(EC2Backend, "delete_vpc_endpoints")
    def delete_vpc_endpoints(original: Any, self: EC2Backend, vpce_ids: list[str] | None = None) -> None:
        known = self.vpc_end_points
        original(self, [each for each in vpce_ids or [] if each not in known or known[each].state != "deleted"])
