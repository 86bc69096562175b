"""Service-managed StackSets.

moto's CloudFormation drops half of what a template says, and needs packages that nothing else here needs. So no API is
called: the StackSet is remembered, and `organization/auto_deployment.py` loads its template into accounts that come.
"""

from __future__ import annotations

import json

from berth_local.faults import LocalError
from berth_local.stack.intrinsics import Made
from berth_local.stack.resources.maker import Maker, Properties, Target, maker

# Those without meaning where each account is loaded as it comes, by an administrator, stand behind.
_HONOURED = "AutoDeployment Parameters PermissionModel StackInstancesGroup StackSetName TemplateBody"
_WITHOUT_MEANING = "CallAs Capabilities Description ManagedExecution OperationPreferences Tags"


def _stack_set(_: Target, properties: Properties) -> Made:
    name = properties["StackSetName"]
    if properties["PermissionModel"] != "SERVICE_MANAGED" or not properties["AutoDeployment"]["Enabled"]:
        raise LocalError(f"the StackSet {name} does not deploy by itself: the loader knows no other kind")
    (group,) = properties["StackInstancesGroup"]
    (region,) = group["Regions"]
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in properties.get("Parameters", [])}
    remembered = {
        "units": group["DeploymentTargets"]["OrganizationalUnitIds"],
        "region": region,
        "parameters": parameters,
        "template": json.loads(properties["TemplateBody"]),
    }
    return Made(name, {"StackSetId": f"{name}:local"}, remembered)


MAKERS: dict[str, Maker] = {"AWS::CloudFormation::StackSet": maker(_stack_set, f"{_HONOURED} {_WITHOUT_MEANING}")}
