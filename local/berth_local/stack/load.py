"""Makes every resource of a translated template, in the order of their dependencies, several at a time."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from berth_local.faults import LocalError
from berth_local.stack.intrinsics import Made, Resolver, mentioned
from berth_local.stack.resources import MAKERS
from berth_local.stack.resources.maker import Target

_AT_ONCE_MAX = 8
# What a template may say about a resource besides its properties, and which changes nothing on a fresh local AWS.
_BESIDE_PROPERTIES = frozenset(
    {"Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"}
)


@dataclass(frozen=True)
class Stack:
    """What was loaded: the resources by logical id, and the template's outputs."""

    made: dict[str, Made]
    outputs: dict[str, str]


def load(template: dict[str, Any], parameters: dict[str, str], target: Target) -> Stack:
    """Makes the resources of a CloudFormation template in `target`, once, on an AWS that has none of them.

    Raises:
        LocalError: a resource type, property or intrinsic function that the loader does not know, a missing
            parameter, or an error of AWS. The message names the logical id.
    """
    check(template)
    resolver = Resolver(
        _values(template, parameters, target), template.get("Conditions", {}), template.get("Mappings", {})
    )
    wanted = {
        logical_id: resource
        for logical_id, resource in template["Resources"].items()
        if "Condition" not in resource or resolver.holds(resource["Condition"], logical_id)
    }
    _make_all(wanted, resolver, target)
    outputs = {
        name: str(resolver.resolve(output["Value"], f"output {name}"))
        for name, output in template.get("Outputs", {}).items()
        if "Condition" not in output or resolver.holds(output["Condition"], f"output {name}")
    }
    return Stack(resolver.made, outputs)


def check(template: dict[str, Any]) -> None:
    """Whether the loader knows every resource type and property of a template, without making anything.

    Raises:
        LocalError: it does not. The message names the logical id.
    """
    for logical_id, resource in template["Resources"].items():
        _check(logical_id, resource)


def _values(template: dict[str, Any], parameters: dict[str, str], target: Target) -> dict[str, Any]:
    """Parameters and pseudo parameters by name."""
    declared = template.get("Parameters", {})
    unknown = sorted(parameters.keys() - declared.keys())
    if unknown:
        raise LocalError(f"the template has no parameter {unknown[0]}")
    values: dict[str, Any] = {
        "AWS::AccountId": target.credentials.account_id,
        "AWS::Partition": "aws",
        "AWS::Region": target.region,
        "AWS::StackName": "berth",
        "AWS::URLSuffix": "amazonaws.com",
    }
    for name, parameter in declared.items():
        value = parameters.get(name, parameter.get("Default"))
        if value is None:
            raise LocalError(f"the template's parameter {name} has no value")
        is_list = parameter["Type"] == "CommaDelimitedList" or parameter["Type"].startswith("List<")
        values[name] = [item.strip() for item in str(value).split(",")] if is_list else value
    return values


def _check(logical_id: str, resource: dict[str, Any]) -> None:
    maker = MAKERS.get(resource["Type"])
    if maker is None:
        raise LocalError(
            f"{logical_id}: the loader does not know the resource type {resource['Type']};"
            " add a maker to local/berth_local/stack/resources/"
        )
    for attribute in sorted(resource.keys() - _BESIDE_PROPERTIES):
        raise LocalError(f"{logical_id}: the loader does not know the resource attribute {attribute}")
    for name in sorted(resource.get("Properties", {}).keys() - maker.properties):
        raise LocalError(f"{logical_id}: the loader does not know the property {name} of {resource['Type']}")


def _make_all(wanted: dict[str, Any], resolver: Resolver, target: Target) -> None:
    order = _order(wanted)
    running: dict[Future[Made], str] = {}
    with ThreadPoolExecutor(_AT_ONCE_MAX, thread_name_prefix="stack") as pool:
        try:
            while order.is_active():
                for logical_id in order.get_ready():
                    running[pool.submit(_make, logical_id, wanted[logical_id], resolver, target)] = logical_id
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    logical_id = running.pop(future)
                    resolver.made[logical_id] = future.result()
                    order.done(logical_id)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _order(wanted: dict[str, Any]) -> TopologicalSorter[str]:
    order: TopologicalSorter[str] = TopologicalSorter()
    for logical_id, resource in wanted.items():
        explicit = resource.get("DependsOn", [])
        before = mentioned(resource.get("Properties", {})) | set([explicit] if isinstance(explicit, str) else explicit)
        order.add(logical_id, *(before & wanted.keys()))
    try:
        order.prepare()
    except CycleError as error:
        raise LocalError(f"resources need each other in a circle: {' -> '.join(error.args[1])}") from error
    return order


def _make(logical_id: str, resource: dict[str, Any], resolver: Resolver, target: Target) -> Made:
    properties = resolver.resolve(resource.get("Properties", {}), logical_id)
    try:
        return MAKERS[resource["Type"]].make(target, properties)
    except (ClientError, BotoCoreError) as error:
        raise LocalError(f"{logical_id} ({resource['Type']}) could not be made: {error}") from error
    except LocalError as error:
        raise LocalError(f"{logical_id}: {error}") from error
    except KeyError as error:
        raise LocalError(f"{logical_id} ({resource['Type']}): the loader needs the property {error}") from error
