"""The way to the emulator: forwards requests as they came, and makes the gateway's own few calls past the journal.

The emulator is in this process (`direct.py`), or behind a URL.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Protocol
from xml.etree import ElementTree

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from yarl import URL

from .error_bodies import Answer, error_code

if TYPE_CHECKING:
    from .identify import ApiCall

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
_NO_HEADERS_OF_OURS = ("Content-Type", "Accept", "Accept-Encoding", "User-Agent")


class UpstreamError(Exception):
    """The emulator did not answer, or answered one of the gateway's own calls with an error."""

    def __init__(self, what: str, code: str = "") -> None:
        super().__init__(what)
        self.code = code


class Transport(Protocol):
    """How requests reach the emulator, and where it can be reached from outside."""

    url: str

    async def send(
        self, method: str, raw_path: str, headers: list[tuple[str, str]], body: bytes, call: ApiCall | None = None
    ) -> Answer:
        """Sends a request and reads the whole answer. Raises UpstreamError when there is none."""

    async def close(self) -> None:
        """Ends what is under way."""


class HttpTransport:
    """An emulator in another process."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # No decoding: bodies go through byte for byte, their checksums stay true. No limit, because long polls wait.
        self._session = ClientSession(
            connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None), auto_decompress=False
        )

    async def close(self) -> None:
        """Closes every connection."""
        await self._session.close()

    async def send(
        self, method: str, raw_path: str, headers: list[tuple[str, str]], body: bytes, call: ApiCall | None = None
    ) -> Answer:
        """Sends a request and reads the whole answer. Raises UpstreamError when there is none."""
        url = URL(self.url + raw_path, encoded=True)
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False, skip_auto_headers=_NO_HEADERS_OF_OURS
            ) as response:
                return Answer(response.status, await response.read(), list(response.headers.items()))
        except ClientError as error:
            raise UpstreamError(f"the emulator at {self.url} does not answer: {error}") from error


class Upstream:
    """One emulator."""

    def __init__(self, transport: Transport, account: str, region: str) -> None:
        self._transport = transport
        self.url = transport.url
        self.account = account
        self.region = region

    async def close(self) -> None:
        """Ends what is under way."""
        await self._transport.close()

    async def forward(
        self, method: str, raw_path: str, headers: list[tuple[str, str]], body: bytes, call: ApiCall | None = None
    ) -> Answer:
        """Sends a request on and reads the whole answer. Raises UpstreamError when there is none."""
        answer = await self._transport.send(method, raw_path, _end_to_end(headers), body, call)
        answer.headers = _end_to_end(answer.headers)
        return answer

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
            answer = await self._transport.send("POST", "/", list(headers.items()), body)
            root = ElementTree.fromstring(answer.body)
        except (UpstreamError, ElementTree.ParseError):
            return ""
        return next((element.text or "" for element in root.iter() if element.tag.endswith("Arn")), "")

    async def _own_call(
        self, method: str, path: str, service: str, body: bytes, headers: dict[str, str], account: str = "",
        region: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        headers["Authorization"] = self._scope(service, "BERTHGATEWAYXXXXXXXX", region)
        headers[ACCOUNT_HEADER] = account or self.account
        answer = await self._transport.send(method, path, list(headers.items()), body)
        if answer.status >= 400:
            text = answer.body.decode("utf-8", "replace")[:300]
            raise UpstreamError(f"{service} {path} answered {answer.status}: {text}", error_code(answer))
        return json.loads(answer.body) if answer.body.strip() else {}

    def _scope(self, service: str, access_key: str, region: str = "") -> str:
        """A header that names service and region; the emulator does not check signatures."""
        scope = f"{access_key}/{time.strftime('%Y%m%d', time.gmtime())}/{region or self.region}/{service}/aws4_request"
        return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


def _end_to_end(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in _HOP_HEADERS]
