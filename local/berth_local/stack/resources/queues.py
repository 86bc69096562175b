"""SQS queues and their policies (SQS CreateQueue, SetQueueAttributes)."""

from __future__ import annotations

import json
from typing import Any

from berth_local.stack.intrinsics import Made
from berth_local.stack.resources.maker import Maker, Properties, Target, maker, tag_map

_ATTRIBUTES = (
    "ContentBasedDeduplication DelaySeconds FifoQueue KmsDataKeyReusePeriodSeconds KmsMasterKeyId MaximumMessageSize"
    " MessageRetentionPeriod ReceiveMessageWaitTimeSeconds RedriveAllowPolicy RedrivePolicy SqsManagedSseEnabled"
    " VisibilityTimeout"
)


def _queue(target: Target, properties: Properties) -> Made:
    attributes = {name: _text(properties[name]) for name in _ATTRIBUTES.split() if name in properties}
    name = properties["QueueName"]
    url = target.client("sqs").create_queue(
        QueueName=name, Attributes=attributes, tags=tag_map(properties.get("Tags", []))
    )["QueueUrl"]
    return Made(url, {"Arn": target.arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _text(value: Any) -> str:
    """SQS takes every attribute as text: numbers and booleans in words, documents as JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _policy(target: Target, properties: Properties) -> Made:
    document = json.dumps(properties["PolicyDocument"])
    for url in properties["Queues"]:
        target.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    return Made(properties["Queues"][0])


MAKERS: dict[str, Maker] = {
    "AWS::SQS::Queue": maker(_queue, f"QueueName Tags {_ATTRIBUTES}"),
    "AWS::SQS::QueuePolicy": maker(_policy, "PolicyDocument Queues"),
}
