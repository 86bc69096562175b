"""The same for less work: how stock moto reads a request.

Stock parses a body of JSON as if it were a form, copies all headers into what it takes for a form, works out the region by
three regular expressions and draws each letter of a request's id; and for each look at a service's state it takes a lock
that all services share, and a list of all accounts.
"""

from __future__ import annotations

import io
import re
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlparse

from moto.core import base_backend
from moto.core.base_backend import AccountSpecificBackend, BackendDict
from moto.core.request import Request
from moto.core.responses import BaseResponse
from moto.moto_api._internal import mock_random
from moto.utilities import aws_headers, utils
from werkzeug.datastructures import ImmutableMultiDict

from berth_local.aws.replacing import replace_name, wrap

BODY = "berth.body"
"""Where the environment of a request has its whole body."""
_FORM = "application/x-www-form-urlencoded"
_FORM_SIGNS = re.compile(r"[=&%+]")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_REQUEST_ID = re.compile(r"(?<=<RequestId>).*?(?=</RequestId>)")


class DirectRequest(Request):
    """A request whose body has arrived already. It came from a server, which says the date itself."""

    from_wsgi_server = True

    def _load_form_data(self) -> None:
        """The fields of the body, when it is a form: a Query or EC2 call."""
        if "form" in self.__dict__ or not self.environ.get("CONTENT_TYPE", "").startswith(_FORM):
            super()._load_form_data()
            return
        text = self.environ[BODY].decode("utf-8", "replace")
        self.__dict__["form"] = ImmutableMultiDict(parse_qsl(text, keep_blank_values=True))
        self.__dict__["files"] = ImmutableMultiDict()
        self.__dict__["stream"] = io.BytesIO()

    @cached_property
    def raw_url(self) -> str:  # type: ignore[override]
        """The URL as it arrived."""
        return f"http://{self.environ.get('HTTP_HOST', '127.0.0.1')}{self.environ['RAW_URI']}"


def setup_class(
    stock: Any,
    self: BaseResponse,
    request: Request,
    full_url: str | None = None,
    headers: Any = None,
    use_raw_body: bool | None = None,
) -> None:
    """Takes in a request as stock does, when it is a form or JSON on one of its usual ways."""
    own = isinstance(request, DirectRequest) and (full_url is None or full_url == request.raw_url)
    content = request.environ.get("CONTENT_TYPE", "")
    if not own or not content.startswith((_FORM, "application/x-amz-json")) or request.content_encoding:
        stock(self, request, full_url, headers, use_raw_body)
        return
    self.is_werkzeug_request = True
    self.normalized_request = request
    self.uri = request.raw_url
    self.parsed_url = urlparse(self.uri)
    self.form_data = request.form
    self.body = self.raw_body = request.data
    if not (self.use_raw_body if use_raw_body is None else use_raw_body):
        self.body = self.body.decode("utf-8")
    self.querystring = self.data = _querystring(self, request, headers)
    self.path = self.parsed_url.path
    self.raw_path = request.raw_path
    self.method = request.method
    self.region = self.get_region_from_url(request, self.uri)
    self.partition = utils.get_partition(self.region)
    self.uri_match = {}
    self.headers = request.headers
    self.response_headers = {"server": "amazon.com"}
    if self.automated_parameter_parsing and self._get_action():
        self.parse_parameters(request)
    from moto.iam.models import mark_account_as_visited

    self.access_key = self.get_access_key()
    self.current_account = self.get_current_account()
    mark_account_as_visited(
        account_id=self.current_account,
        access_key=self.access_key,
        service=self.service_name or "",
        region=self.region,
    )


def _querystring(self: BaseResponse, request: DirectRequest, headers: Any) -> dict[str, Any]:
    found: dict[str, Any] = {key: [value] for key, value in request.form.items()}
    if not found and self.parsed_url.query:
        found.update(parse_qs(self.parsed_url.query, keep_blank_values=True))
    if not found and self.body and isinstance(self.body, str):
        # To stock JSON is a form, too: with one field, which is all of it, unless signs of forms are in it.
        pairs = parse_qsl(self.body, keep_blank_values=True) if _FORM_SIGNS.search(self.body) else [(self.body, "")]
        found.update((key, [value]) for key, value in pairs)
    if not found:
        found.update(request.headers if headers is None else headers)
    return found


def region_of(stock: Any, self: BaseResponse, request: Any, full_url: str) -> str:
    """The region of a request: stock's three places, without looking for what cannot be there."""
    agent = request.headers.get("User-Agent", "")
    if "amazonaws" in full_url or "region/" in agent:
        return str(stock(self, request, full_url))
    authorization = request.headers.get("Authorization", "")
    return authorization.split(",")[0].split("/")[2] if "AWS4" in authorization else self.default_region


def enriched(headers: dict[str, str], body: Any) -> tuple[dict[str, str], Any]:
    """Gives an answer its request id."""
    if "status" in headers:
        headers["status"] = str(headers["status"])
    request_id = aws_headers.gen_amzn_requestid_long(headers)
    if isinstance(body, str) and "<RequestId>" in body:
        body = _REQUEST_ID.sub(request_id, body)
    return headers, body


def request_id(headerdict: dict[str, Any] | None = None) -> str:
    """52 letters and digits, and in the headers, if there are any."""
    made = "".join(mock_random.choices(_LETTERS, k=52))
    if isinstance(headerdict, dict):
        headerdict["x-amzn-requestid"] = made
    return made


def _account(stock: Any, self: BackendDict[Any], account_id: str) -> AccountSpecificBackend[Any]:
    known = dict.get(self, account_id)
    # Only one that was there before is in the list of those to be reset.
    return known if known is not None else stock(self, account_id)


def _region(stock: Any, self: AccountSpecificBackend[Any], region: str) -> Any:
    known = dict.get(self, region)
    return known if known is not None else stock(self, region)


def install() -> None:
    """Read what is there, once."""
    wrap(BaseResponse, "setup_class")(setup_class)
    wrap(BaseResponse, "get_region_from_url")(region_of)
    BaseResponse._enrich_response = staticmethod(enriched)
    wrap(BackendDict, "__getitem__")(_account)
    wrap(AccountSpecificBackend, "__getitem__")(_region)
    replace_name("moto", "get_partition", lru_cache(256)(utils.get_partition))
    replace_name("moto", "gen_amzn_requestid_long", request_id)
    assert base_backend.BackendDict is BackendDict
