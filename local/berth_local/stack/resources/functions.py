"""Lambda functions, who may invoke them, layers and event sources (CreateFunction, AddPermission, PublishLayerVersion,
CreateEventSourceMapping).

A function's code is an empty archive: the Lambda host runs the binary that the tag `berth:binary` names.
"""

from __future__ import annotations

import io
import zipfile
from functools import cache

from berth_local.gateway.functions import LOG_GROUP_TAG
from berth_local.stack.intrinsics import Made
from berth_local.stack.resources.maker import Maker, Properties, Target, maker, picked, tag_map

_SAME_NAME = (
    "Architectures DeadLetterConfig Description Environment EphemeralStorage FunctionName Handler Layers LoggingConfig"
    " MemorySize Role Runtime Timeout TracingConfig"
)
_PERMISSION = "Action FunctionName Principal SourceAccount SourceArn"
_MAPPING = (
    "BatchSize BisectBatchOnFunctionError Enabled EventSourceArn FilterCriteria FunctionName FunctionResponseTypes"
    " MaximumBatchingWindowInSeconds MaximumRetryAttempts ScalingConfig StartingPosition"
)


@cache
def _no_code() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("bootstrap", "")
    return archive.getvalue()


def _function(target: Target, properties: Properties) -> Made:
    request = picked(properties, _SAME_NAME)
    if "Environment" in request:  # CloudFormation takes numbers here, the API only text
        variables = request["Environment"].get("Variables", {})
        request["Environment"] = {"Variables": {name: str(value) for name, value in variables.items()}}
    tags = tag_map(properties.get("Tags", []))
    if "LogGroup" in request.get("LoggingConfig", {}):  # the emulator drops it
        tags[LOG_GROUP_TAG] = request["LoggingConfig"]["LogGroup"]
    answer = target.client("lambda").create_function(Code={"ZipFile": _no_code()}, Tags=tags, **request)
    return Made(answer["FunctionName"], {"Arn": answer["FunctionArn"]})


def _permission(target: Target, properties: Properties) -> Made:
    """CloudFormation makes up the id of the statement; here it is the principal's."""
    statement = f"{properties['Principal'].split('.')[0]}-may-invoke"
    target.client("lambda").add_permission(StatementId=statement, **picked(properties, _PERMISSION))
    return Made(statement, {"Id": statement})


def _layer(target: Target, properties: Properties) -> Made:
    request = picked(properties, "CompatibleArchitectures CompatibleRuntimes Description LayerName LicenseInfo")
    arn = target.client("lambda").publish_layer_version(Content={"ZipFile": _no_code()}, **request)["LayerVersionArn"]
    return Made(arn, {"LayerVersionArn": arn})


def _event_source(target: Target, properties: Properties) -> Made:
    answer = target.client("lambda").create_event_source_mapping(**picked(properties, _MAPPING))
    return Made(answer["UUID"], {"Id": answer["UUID"]})


MAKERS: dict[str, Maker] = {
    "AWS::Lambda::Function": maker(_function, f"Code Tags {_SAME_NAME}"),
    "AWS::Lambda::Permission": maker(_permission, _PERMISSION),
    "AWS::Lambda::LayerVersion": maker(
        _layer, "CompatibleArchitectures CompatibleRuntimes Content Description LayerName LicenseInfo"
    ),
    "AWS::Lambda::EventSourceMapping": maker(_event_source, _MAPPING),
}
