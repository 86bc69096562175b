"""STS: who may assume a role with a token of an OIDC issuer. Stock moto lets any token in.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
https://openid.net/specs/openid-connect-discovery-1_0.html
The token's issuer must be a provider of the role's account, its audience one of the provider's, its signature one of the
issuer's keys, and the role's trust policy must allow what it claims. `POST /moto-api/issuers/at?issuer=…&url=…` says where
an issuer of tests serves its keys; any other one is asked at its own address.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.error import URLError
from urllib.parse import parse_qs
from urllib.request import urlopen

import jwt
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.iam.models import OpenIDConnectProvider, iam_backends
from moto.sts.responses import TokenResponse

from berth_local.aws.access import AccessDenied, is_closed, role_named
from berth_local.aws.policies import action_matches, as_list, conditions_hold, statements
from berth_local.aws.replacing import wrap

PATH = "/moto-api/issuers/"
_ACTION = "sts:AssumeRoleWithWebIdentity"
_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
_SECONDS = 5.0
_addresses: dict[str, str] = {}


class InvalidIdentityToken(ServiceException):
    """The token is of no provider of the account, for another audience, or not signed by its issuer."""

    code = "InvalidIdentityToken"


class ExpiredTokenException(ServiceException):
    """The token is too old."""

    code = "ExpiredTokenException"


def command(path: str, query: str) -> bool:
    """Does what a request below `PATH` says; whether it says something that there is."""
    given = parse_qs(query)
    if path.removeprefix(PATH) != "at" or not given.get("issuer") or not given.get("url"):
        return False
    _addresses[given["issuer"][0]] = given["url"][0]
    return True


def _read(url: str) -> Any:
    with urlopen(url, timeout=_SECONDS) as answer:
        return json.load(answer)


def _keys(issuer: str) -> jwt.PyJWKSet:
    """The keys of an issuer, by its configuration."""
    try:
        found = _read(f"{_addresses.get(issuer, issuer)}/.well-known/openid-configuration")
        return jwt.PyJWKSet.from_dict(_read(found["jwks_uri"]))
    except (URLError, ValueError, KeyError, jwt.PyJWTError) as problem:
        raise InvalidIdentityToken(
            "Couldn't retrieve verification key from your identity provider, please reference "
            "AssumeRoleWithWebIdentity documentation for requirements"
        ) from problem


def _provider(account: str, issuer: str) -> OpenIDConnectProvider:
    name = issuer.removeprefix("https://")
    found = iam_backends[account]["aws"].open_id_providers.get(f"arn:aws:iam::{account}:oidc-provider/{name}")
    if found is None:
        raise InvalidIdentityToken(f"No OpenIDConnect provider found in your account for {issuer}")
    return found


def claims_of(token: str, account: str) -> tuple[OpenIDConnectProvider, dict[str, Any]]:
    """The provider of a token, and what the token claims, once it is verified."""
    try:
        header, unverified = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
        provider = _provider(account, str(unverified.get("iss", "")))
        key = next(key for key in _keys(unverified["iss"]).keys if key.key_id in (None, header.get("kid")))
        audiences = list(provider.client_id_list)
        return provider, jwt.decode(token, key, algorithms=_ALGORITHMS, audience=audiences)
    except jwt.ExpiredSignatureError as problem:
        raise ExpiredTokenException("Token is expired") from problem
    except jwt.InvalidAudienceError as problem:
        raise InvalidIdentityToken("Incorrect token audience") from problem
    except (jwt.PyJWTError, StopIteration) as problem:
        raise InvalidIdentityToken(
            "The web identity token that was passed could not be validated by the issuer"
        ) from problem


def trusts(document: Any, provider: OpenIDConnectProvider, claims: dict[str, Any]) -> bool:
    """Whether a trust policy lets the bearer of a token in. Its keys are the provider's name and the claim's."""
    audience = as_list(claims.get("aud"))
    texts = {name: str(value) for name, value in claims.items() if isinstance(value, (str, int))} | {"aud": audience[0]}
    facts = {f"{provider.url}:{name}".lower(): value for name, value in texts.items()}
    allowed = False
    for statement in statements(document):
        principal = statement.get("Principal")
        named = isinstance(principal, dict) and provider.arn in as_list(principal.get("Federated"))
        if named and action_matches(statement, _ACTION) and conditions_hold(statement, facts):
            if statement.get("Effect") == "Deny":
                return False
            allowed = True
    return allowed


def install() -> None:
    """Look at the token and at the role's trust policy."""

    @wrap(TokenResponse, "assume_role_with_web_identity")
    def assume_role_with_web_identity(original: Any, self: TokenResponse) -> ActionResult:
        role_arn = self._get_param("RoleArn")
        role = role_named(role_arn)
        if role is None or is_closed(role_arn.split(":")[4]):
            raise AccessDenied(f"Not authorized to perform {_ACTION}")
        provider, claims = claims_of(self._get_param("WebIdentityToken"), role_arn.split(":")[4])
        if not trusts(role.assume_role_policy_document, provider, claims):
            raise AccessDenied(f"Not authorized to perform {_ACTION}")
        answer: ActionResult = original(self)
        return answer
