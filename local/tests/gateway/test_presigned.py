"""A presigned call of STS is taken from whoever has the keys, for the headers that were signed, as long as it lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.credentials import Credentials
from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner

from berth_local.gateway.presigned import header_of, is_presigned, refusal

KEY, SECRET, HEADER = "AKIAABCDEFGHIJKLMNOP", "a secret", "x-berth-decision"
NOW = datetime.now(UTC)


def _path(digest: str = "one") -> str:
    signer = RequestSigner(
        ServiceId("STS"), "us-east-1", "sts", "v4", Credentials(KEY, SECRET, "token/+="),
        Session().get_component("event_emitter"),
    )  # fmt: skip
    request = {
        "method": "GET", "url": "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {}, "headers": {HEADER: digest}, "context": {},
    }  # fmt: skip
    url = urlsplit(
        str(signer.generate_presigned_url(request, "GetCallerIdentity", region_name="us-east-1", expires_in=60))
    )
    return f"/?{url.query}"


def _code(path: str, digest: str = "one", later: int = 0, secret: str | None = SECRET) -> str | None:
    headers = {"host": "127.0.0.1:1", HEADER: digest}
    found = refusal(path, headers, NOW + timedelta(seconds=later), lambda key: secret if key == KEY else None)
    return found[0] if found else None


def test_whoever_has_the_keys_is_taken_for_what_was_signed() -> None:
    path = _path()
    assert is_presigned(path, {})
    assert not is_presigned(path, {"authorization": "AWS4-HMAC-SHA256 …"})
    assert _code(path) is None
    name, value = header_of(path)
    assert name == "Authorization"
    assert f"Credential={KEY}/" in value and "/us-east-1/sts/aws4_request, SignedHeaders=host;x-berth-decision" in value


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"digest": "another"}, "SignatureDoesNotMatch"),
        ({"secret": "another"}, "SignatureDoesNotMatch"),
        ({"secret": None}, "InvalidClientTokenId"),
        ({"later": 120}, "ExpiredToken"),
    ],
)
def test_what_proves_less_is_refused_with_the_code_of_sts(fields: dict[str, object], code: str) -> None:
    assert _code(_path(), **fields) == code  # type: ignore[arg-type]


def test_what_is_no_credential_is_refused() -> None:
    path = "/?Action=GetCallerIdentity&X-Amz-Credential=nobody&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
    assert _code(path) == "IncompleteSignature"
    assert _code(_path().replace("X-Amz-Date=", "X-Amz-Dat=")) == "IncompleteSignature"
