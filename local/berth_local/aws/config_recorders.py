"""AWS Config: the ARN and the tags of a configuration recorder, which stock moto drops.

https://docs.aws.amazon.com/config/latest/APIReference/API_PutConfigurationRecorder.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from moto.config.models import ConfigBackend, ConfigRecorder
from moto.config.responses import ConfigResponse

from berth_local.aws.replacing import wrap


def arn_of(backend: ConfigBackend, name: str) -> str:
    """The ARN: AWS makes up the part behind the name, here from the account, so that a recorder made again has it."""
    made_up = hashlib.sha256(f"{backend.account_id}/{backend.region_name}/{name}".encode()).hexdigest()[:8]
    return (
        f"arn:{backend.partition}:config:{backend.region_name}:{backend.account_id}:"
        f"configuration-recorder/{name}/{made_up}"
    )


def install() -> None:
    """Keep tags and ARN beside each recorder."""

    @wrap(ConfigResponse, "put_configuration_recorder")
    def put(original: Callable[..., str], self: ConfigResponse) -> str:
        backend, name = self.config_backend, (self._get_param("ConfigurationRecorder") or {}).get("name")
        before = backend.recorders.get(name)
        answer = original(self)
        # Tags are taken where the recorder is made; `TagResource` changes them afterwards.
        given = {tag["Key"]: tag["Value"] for tag in self._get_param("Tags") or []}
        recorder = backend.recorders[name]
        recorder._berth_tags = given if before is None else getattr(before, "_berth_tags", {})
        recorder._berth_arn = arn_of(backend, name)
        return answer

    @wrap(ConfigRecorder, "to_dict")
    def to_dict(original: Callable[..., dict[str, Any]], self: ConfigRecorder) -> dict[str, Any]:
        return original(self) | {"arn": self._berth_arn}

    @wrap(ConfigBackend, "_match_arn")
    def match(original: Callable[..., Any], self: ConfigBackend, resource_arn: str) -> Any:
        for recorder in self.recorders.values():
            if recorder._berth_arn == resource_arn:
                return _Tagged(recorder._berth_tags)
        return original(self, resource_arn)


class _Tagged:
    """What moto's operations on tags want of a resource."""

    def __init__(self, tags: dict[str, str]) -> None:
        self.tags = tags
