"""One maker for each CloudFormation resource type, and the table of all of them."""

from __future__ import annotations

from types import MappingProxyType

from berth_local.stack.resources import (
    alarms,
    events,
    functions,
    identity,
    keys,
    machines,
    organization,
    queues,
    stack_sets,
    storage,
)
from berth_local.stack.resources.maker import Maker

MAKERS: MappingProxyType[str, Maker] = MappingProxyType(
    alarms.MAKERS
    | events.MAKERS
    | functions.MAKERS
    | identity.MAKERS
    | keys.MAKERS
    | machines.MAKERS
    | organization.MAKERS
    | queues.MAKERS
    | stack_sets.MAKERS
    | storage.MAKERS
)
