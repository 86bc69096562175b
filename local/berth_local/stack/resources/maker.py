"""What a maker is: a function that makes one resource, and the properties that it honours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from berth_local.access import Access, Credentials
from berth_local.stack.intrinsics import Made

Properties = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """Where resources are made: an account and a region, with credentials for them."""

    access: Access
    credentials: Credentials
    region: str

    def client(self, service: str) -> Any:
        """The boto3 client of `service` here."""
        return self.access.client(service, self.credentials, self.region)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.credentials.account_id}:{resource}"


@dataclass(frozen=True)
class Maker:
    """`make` honours exactly `properties`. The loader refuses a resource that has any other."""

    make: Callable[[Target, Properties], Made]
    properties: frozenset[str]


def maker(make: Callable[[Target, Properties], Made], properties: str) -> Maker:
    """A maker whose properties are the words of `properties`."""
    return Maker(make, frozenset(properties.split()))


def tag_map(tags: Iterable[dict[str, str]]) -> dict[str, str]:
    """CloudFormation's list of Key and Value as the map that some APIs take."""
    return {tag["Key"]: str(tag["Value"]) for tag in tags}


def picked(properties: Properties, names: str) -> Properties:
    """Those of the properties that are set, out of the words of `names`, for an API that calls them the same."""
    return {name: properties[name] for name in names.split() if name in properties}
