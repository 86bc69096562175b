"""The way to the emulator: forwards requests as they came, and makes the gateway's own few calls past the journal."""

from __future__ import annotations

import json
import time
from typing import Any
from xml.etree import ElementTree

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from yarl import URL

from .error_bodies import Answer, error_code

# Headers about one connection, not about the message: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
_HOP_HEADERS = frozenset(
    ("connection", "keep-alive", "transfer-encoding", "content-length", "expect", "server", "date", "upgrade")
)
# Moto takes the account from here before it looks at the key (moto/core/responses.py, get_current_account).
ACCOUNT_HEADER = "x-moto-account-id"
# For the emulator's trust checks: the caller's role ARN, as policies name it. The emulator does not know the keys of
# hosted functions, so without this it could only say which account they are in.
PRINCIPAL_HEADER = "x-berth-principal-arn"
# The extension may set this on its own calls, so that they do not count as calls of the pipeline.
PLUMBING_HEADER = "x-berth-plumbing"
FORWARDS_MAX = 256
_NO_HEADERS_OF_OURS = ("Content-Type", "Accept", "Accept-Encoding", "User-Agent")


class UpstreamError(Exception):
    """The emulator did not answer, or answered one of the gateway's own calls with an error."""

    def __init__(self, what: str, code: str = "") -> None:
        super().__init__(what)
        self.code = code


class Upstream:
    """One emulator, at `url`."""

    def __init__(self, url: str, account: str, region: str) -> None:
        self.url = url.rstrip("/")
        self.account = account
        self.region = region
        # No decoding: bodies go through byte for byte, their checksums stay true.
        self._forwards = ClientSession(
            connector=TCPConnector(limit=FORWARDS_MAX), timeout=ClientTimeout(total=None), auto_decompress=False
        )
        # Apart from the forwards, so that waiting long polls never use up their connections.
        self._own = ClientSession(connector=TCPConnector(limit=0), timeout=ClientTimeout(total=90))

    async def close(self) -> None:
        """Closes every connection."""
        await self._forwards.close()
        await self._own.close()

    async def forward(self, method: str, raw_path: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        """Sends a request on and reads the whole answer. Raises UpstreamError when there is none."""
        kept = [(name, value) for name, value in headers if name.lower() not in _HOP_HEADERS]
        url = URL(self.url + raw_path, encoded=True)
        try:
            async with self._forwards.request(
                method, url, data=body, headers=kept, allow_redirects=False, skip_auto_headers=_NO_HEADERS_OF_OURS
            ) as response:
                data = await response.read()
                passed = [(name, value) for name, value in response.headers.items() if name.lower() not in _HOP_HEADERS]
                return Answer(response.status, data, passed)
        except ClientError as error:
            raise UpstreamError(f"the emulator at {self.url} does not answer: {error}") from error

    async def json_call(
        self, service: str, target: str, body: dict[str, Any], account: str = "", region: str = ""
    ) -> dict[str, Any]:
        """One call in AWS JSON, such as SQS's: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html."""
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
        return await self._own_call("POST", "/", service, json.dumps(body).encode(), headers, account, region)

    async def rest_get(self, service: str, path: str, account: str = "", region: str = "") -> dict[str, Any]:
        """One GET of a REST service, such as Lambda's."""
        return await self._own_call("GET", path, service, b"", {}, account, region)

    async def caller_arn(self, access_key: str) -> str:
        """Asks STS GetCallerIdentity whose key this is; empty when it does not say."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": self._scope("sts", access_key)}
        body = b"Action=GetCallerIdentity&Version=2011-06-15"
        try:
            async with self._own.post(self.url + "/", data=body, headers=headers) as response:
                root = ElementTree.fromstring(await response.read())
        except (ClientError, ElementTree.ParseError):
            return ""
        return next((element.text or "" for element in root.iter() if element.tag.endswith("Arn")), "")

    async def _own_call(
        self, method: str, path: str, service: str, body: bytes, headers: dict[str, str], account: str = "",
        region: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        headers["Authorization"] = self._scope(service, "BERTHGATEWAYXXXXXXXX", region)
        headers[ACCOUNT_HEADER] = account or self.account
        url = URL(self.url + path, encoded=True)
        try:
            async with self._own.request(method, url, data=body, headers=headers) as response:
                answer = Answer(response.status, await response.read(), list(response.headers.items()))
        except (ClientError, TimeoutError) as error:
            raise UpstreamError(f"the emulator at {self.url} does not answer: {error}") from error
        if answer.status >= 400:
            text = answer.body.decode("utf-8", "replace")[:300]
            raise UpstreamError(f"{service} {path} answered {answer.status}: {text}", error_code(answer))
        return json.loads(answer.body) if answer.body.strip() else {}

    def _scope(self, service: str, access_key: str, region: str = "") -> str:
        """A header that names service and region; the emulator does not check signatures."""
        scope = f"{access_key}/{time.strftime('%Y%m%d', time.gmtime())}/{region or self.region}/{service}/aws4_request"
        return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
