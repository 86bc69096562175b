"""DynamoDB tables and CloudWatch log groups (CreateTable, UpdateContinuousBackups, CreateLogGroup, PutRetentionPolicy)."""

from __future__ import annotations

from berth_local.stack.intrinsics import Made
from berth_local.stack.resources.maker import Maker, Properties, Target, maker, picked, tag_map

_SAME_NAME = (
    "AttributeDefinitions BillingMode DeletionProtectionEnabled GlobalSecondaryIndexes KeySchema TableName Tags"
)


def _table(target: Target, properties: Properties) -> Made:
    client = target.client("dynamodb")
    name = properties["TableName"]
    request = picked(properties, _SAME_NAME)
    if "SSESpecification" in properties:
        encryption = dict(properties["SSESpecification"])
        request["SSESpecification"] = {"Enabled": encryption.pop("SSEEnabled"), **encryption}
    arn = client.create_table(**request)["TableDescription"]["TableArn"]
    recovery = properties.get("PointInTimeRecoverySpecification")
    if recovery:
        client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    expiry = properties.get("TimeToLiveSpecification")
    if expiry:
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
    return Made(name, {"Arn": arn})


def _log_group(target: Target, properties: Properties) -> Made:
    client = target.client("logs")
    name = properties["LogGroupName"]
    key = {"kmsKeyId": properties["KmsKeyId"]} if "KmsKeyId" in properties else {}
    client.create_log_group(logGroupName=name, tags=tag_map(properties.get("Tags", [])), **key)
    if "RetentionInDays" in properties:
        client.put_retention_policy(logGroupName=name, retentionInDays=int(properties["RetentionInDays"]))
    return Made(name, {"Arn": target.arn("logs", f"log-group:{name}:*")})


MAKERS: dict[str, Maker] = {
    "AWS::DynamoDB::Table": maker(
        _table, f"PointInTimeRecoverySpecification SSESpecification TimeToLiveSpecification {_SAME_NAME}"
    ),
    "AWS::Logs::LogGroup": maker(_log_group, "KmsKeyId LogGroupName RetentionInDays Tags"),
}
