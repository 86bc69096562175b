"""Step Functions state machines, their versions and aliases (CreateStateMachine, CreateStateMachineAlias)."""

from __future__ import annotations

import json
import re
from typing import Any

from berth_local.faults import LocalError
from berth_local.stack.intrinsics import Made
from berth_local.stack.resources.maker import Maker, Properties, Target, maker

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


def _state_machine(target: Target, properties: Properties) -> Made:
    request: dict[str, Any] = {
        "name": properties["StateMachineName"],
        "definition": substituted(properties["DefinitionString"], properties.get("DefinitionSubstitutions", {})),
        "roleArn": properties["RoleArn"],
        "type": properties.get("StateMachineType", "STANDARD"),
        "publish": True,  # at once: moto has no PublishStateMachineVersion
        "tags": [{"key": tag["Key"], "value": tag["Value"]} for tag in properties.get("Tags", [])],
    }
    if "LoggingConfiguration" in properties:
        request["loggingConfiguration"] = _lower_case(properties["LoggingConfiguration"])
    if "TracingConfiguration" in properties:
        request["tracingConfiguration"] = _lower_case(properties["TracingConfiguration"])
    arn = target.client("stepfunctions").create_state_machine(**request)["stateMachineArn"]
    return Made(arn, {"Arn": arn, "Name": properties["StateMachineName"], "StateMachineRevisionId": "INITIAL"})


def _version(_: Target, properties: Properties) -> Made:
    """The first one, which came with the machine: the local AWS begins empty."""
    arn = f"{properties['StateMachineArn']}:1"
    return Made(arn, {"Arn": arn})


def _alias(target: Target, properties: Properties) -> Made:
    """How traffic moves from version to version says nothing where there is one."""
    version = properties["DeploymentPreference"]["StateMachineVersionArn"]
    arn = target.client("stepfunctions").create_state_machine_alias(
        name=properties["Name"], routingConfiguration=[{"stateMachineVersionArn": version, "weight": 100}]
    )["stateMachineAliasArn"]
    return Made(arn, {"Arn": arn})


def substituted(definition: str, values: dict[str, str]) -> str:
    """The definition with every `${name}` replaced. CloudFormation leaves an unknown one as it is; that is never meant.

    Raises:
        LocalError: a placeholder without a value, or a value without a placeholder.
    """
    wanted = set(_PLACEHOLDER.findall(definition))
    for name in sorted(wanted ^ values.keys()):
        side = "has no substitution" if name in wanted else "is substituted but not used"
        raise LocalError(f"the state machine's placeholder ${{{name}}} {side}")
    return _PLACEHOLDER.sub(lambda match: json.dumps(str(values[match.group(1)]))[1:-1], definition)


def _lower_case(node: Any) -> Any:
    """CloudFormation's spelling to the API's: the same words, first letter small."""
    if isinstance(node, dict):
        return {key[:1].lower() + key[1:]: _lower_case(value) for key, value in node.items()}
    return [_lower_case(item) for item in node] if isinstance(node, list) else node


MAKERS: dict[str, Maker] = {
    "AWS::StepFunctions::StateMachine": maker(
        _state_machine,
        "DefinitionString DefinitionSubstitutions LoggingConfiguration RoleArn StateMachineName StateMachineType Tags"
        " TracingConfiguration",
    ),
    "AWS::StepFunctions::StateMachineVersion": maker(_version, "StateMachineArn StateMachineRevisionId"),
    "AWS::StepFunctions::StateMachineAlias": maker(_alias, "DeploymentPreference Name"),
}
