"""Reading requests and writing XML takes less work than in stock moto, and comes out the same."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import urlencode

import pytest
import xmltodict
from moto.core.request import Request
from moto.core.responses import BaseResponse
from moto.core.serialize import ResponseSerializer, XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model
from moto.ec2.responses._base_response import EC2BaseResponse

from berth_local.aws import quick_answers, quick_requests
from berth_local.aws.emulator import _environ
from berth_local.aws.quick_requests import DirectRequest

_SCOPE = "AWS4-HMAC-SHA256 Credential=AKIA{}/20261129/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=0"
_AUTHORIZATION = _SCOPE.format("A" * 16)
_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_JSON = "application/x-amz-json-1.0"
REQUESTS = {
    "a form": (_FORM, urlencode({"Action": "DescribeVpcs", "Filter.1.Name": "tag:ü", "Empty": ""}).encode(), {}),
    "JSON": (_JSON, '{"TableName": "tü"}'.encode(), {"X-Amz-Target": "DynamoDB_20120810.GetItem"}),
    "JSON with an equals sign": (_JSON, b'{"Expression": "a = b & c = d"}', {"X-Amz-Target": "X.Query"}),
    "no body": (_JSON, b"", {"X-Amz-Target": "X.List"}),
    "a region in the agent": (_FORM, b"Action=A", {"User-Agent": "Boto3/1.4 region/eu-central-1"}),
    "nobody's": (_FORM, b"Action=A&AWSAccessKeyId=AKIAOTHER", {"Authorization": ""}),
}
_READ = ("body", "raw_body", "querystring", "uri", "path", "raw_path", "method", "region", "partition", "access_key",
         "current_account", "uri_match", "response_headers", "is_werkzeug_request")  # fmt: skip


class StockRequest(Request):
    """A request as moto's own server makes it."""

    from_wsgi_server = True


def read(setup: Any, kind: str, made: type[Request]) -> dict[str, Any]:
    """What a response object holds once it has taken in a request."""
    content, body, more = REQUESTS[kind]
    headers = {"Host": "127.0.0.1:4566", "Authorization": _AUTHORIZATION, "Content-Type": content, **more}
    request = made(_environ("POST", "/", list(headers.items()), body))
    response = BaseResponse("ec2")
    setup(response, request)
    found = {name: getattr(response, name) for name in _READ}
    found["querystring"] = dict(found["querystring"])
    return found | {"form": request.form.to_dict(flat=False), "values": request.values.to_dict(flat=False)}


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_request_is_read_as_moto_reads_it(kind: str) -> None:
    stock = BaseResponse.setup_class
    fell_back: list[str] = []

    def ours(self: BaseResponse, request: Any) -> None:
        quick_requests.setup_class(
            lambda *arguments: fell_back.append(kind) or stock(*arguments[:2]), self, request
        )  # fmt: skip

    assert read(ours, kind, DirectRequest) == read(stock, kind, StockRequest)
    assert fell_back == []


def test_what_is_no_form_and_no_json_is_read_by_moto_itself() -> None:
    fell_back: list[Any] = []
    headers = [("Content-Type", "multipart/form-data; boundary=x"), ("Host", "h")]
    request = DirectRequest(_environ("POST", "/bucket", headers, b"--x--"))
    quick_requests.setup_class(lambda *arguments: fell_back.append(arguments), BaseResponse("s3"), request)
    assert len(fell_back) == 1


def some_value(dice: random.Random, depth: int) -> Any:
    """A part of an answer: texts with what XML escapes, numbers, nothing, lists and dictionaries of them."""
    kind = dice.randint(0, 4 if depth else 2)
    if kind == 0:
        return dice.choice(["", "a<b", "x & y", 'says "no"', "ü\n", "  ", 0, 7, True, False, None, 1.5, b"raw"])
    if kind == 1:
        return [some_value(dice, max(depth - 1, 0)) for _ in range(dice.randint(0, 3))] if depth else ""
    members = (
        {name: some_value(dice, depth - 1) for name in dice.sample(["a", "b", "cd"], dice.randint(0, 3))}
        if depth
        else {}
    )
    if dice.random() < 0.3:
        members["@xmlns"] = dice.choice(["http://x/?a&b", 'q"', None])
    if dice.random() < 0.2:
        members["#text"] = dice.choice(["t<", None])
    return members


def flat(value: Any) -> Any:
    """Lists right inside of lists are nothing that a serializer makes."""
    if isinstance(value, list):
        return [flat(each) for each in value if not isinstance(each, list)]
    return {key: flat(each) for key, each in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("short", [True, False])
def test_xml_is_what_xmltodict_writes(full: bool, short: bool) -> None:
    dice, seen = random.Random(20_261_129), set()
    for _ in range(500):
        body = {"Response": flat(some_value(dice, 4))}
        if isinstance(body["Response"], list) and (full or not body["Response"]):
            body = {"Response": {"item": body["Response"]}}
        how = {"full_document": full, "short_empty_elements": short}
        assert quick_answers.xml(body, **how) == xmltodict.unparse(body, **how), body
        seen.add(type(body["Response"]))
    assert dict in seen
    assert str in seen


def test_members_that_moto_transforms_are_transformed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = get_service_model("ec2")
    answer = {"TransitGatewayVpcAttachments": [{"TransitGatewayAttachmentId": "tgw-attach-1", "Tags": []}]}

    def text() -> Any:
        picker = XFormedAttributePicker(response_transformers=EC2BaseResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER)
        operation = model.operation_model("DescribeTransitGatewayVpcAttachments")
        return get_serializer_class("ec2", "ec2")(operation, value_picker=picker).serialize(answer)["body"]

    wanted, stock = text(), ResponseSerializer.get_value
    monkeypatch.setattr(
        ResponseSerializer, "get_value", lambda *arguments: quick_answers.member_value(stock, *arguments)
    )
    assert text() == wanted
    assert "tagSet" not in wanted


def test_a_request_id_has_52_letters_and_digits_and_is_in_the_headers() -> None:
    headers: dict[str, Any] = {}
    made = quick_requests.request_id(headers)
    assert headers == {"x-amzn-requestid": made}
    assert len(made) == 52
    assert made.isalnum()
    headers, body = quick_requests.enriched({"status": 400}, "<A><RequestId>request-id</RequestId></A>")
    assert body == f"<A><RequestId>{headers['x-amzn-requestid']}</RequestId></A>"
    assert headers["status"] == "400"
