"""Answers CloudFormation's DescribeStacks: what is loaded here without CloudFormation has outputs all the same.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
"""

from __future__ import annotations

import json
import uuid
from xml.etree.ElementTree import Element, SubElement, tostring

from aiohttp import web

from .error_bodies import Answer, error_answer
from .identify import ApiCall
from .identities import Caller

_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"


class Stacks:
    """The outputs of stacks by account, region and name."""

    def __init__(self) -> None:
        self._outputs: dict[tuple[str, str, str], dict[str, str]] = {}

    def add_routes(self, app: web.Application) -> None:
        """`PUT /_berth/stacks/ACCOUNT/REGION/NAME` says what the outputs of a stack are."""
        app.router.add_put("/_berth/stacks/{account}/{region}/{name}", self._put)

    async def _put(self, request: web.Request) -> web.Response:
        key = (request.match_info["account"], request.match_info["region"], request.match_info["name"])
        self._outputs[key] = json.loads(await request.read())
        return web.json_response({"stack": key[2]})

    def serves(self, call: ApiCall) -> bool:
        """Whether a call is answered here: every other one of CloudFormation is moto's."""
        return call.service == "cloudformation" and call.operation == "DescribeStacks" and bool(self._outputs)

    def answer(self, call: ApiCall, caller: Caller) -> Answer:
        """The stack that is named, or all of the account and region."""
        wanted = call.form.get("StackName", "")
        found = {
            name: outputs
            for (account, region, name), outputs in self._outputs.items()
            if (account, region) == (caller.account, call.region) and wanted in ("", name)
        }
        if wanted and not found:
            return error_answer(
                call.protocol, call.service, 400, "ValidationError", f"Stack with id {wanted} does not exist"
            )
        return Answer(200, _described(found, caller.account, call.region), [("Content-Type", "text/xml")])


def _described(stacks: dict[str, dict[str, str]], account: str, region: str) -> bytes:
    root = Element("DescribeStacksResponse", xmlns=_NAMESPACE)
    shown = SubElement(SubElement(root, "DescribeStacksResult"), "Stacks")
    for name, outputs in stacks.items():
        stack = SubElement(shown, "member")
        SubElement(stack, "StackName").text = name
        SubElement(stack, "StackId").text = f"arn:aws:cloudformation:{region}:{account}:stack/{name}/local"
        SubElement(stack, "CreationTime").text = "2026-01-01T00:00:00Z"
        SubElement(stack, "StackStatus").text = "CREATE_COMPLETE"
        listed = SubElement(stack, "Outputs")
        for key, value in outputs.items():
            output = SubElement(listed, "member")
            SubElement(output, "OutputKey").text = key
            SubElement(output, "OutputValue").text = str(value)
    SubElement(SubElement(root, "ResponseMetadata"), "RequestId").text = str(uuid.uuid4())
    return tostring(root)
