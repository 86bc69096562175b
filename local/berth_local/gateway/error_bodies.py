"""Writes an error in the protocol of the call that gets it, so that a real SDK reads the code that a rule names.

Forms: https://smithy.io/2.0/aws/protocols/index.html, and for EC2
https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-error-codes.html.
"""

from __future__ import annotations

import json
import struct
import uuid
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement, tostring


@dataclass
class Answer:
    """An HTTP answer that has not been sent yet."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)

    def header(self, name: str) -> str:
        """The value of a header, by its name in any case; empty when it is absent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def error_answer(
    protocol: str, service: str, status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> Answer:
    """An error answer of `service` in `protocol` (json-1.0, json-1.1, query, ec2, rest-json, rest-xml, rest-xml-unwrapped, cbor)."""
    request_id = str(uuid.uuid4())
    answer = _RENDER.get(protocol, _rest_json)(service, status, code, message, request_id)
    answer.headers.append(("x-amzn-RequestId", request_id))
    answer.headers.extend((headers or {}).items())
    return answer


def error_code(answer: Answer) -> str:
    """The error code inside an answer of any protocol, without namespace; empty for a success."""
    if answer.status < 400:
        return ""
    named = answer.header("x-amzn-errortype")
    if named:
        return named.split(":")[0].rsplit("#", 1)[-1]
    text = answer.body
    if text.lstrip()[:1] == b"{":
        try:
            fields = json.loads(text)
        except ValueError:
            return str(answer.status)
        code = fields.get("__type") or fields.get("code") or fields.get("Code") or ""
        return str(code).rsplit("#", 1)[-1] or str(answer.status)
    start, end = text.find(b"<Code>"), text.find(b"</Code>")
    if 0 <= start < end:
        return text[start + len(b"<Code>") : end].decode("utf-8", "replace").strip()
    return str(answer.status)


def _json(version: str):
    def render(_service: str, status: int, code: str, message: str, _request_id: str) -> Answer:
        body = json.dumps({"__type": code, "message": message, "Message": message}).encode()
        headers = [("Content-Type", f"application/x-amz-json-{version}"), ("x-amzn-errortype", code)]
        if "." in code:  # an AWS Query code on JSON, as SQS has: the SDK reads it from this header
            headers.append(("x-amzn-query-error", f"{code};{'Receiver' if status >= 500 else 'Sender'}"))
        return Answer(status, body, headers)

    return render


def _query(_service: str, status: int, code: str, message: str, request_id: str) -> Answer:
    root = Element("ErrorResponse")
    error = SubElement(root, "Error")
    SubElement(error, "Type").text = "Receiver" if status >= 500 else "Sender"
    SubElement(error, "Code").text = code
    SubElement(error, "Message").text = message
    SubElement(root, "RequestId").text = request_id
    return _xml(status, root)


def _ec2(_service: str, status: int, code: str, message: str, request_id: str) -> Answer:
    root = Element("Response")
    error = SubElement(SubElement(root, "Errors"), "Error")
    SubElement(error, "Code").text = code
    SubElement(error, "Message").text = message
    SubElement(root, "RequestID").text = request_id
    return _xml(status, root)


def _unwrapped(_service: str, status: int, code: str, message: str, request_id: str) -> Answer:
    root = Element("Error")
    SubElement(root, "Code").text = code
    SubElement(root, "Message").text = message
    SubElement(root, "RequestId").text = request_id
    return _xml(status, root)


def _rest_json(_service: str, status: int, code: str, message: str, _request_id: str) -> Answer:
    body = json.dumps({"message": message, "Message": message}).encode()
    return Answer(status, body, [("Content-Type", "application/json"), ("x-amzn-errortype", code)])


def _cbor(_service: str, status: int, code: str, message: str, _request_id: str) -> Answer:
    body = b"\xa2" + b"".join(_cbor_text(text) for text in ("__type", code, "message", message))
    return Answer(status, body, [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")])


def _cbor_text(text: str) -> bytes:
    """A CBOR text string (RFC 8949 section 3.1, major type 3) with a two-byte length, which every reader takes."""
    data = text.encode()[:0xFFFF]
    return b"\x79" + struct.pack(">H", len(data)) + data


def _xml(status: int, root: Element) -> Answer:
    return Answer(status, tostring(root, encoding="utf-8", xml_declaration=True), [("Content-Type", "text/xml")])


_RENDER = {
    "json": _json("1.0"),
    "json-1.0": _json("1.0"),
    "json-1.1": _json("1.1"),
    "query": _query,
    "ec2": _ec2,
    "rest-json": _rest_json,
    "rest-xml": _query,
    "rest-xml-unwrapped": _unwrapped,
    "cbor": _cbor,
    "smithy-rpc-v2-cbor": _cbor,
}
