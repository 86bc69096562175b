"""Reads from a request which AWS call it is: region, service, operation, protocol, and the key that signed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from .effects import Effect, effect_of
from .rest_routes import find_operation, protocol_of

# Signing names that do not say what the service is called in policies and in this journal.
_SERVICE_NAMES = {"eventbridge": "events"}


@dataclass(frozen=True)
class ApiCall:
    """One request, named. `service` is the signing name of its credential scope (states, events, sso, monitoring)."""

    service: str
    region: str
    operation: str
    protocol: str
    access_key: str
    effect: Effect
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def mutating(self) -> bool:
        """Whether the call changes a resource (a management event that is not read-only, in CloudTrail's words)."""
        return self.effect is Effect.RESOURCE


def identify(method: str, raw_path: str, headers: Mapping[str, str], body: bytes) -> ApiCall:
    """Names a request. `headers` has lower-case names. Parts that cannot be read are empty, never an exception."""
    access_key, region, service = _credential_scope(raw_path, headers)
    form = _form_of(raw_path, headers, body)
    operation, protocol = _operation(service, method, raw_path, headers, form)
    dry_run = form.get("DryRun", "").lower() == "true"
    effect = effect_of(service, operation, dry_run=dry_run)
    return ApiCall(service, region, operation, protocol, access_key, effect, form)


def _credential_scope(raw_path: str, headers: Mapping[str, str]) -> tuple[str, str, str]:
    """Reads (key, region, service): https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html."""
    scope = ""
    authorization = headers.get("authorization", "")
    if "Credential=" in authorization:
        scope = authorization.split("Credential=", 1)[1].split(",", 1)[0]
    elif "X-Amz-Credential=" in raw_path:
        scope = unquote(raw_path.split("X-Amz-Credential=", 1)[1].split("&", 1)[0])
    parts = scope.strip().split("/")
    if len(parts) == 5:
        key, _, region, service, _ = parts
    elif len(parts) == 4:  # SigV4a signs for a set of regions, which is in a header
        key, _, service, _ = parts
        region = headers.get("x-amz-region-set", "").split(",")[0]
    else:
        return "", "", ""
    service = service.lower()
    return key, region, _SERVICE_NAMES.get(service, service)


def _form_of(raw_path: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The fields of a Query or EC2 call, from its form body or from its query string; empty for other protocols."""
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if "Action" in form:
            return form
    query = raw_path.partition("?")[2]
    return dict(parse_qsl(query, keep_blank_values=True)) if "Action=" in query else {}


def _operation(
    service: str, method: str, raw_path: str, headers: Mapping[str, str], form: Mapping[str, str]
) -> tuple[str, str]:
    """The operation and the protocol in which it was sent, which is the one that its errors must have."""
    target = headers.get("x-amz-target", "")
    if target:
        protocol = "json-1.1" if "1.1" in headers.get("content-type", "") else "json-1.0"
        return target.rsplit(".", 1)[-1], protocol
    if form.get("Action"):
        return form["Action"], "ec2" if service == "ec2" else "query"
    path = raw_path.partition("?")[0].split("/")
    if headers.get("smithy-protocol") == "rpc-v2-cbor" and len(path) >= 4 and path[-2] == "operation":
        return path[-1], "cbor"
    if not service:
        return "", "rest-json"
    found = find_operation(service, method, raw_path, headers)
    return found if found else ("", protocol_of(service))
