"""Calls of STS whose signature is in their address, as somebody makes them for another to send.

Stock moto reads who calls from a header only, and checks no signature: whoever sends such a call believes what it answers.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from .cluster_tokens import BadToken, Claim, signature_of

_SCOPE = 5
"""Parts of a credential: key, day, region, service, `aws4_request`."""


def is_presigned(raw_path: str, headers: Mapping[str, str]) -> bool:
    """Whether the address of a call of STS holds its signature."""
    return "authorization" not in headers and "Action=GetCallerIdentity" in raw_path and "X-Amz-Signature=" in raw_path


def secret_of(access_key: str) -> str | None:
    """The secret key that belongs to a user's or a session's key; None for one that nobody has."""
    for account in list(iam_backends):
        for user in iam_backends[account]["aws"].users.values():
            for key in user.access_keys:
                if key.access_key_id == access_key:
                    return str(key.secret_access_key)
    for account in list(sts_backends):
        for session in sts_backends[account]["aws"].assumed_roles:
            if session.access_key_id == access_key:
                return str(session.secret_access_key)
    return None


def refusal(
    raw_path: str, headers: Mapping[str, str], now: datetime, secret: Callable[[str], str | None] = secret_of
) -> tuple[str, str] | None:
    """The code and the message with which STS refuses a presigned call; None for one that it takes.

    Whoever signs does it for the host of AWS, and sends it to this machine.
    """
    parameters = tuple(parse_qsl(raw_path.partition("?")[2], keep_blank_values=True))
    claim = Claim("", "", "", parameters)
    scope = claim.value("X-Amz-Credential").split("/")
    if len(scope) != _SCOPE or scope[3:] != ["sts", "aws4_request"]:
        return "IncompleteSignature", "the credential is not one of STS"
    key = secret(scope[0])
    if key is None:
        return "InvalidClientTokenId", "The security token included in the request is invalid."
    claim = Claim(scope[0], scope[2], f"sts.{scope[2]}.amazonaws.com", parameters)
    try:
        signed_at = datetime.strptime(claim.value("X-Amz-Date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        lasts = timedelta(seconds=int(claim.value("X-Amz-Expires")))
        wanted = signature_of(claim, {name: value for name, value in headers.items() if name != "host"}, key)
    except (BadToken, ValueError, KeyError) as problem:
        return "IncompleteSignature", f"the signature cannot be checked: {problem}"
    if not hmac.compare_digest(wanted, claim.value("X-Amz-Signature")):
        return "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
    if now > signed_at + lasts:
        return "ExpiredToken", f"Signature expired: {signed_at} is now earlier than {now - lasts}"
    return None


def header_of(raw_path: str) -> tuple[str, str]:
    """The header by which moto knows who calls."""
    claim = Claim("", "", "", tuple(parse_qsl(raw_path.partition("?")[2], keep_blank_values=True)))
    value = claim.value
    signed = f"SignedHeaders={value('X-Amz-SignedHeaders')}, Signature={value('X-Amz-Signature')}"
    return "Authorization", f"{value('X-Amz-Algorithm')} Credential={value('X-Amz-Credential')}, {signed}"
