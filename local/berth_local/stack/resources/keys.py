"""KMS keys and their aliases (CreateKey, EnableKeyRotation, CreateAlias)."""

from __future__ import annotations

import json

from berth_local.stack.intrinsics import Made
from berth_local.stack.resources.maker import Maker, Properties, Target, maker


def _key(target: Target, properties: Properties) -> Made:
    client = target.client("kms")
    tags = [{"TagKey": each["Key"], "TagValue": each["Value"]} for each in properties.get("Tags", [])]
    key = client.create_key(
        Description=properties.get("Description", ""), Policy=json.dumps(properties["KeyPolicy"]), Tags=tags
    )["KeyMetadata"]
    if properties.get("EnableKeyRotation"):
        client.enable_key_rotation(KeyId=key["KeyId"])
    return Made(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})


def _alias(target: Target, properties: Properties) -> Made:
    target.client("kms").create_alias(AliasName=properties["AliasName"], TargetKeyId=properties["TargetKeyId"])
    return Made(properties["AliasName"])


MAKERS: dict[str, Maker] = {
    "AWS::KMS::Key": maker(_key, "Description EnableKeyRotation KeyPolicy Tags"),
    "AWS::KMS::Alias": maker(_alias, "AliasName TargetKeyId"),
}
