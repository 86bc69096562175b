"""The token by which a role proves to an EKS cluster who it is: a presigned GetCallerIdentity of STS.

On AWS the cluster hands the URL to STS, which checks the signature. Here the keys of hosted functions are known, so the
signature is checked with them.
https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
"""Header that is signed and not in the URL: the cluster adds its own name, so a token is good for one cluster."""
VALID = timedelta(minutes=15)
"""How long a token is good for, whatever `X-Amz-Expires` says."""
_ALGORITHM = "AWS4-HMAC-SHA256"
_PARAMETERS = frozenset(
    ("Action", "Version", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token",
     "X-Amz-Signature", "X-Amz-SignedHeaders")
)  # fmt: skip


class BadToken(Exception):
    """The token proves nothing; the text says why."""


@dataclass(frozen=True)
class Claim:
    """What a token says, before anybody has looked at its signature."""

    access_key: str
    region: str
    host: str
    parameters: tuple[tuple[str, str], ...]

    def value(self, name: str) -> str:
        """A parameter of the URL; empty when it is not there."""
        return next((value for key, value in self.parameters if key == name), "")


def read(token: str, now: datetime) -> Claim:
    """Reads a token.

    Raises:
        BadToken: it is none, is not about GetCallerIdentity, or is too old.
    """
    url = urlsplit(_decoded(token))
    parameters = tuple(parse_qsl(url.query, keep_blank_values=True))
    claim = Claim("", "", url.netloc, parameters)
    names = [name for name, _ in parameters]
    if url.scheme != "https" or url.path != "/" or len(set(names)) != len(names) or set(names) - _PARAMETERS:
        raise BadToken("the URL is not one of STS with the parameters of a presigned call")
    if claim.value("Action") != "GetCallerIdentity" or claim.value("X-Amz-Algorithm") != _ALGORITHM:
        raise BadToken("the URL is not a signed GetCallerIdentity")
    parts = claim.value("X-Amz-Credential").split("/")
    if len(parts) != 5 or parts[3:] != ["sts", "aws4_request"] or url.netloc != f"sts.{parts[2]}.amazonaws.com":
        raise BadToken("the credential scope and the host do not fit STS of one region")
    if CLUSTER_HEADER not in claim.value("X-Amz-SignedHeaders").split(";"):
        raise BadToken(f"{CLUSTER_HEADER} is not signed, so the token would be good for any cluster")
    _check_age(claim.value("X-Amz-Date"), now)
    return Claim(parts[0], parts[2], url.netloc, parameters)


def check_signature(claim: Claim, cluster: str, secret_key: str) -> None:
    """Signs the same call again, for this cluster.

    Raises:
        BadToken: the signature is another one.
    """
    wanted = signature_of(claim, {CLUSTER_HEADER: cluster}, secret_key)
    if not hmac.compare_digest(wanted, claim.value("X-Amz-Signature")):
        raise BadToken(f"the signature is not one of this key for the cluster {cluster}")


def signature_of(claim: Claim, headers: Mapping[str, str], secret_key: str) -> str:
    """The signature of a presigned GET with these headers besides its host.

    Raises:
        BadToken: other headers are signed.
    """
    query = sorted((quote(name, "-_.~"), quote(value, "-_.~")) for name, value in claim.parameters
                   if name != "X-Amz-Signature")  # fmt: skip
    signed = claim.value("X-Amz-SignedHeaders")
    known = {"host": claim.host, **headers}
    if set(signed.split(";")) - set(known):
        raise BadToken(f"headers are signed that were not sent: {signed}")
    headers = "".join(f"{name}:{known[name]}\n" for name in signed.split(";"))
    empty = hashlib.sha256(b"").hexdigest()
    canonical = "\n".join(["GET", "/", "&".join(f"{name}={value}" for name, value in query), headers, signed, empty])
    scope = claim.value("X-Amz-Credential").split("/", 1)[1]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([_ALGORITHM, claim.value("X-Amz-Date"), scope, digest])
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _decoded(token: str) -> str:
    if not token.startswith(PREFIX):
        raise BadToken(f"a token begins with {PREFIX}")
    text = token.removeprefix(PREFIX)
    if "=" in text:
        raise BadToken("a token has no padding")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError) as problem:
        raise BadToken("what follows the prefix is not base64 of the URL's alphabet") from problem


def _check_age(date: str, now: datetime) -> None:
    try:
        signed = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as problem:
        raise BadToken("X-Amz-Date is no date") from problem
    if not timedelta(minutes=-5) <= now - signed <= VALID:
        raise BadToken(f"the token was signed at {date}, and is not valid now")
