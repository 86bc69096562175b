"""OIDC providers, and who assumes a role with a token of their issuer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from twin_worlds import TENANT, World, code_of, fresh

_ISSUER = "https://ci.example/id"
_PROVIDER = f"arn:aws:iam::{TENANT}:oidc-provider/ci.example/id"
_KEY, _OTHER_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


class _Issuer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        public = jwt.algorithms.ECAlgorithm.to_jwk(_KEY.public_key(), as_dict=True) | {"kid": "1", "alg": "ES256"}
        told = {"keys": [public]} if self.path == "/keys" else {"jwks_uri": f"http://{self.headers['Host']}/keys"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())


@pytest.fixture(scope="module")
def role(ours: World) -> Iterator[str]:
    """A role that trusts one subject of the issuer, which is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Issuer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        at = {"issuer": _ISSUER, "url": f"http://127.0.0.1:{server.server_port}"}
        requests.post(f"{ours.endpoint}/moto-api/issuers/at", params=at, timeout=60).raise_for_status()
        iam = ours.client("iam", TENANT)
        iam.create_open_id_connect_provider(Url=_ISSUER, ClientIDList=["sts"])
        condition = {"StringEquals": {"ci.example/id:aud": "sts", "ci.example/id:sub": "repo:a"}}
        trust = {"Effect": "Allow", "Principal": {"Federated": _PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity"}
        name, document = fresh("role"), json.dumps({"Statement": [trust | {"Condition": condition}]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
        yield f"arn:aws:iam::{TENANT}:role/{name}"
        server.shutdown()


def _refusal(aws: World, role: str, key: Any = _KEY, **claims: Any) -> str:
    now = int(time.time())
    told = {"iss": _ISSUER, "sub": "repo:a", "aud": "sts", "iat": now, "exp": now + 600} | claims
    token = jwt.encode(told, key, algorithm="ES256", headers={"kid": "1"})
    assume = aws.client("sts", TENANT).assume_role_with_web_identity
    return code_of(assume, RoleArn=role, RoleSessionName="job", WebIdentityToken=token)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({}, "none"),
        ({"sub": "repo:b"}, "AccessDenied"),
        ({"aud": "another"}, "InvalidIdentityToken"),
        ({"iss": "https://nobody.example"}, "InvalidIdentityToken"),
        ({"key": _OTHER_KEY}, "InvalidIdentityToken"),
        ({"exp": 1}, "ExpiredTokenException"),
    ],
)
def test_a_token_lets_in_whom_issuer_audience_and_trust_name(
    ours: World, role: str, claims: dict[str, Any], code: str
) -> None:
    assert _refusal(ours, role, **claims) == code


def test_audiences_are_added_and_removed_once(ours: World, role: str) -> None:
    iam = ours.client("iam", TENANT)
    asked = {"OpenIDConnectProviderArn": _PROVIDER, "ClientID": "vault"}
    for change, there in (
        (iam.add_client_id_to_open_id_connect_provider, ["sts", "vault"]),
        (iam.remove_client_id_from_open_id_connect_provider, ["sts"]),
    ):
        change(**asked)
        change(**asked)
        found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=_PROVIDER)
        assert found["ClientIDList"] == there and found["Url"] == "ci.example/id"
    assert role
