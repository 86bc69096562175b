"""What a function is: its names, and its settings as the emulator's Lambda service holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .identify import ApiCall
from .upstream import Upstream

BINARY_TAG = "berth:binary"
LOG_GROUP_TAG = "berth-local:log-group"
"""Where `LoggingConfig.LogGroup` of a function is kept, which the emulator drops."""
NAME_PREFIX = "berth-"
LAYER_ROOT = "/opt/"

# After these calls a function may be another one than before.
_CHANGES = frozenset((
    "CreateFunction", "UpdateFunctionConfiguration", "UpdateFunctionCode", "DeleteFunction", "PublishVersion",
    "CreateAlias", "UpdateAlias", "DeleteAlias", "PutFunctionConcurrency", "DeleteFunctionConcurrency", "TagResource",
    "UntagResource",
))  # fmt: skip


@dataclass(frozen=True)
class FunctionName:
    """Which function an invocation means. `qualifier` is a version or an alias, or empty for $LATEST."""

    account: str
    region: str
    name: str
    qualifier: str = ""

    @property
    def arn(self) -> str:
        """The ARN as invoked, which the runtime is told."""
        base = f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"
        return f"{base}:{self.qualifier}" if self.qualifier else base


@dataclass(frozen=True)
class FunctionSettings:
    """One function's configuration; `concurrency` is its reserved concurrency, None when it has none."""

    name: str
    arn: str
    account: str
    region: str
    role_arn: str
    timeout_seconds: float
    memory_mb: int
    version: str
    handler: str
    environment: dict[str, str] = field(hash=False)
    binary: Path = Path()
    concurrency: int | None = None
    log_group: str = ""


def parse_function_name(text: str, account: str, region: str, qualifier: str = "") -> FunctionName:
    """Reads a name, a partial ARN or an ARN, with or without a qualifier.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (FunctionName)
    """
    parts = text.split(":")
    if parts[0] == "arn" and len(parts) >= 7:
        region, account, parts = parts[3], parts[4], parts[6:]
    elif len(parts) >= 3 and parts[1] == "function":
        account, parts = parts[0], parts[2:]
    found = parts[1] if len(parts) > 1 else qualifier
    return FunctionName(account, region, parts[0], "" if found == "$LATEST" else found)


class FunctionCatalog:
    """Settings of functions, read from the emulator once and again after a change was seen passing."""

    def __init__(self, upstream: Upstream, binaries: Path, layers: Path | None) -> None:
        self._upstream = upstream
        self._binaries = binaries
        self._layers = layers
        self._known: dict[FunctionName, FunctionSettings] = {}

    async def settings(self, name: FunctionName) -> FunctionSettings:
        """The settings of a function. Raises UpstreamError with AWS's code when there is no such function."""
        known = self._known.get(name)
        if known is None:
            path = f"/2015-03-31/functions/{quote(name.name, safe='')}"
            path += f"?Qualifier={quote(name.qualifier, safe='')}" if name.qualifier else ""
            answer = await self._upstream.rest_get("lambda", path, name.account, name.region)
            known = self._known[name] = self._read(name, answer)
        return known

    def notice(self, call: ApiCall) -> bool:
        """Forgets what it knows when a call that changes functions has passed; says whether it did."""
        # Lambda's operation names carry a date in some models: CreateFunction, not CreateFunction20150331, in botocore.
        if call.service != "lambda" or call.operation not in _CHANGES:
            return False
        self.forget()
        return True

    def forget(self) -> None:
        """Reads every function anew at its next invocation."""
        self._known.clear()

    def _read(self, name: FunctionName, answer: dict[str, Any]) -> FunctionSettings:
        configuration = answer["Configuration"]
        tags = answer.get("Tags", {})
        binary = tags.get(BINARY_TAG) or name.name.removeprefix(NAME_PREFIX)
        variables = configuration.get("Environment", {}).get("Variables", {})
        version = str(configuration.get("Version", "$LATEST"))
        return FunctionSettings(
            name=name.name,
            arn=f"arn:aws:lambda:{name.region}:{name.account}:function:{name.name}",
            account=name.account,
            region=name.region,
            role_arn=configuration.get("Role", ""),
            timeout_seconds=float(configuration.get("Timeout", 3)),
            memory_mb=int(configuration.get("MemorySize", 128)),
            version=version if name.qualifier else "$LATEST",
            handler=configuration.get("Handler") or "bootstrap",
            environment={key: self._in_layer(str(value)) for key, value in variables.items()},
            binary=self._binaries / binary,
            log_group=tags.get(LOG_GROUP_TAG) or f"/aws/lambda/{name.name}",
            concurrency=answer.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        )

    def _in_layer(self, value: str) -> str:
        """Layers are unpacked under /opt in AWS; here they lie in a folder of their own."""
        if self._layers is None or not value.startswith(LAYER_ROOT):
            return value
        return str(self._layers / value.removeprefix(LAYER_ROOT))
