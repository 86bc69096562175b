"""Finds the operation of a REST call by its method and path, from botocore's own service models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

# Services whose model does not carry the name that they sign with. Several may share one name.
_MODELS_BY_SIGNING_NAME: dict[str, tuple[str, ...]] = {
    "s3": ("s3", "s3control"),
    "ses": ("sesv2",),
    "sso": ("sso-admin", "sso"),
    "monitoring": ("cloudwatch",),
    "states": ("stepfunctions",),
    "servicequotas": ("service-quotas",),
    "elasticloadbalancing": ("elbv2",),
    "elasticfilesystem": ("efs",),
    "aoss": ("opensearchserverless",),
    "execute-api": ("apigatewaymanagementapi",),
}

_LABEL = re.compile(r"\{(\w+)(\+?)\}")


@dataclass(frozen=True)
class Route:
    """One operation of a REST service and what a request must look like to be it."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: tuple[tuple[str, str], ...]
    required_query: tuple[str, ...]
    required_headers: tuple[str, ...]
    protocol: str
    literal_length: int

    def rank(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple | None:
        """How specific the match is (bigger wins), or None when the request is not this operation."""
        if method != self.method or not self.path.fullmatch(path):
            return None
        for key, value in self.query:
            if key not in query or (value and query[key] != value):
                return None
        if any(name not in query for name in self.required_query):
            return None
        if any(name not in headers for name in self.required_headers):
            return None
        return (len(self.query), self.literal_length, len(self.required_query) + len(self.required_headers))


def find_operation(service: str, method: str, raw_path: str, headers: Mapping[str, str]) -> tuple[str, str] | None:
    """The (operation, protocol) of a REST request, or None when no model of the service knows it.

    `service` is the signing name, `raw_path` the path and query as sent, `headers` has lower-case names.
    """
    path, _, query_text = raw_path.partition("?")
    query = dict(parse_qsl(query_text, keep_blank_values=True))
    best: tuple[tuple, Route] | None = None
    for route in routes_of(service):
        rank = route.rank(method, path.rstrip("/") or "/", query, headers)
        if rank is not None and (best is None or rank > best[0]):
            best = (rank, route)
    return (best[1].operation, best[1].protocol) if best else None


def labels_of(service: str, operation: str, path: str) -> dict[str, str]:
    """What stands in the path of a request for the labels of its operation, as sent; empty for another path."""
    for model in _MODELS_BY_SIGNING_NAME.get(service, (service,)):
        loaded = _load(model)
        found = (loaded or {}).get("operations", {}).get(operation)
        if found is None:
            continue
        uri = found["http"]["requestUri"].partition("?")[0].rstrip("/") or "/"
        names = [label.group(1) for label in _LABEL.finditer(uri)]
        match = re.fullmatch(_path_pattern(uri, capturing=True), path.rstrip("/") or "/")
        if match is not None:
            members = loaded["shapes"][found["input"]["shape"]]["members"]
            by_location = {member.get("locationName", name): name for name, member in members.items()}
            return {by_location.get(name, name): value for name, value in zip(names, match.groups(), strict=True)}
    return {}


@cache
def routes_of(service: str) -> tuple[Route, ...]:
    """All routes of the models that sign as `service`; empty for a service that botocore does not know."""
    routes: list[Route] = []
    for model in _MODELS_BY_SIGNING_NAME.get(service, (service,)):
        routes.extend(_routes_of_model(model))
    return tuple(routes)


@cache
def protocol_of(service: str) -> str:
    """The protocol that botocore uses for a service's model, for the form of error bodies; `json` when unknown."""
    for model in _MODELS_BY_SIGNING_NAME.get(service, (service,)):
        loaded = _load(model)
        if loaded is not None:
            return _protocol(model, loaded)
    return "json"


@cache
def _load(model: str) -> dict[str, Any] | None:
    try:
        return Loader(include_default_search_paths=True).load_service_model(model, "service-2")
    except UnknownServiceError:
        return None


def _routes_of_model(model: str) -> list[Route]:
    loaded = _load(model)
    if loaded is None or not loaded["metadata"]["protocol"].startswith("rest-"):
        return []
    shapes, protocol = loaded["shapes"], _protocol(model, loaded)
    return [_route(operation, shapes, protocol) for operation in loaded["operations"].values()]


def _protocol(model: str, loaded: dict[str, Any]) -> str:
    """The model's protocol. S3 alone writes errors without the element around them that restXml has."""
    return "rest-xml-unwrapped" if model == "s3" else loaded["metadata"]["protocol"]


def _route(operation: dict[str, Any], shapes: dict[str, Any], protocol: str) -> Route:
    uri, _, query_text = operation["http"]["requestUri"].partition("?")
    uri = uri.rstrip("/") or "/"
    members = shapes.get(operation.get("input", {}).get("shape"), {})
    required = [members["members"][name] for name in members.get("required", ())]
    return Route(
        operation=operation["name"],
        method=operation["http"]["method"],
        path=re.compile(_path_pattern(uri)),
        query=tuple(parse_qsl(query_text, keep_blank_values=True)),
        required_query=tuple(m["locationName"] for m in required if m.get("location") == "querystring"),
        required_headers=tuple(m["locationName"].lower() for m in required if m.get("location") == "header"),
        protocol=protocol,
        literal_length=len(_LABEL.sub("", uri)),
    )


@cache
def _path_pattern(uri: str, *, capturing: bool = False) -> str:
    pattern, end = "", 0
    for label in _LABEL.finditer(uri):
        part = ".+" if label.group(2) else "[^/]+"
        pattern += re.escape(uri[end : label.start()]) + (f"({part})" if capturing else part)
        end = label.end()
    return pattern + re.escape(uri[end:])
