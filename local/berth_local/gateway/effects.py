"""Says what an AWS operation does to the world: reads it, changes a resource, changes data, or only moves work along.

The line between resource and data is CloudTrail's, between management events and data events:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-events
"""

from __future__ import annotations

from enum import Enum


class Effect(str, Enum):
    """What a call changes. Only `RESOURCE` counts as mutating; `DATA` changes an item, an object or a message."""

    READ = "read"
    SESSION = "session"
    EXECUTION = "execution"
    DATA = "data"
    RESOURCE = "resource"


_READ_PREFIXES = (
    "Get", "List", "Describe", "Search", "Head", "BatchGet", "BatchCheck", "Query", "Scan", "Lookup", "Check",
    "Validate", "Preview", "Simulate", "Estimate", "Select", "Test", "Decode", "Detect", "TransactGet", "View",
)  # fmt: skip

# Reads by prefix that hand out credentials: they change nothing, but they are not a look at the world either.
_SESSION = {
    "sts": {
        "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetSessionToken",
        "GetFederationToken",
    },
    "sso": {"GetRoleCredentials"},
}  # fmt: skip

_EXECUTION = {
    "states": {
        "StartExecution", "StartSyncExecution", "StopExecution", "RedriveExecution", "SendTaskSuccess",
        "SendTaskFailure", "SendTaskHeartbeat", "GetActivityTask",
    },
    "lambda": {"Invoke", "InvokeAsync", "InvokeWithResponseStream"},
}  # fmt: skip

_DATA = {
    "sqs": {
        "SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch",
        "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "PurgeQueue",
    },
    "sns": {"Publish", "PublishBatch"},
    "events": {"PutEvents"},
    "dynamodb": {
        "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "ExecuteStatement",
        "BatchExecuteStatement", "ExecuteTransaction",
    },
    "s3": {
        "PutObject", "DeleteObject", "DeleteObjects", "CopyObject", "CreateMultipartUpload", "UploadPart",
        "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload",
    },
    "monitoring": {"PutMetricData"},
    "logs": {"PutLogEvents", "CreateLogStream"},
    "xray": {"PutTraceSegments", "PutTelemetryRecords"},
}  # fmt: skip


def effect_of(service: str, operation: str, *, dry_run: bool = False) -> Effect:
    """Classifies `operation` of `service` (its signing name). An operation that nobody named is taken for a change."""
    if operation in _SESSION.get(service, ()):
        return Effect.SESSION
    if operation in _EXECUTION.get(service, ()):
        return Effect.EXECUTION
    if operation in _DATA.get(service, ()):
        return Effect.DATA
    if dry_run or not operation or operation.startswith(_READ_PREFIXES):
        return Effect.READ
    return Effect.RESOURCE
