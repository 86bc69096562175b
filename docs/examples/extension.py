"""An extension of Berth, as a Lambda function for Python: it registers each account in a table of the platform team.

Berth calls it twice. In mode `plan` it says what it would do, and does nothing; where that is anything, it is called again in
mode `apply`. When everything is as it should be it says so, and is not called again. See docs/extensions.md.
"""

import os
from typing import Any

import boto3

TABLE = os.environ["TABLE"]


def handler(request: dict[str, Any], _context: object) -> dict[str, list[str]]:
    """Answers what it would do, or has done."""
    table = boto3.client("dynamodb")
    key = {"account": {"S": request["accountId"]}}
    networks = sorted(f"{region['region']} {region['vpcId']}" for region in request["regions"])
    wanted = {
        **key,
        "tenant": {"S": request["tenant"]},
        "environment": {"S": request["environment"]},
        "networks": {"S": ", ".join(networks)},
    }
    found = table.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item")
    if found == wanted:
        return {"changes": []}
    if request["mode"] == "apply":
        table.put_item(TableName=TABLE, Item=wanted)
    return {"changes": [f"register the account {request['accountId']} of {request['tenant']}"]}
