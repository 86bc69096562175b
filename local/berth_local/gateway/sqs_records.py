"""The event that Lambda makes of SQS messages, and what the function's answer says about each of them.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import json
from typing import Any


def sqs_event(messages: list[dict[str, Any]], queue_arn: str, region: str) -> bytes:
    """The payload for a batch of messages, as ReceiveMessage gave them."""
    return json.dumps({"Records": [_record(message, queue_arn, region) for message in messages]}).encode()


def failed_ids(answer: bytes, message_ids: set[str]) -> set[str]:
    """Which messages a function with ReportBatchItemFailures did not do. A malformed answer means all of them."""
    try:
        fields = json.loads(answer) if answer.strip() else None
    except ValueError:
        return message_ids
    if fields is None or fields == {}:
        return set()
    if not isinstance(fields, dict):
        return message_ids
    failures = fields.get("batchItemFailures")
    if failures is None:
        return set()
    if not isinstance(failures, list):
        return message_ids
    failed: set[str] = set()
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in message_ids:
            return message_ids
        failed.add(identifier)
    return failed


def _record(message: dict[str, Any], queue_arn: str, region: str) -> dict[str, Any]:
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }  # fmt: skip
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    """Binary values are base64 in both forms."""
    shown: dict[str, Any] = {
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value.get("DataType", "String"),
    }
    if value.get("StringValue") is not None:
        shown["stringValue"] = value["StringValue"]
    if value.get("BinaryValue") is not None:
        shown["binaryValue"] = value["BinaryValue"]
    return shown
