"""Tokens for EKS clusters: those that the AWS CLI makes are taken, and nothing that proves less."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from botocore.credentials import Credentials
from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner

from berth_local.gateway.cluster_tokens import PREFIX, BadToken, Claim, check_signature, read

KEY, SECRET, CLUSTER = "ASIAABCDEFGHIJKLMNOP", "a secret", "shared-dev-1"
NOW = datetime.now(UTC)


def _url(cluster: str = CLUSTER) -> str:
    """As `aws eks get-token` makes it (awscli/customizations/eks/get_token.py)."""
    credentials = Credentials(KEY, SECRET, "a session/token+")
    signer = RequestSigner(
        ServiceId("STS"), "eu-west-1", "sts", "v4", credentials, Session().get_component("event_emitter")
    )
    request = {
        "method": "GET", "url": "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {}, "headers": {"x-k8s-aws-id": cluster}, "context": {},
    }  # fmt: skip
    return str(signer.generate_presigned_url(request, "GetCallerIdentity", region_name="eu-west-1", expires_in=60))


def _token(url: str) -> str:
    return PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def _without(url: str, name: str, **instead: str) -> str:
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key != name]
    return parts._replace(query=urlencode([*query, *instead.items()])).geturl()


def test_a_token_of_the_cli_names_its_key_and_fits_its_cluster_only() -> None:
    claim = read(_token(_url()), NOW)
    assert (claim.access_key, claim.region) == (KEY, "eu-west-1")
    check_signature(claim, CLUSTER, SECRET)
    for cluster, secret in ((CLUSTER, "another"), ("shared-prod-1", SECRET)):
        with pytest.raises(BadToken, match="signature"):
            check_signature(claim, cluster, secret)


def test_what_proves_less_is_refused_with_the_reason() -> None:
    url = _url()
    for token, why in (
        (_token(url).removeprefix(PREFIX), "begins with"),
        (_token(url) + "=", "no padding"),
        (PREFIX + "%%%", "base64"),
        (_token(url.replace("sts.eu-west-1", "sts.evil")), "do not fit STS"),
        (_token(url.replace("https:", "http:")), "not one of STS"),
        (_token(url.replace("GetCallerIdentity", "GetSessionToken")), "not a signed GetCallerIdentity"),
        (_token(url + "&X-Amz-Date=20200101T000000Z"), "not one of STS"),
        (_token(_without(url, "X-Amz-SignedHeaders", **{"X-Amz-SignedHeaders": "host"})), "is not signed"),
        (_token(_without(url, "X-Amz-Date", **{"X-Amz-Date": "yesterday"})), "no date"),
    ):
        with pytest.raises(BadToken, match=why):
            read(token, NOW)
    with pytest.raises(BadToken, match="not valid now"):
        read(_token(url), NOW + timedelta(minutes=16))


def test_a_signature_over_other_parameters_is_refused() -> None:
    url = _url()
    longer = read(_token(_without(url, "X-Amz-Expires", **{"X-Amz-Expires": "900"})), NOW)
    assert isinstance(longer, Claim)
    with pytest.raises(BadToken, match="signature"):
        check_signature(longer, CLUSTER, SECRET)
