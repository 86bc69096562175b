"""Puts the parts of the gateway together and serves them on one port."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from .admin import Admin
from .functions import FunctionCatalog
from .guard import Guard
from .host import FunctionHost
from .identify import ApiCall
from .identities import Caller, Identities
from .invoke_api import InvokeApi
from .log_groups import LogGroups
from .plain import BODY_BYTES_MAX, plain_application
from .pollers import Pollers
from .portal import Portal
from .proxy import Proxy
from .recording import Recording
from .runtime_api import RuntimeApi
from .trace import Trace
from .upstream import HttpTransport, Transport, Upstream

if TYPE_CHECKING:
    from .clusters import Clusters

LISTEN_BACKLOG = 2048
ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class GatewaySettings:
    """What the command line says. `layers` is where `/opt` of the functions lies, `record` where uses are written to,
    `trace` where whole calls are.

    With `enforce` calls are authorized as IAM does it; the emulator must be in this process.

    The emulator is behind `aws_url`; or it is in this process, and others reach it past the proxy at `aws_port`.
    """

    port: int
    aws_url: str
    binaries: Path
    log_dir: Path
    account: str
    region: str
    layers: Path | None = None
    record: Path | None = None
    aws_port: int | None = None
    trace: Path | None = None
    enforce: bool = False


class Gateway:
    """Proxy, Lambda host and pollers on one port."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        url = f"http://{ADDRESS}:{settings.port}"
        self._transport = _transport(settings)
        self.upstream = Upstream(self._transport, settings.account, settings.region)
        identities = Identities(settings.account, self.upstream.caller_arn)
        catalog = FunctionCatalog(self.upstream, settings.binaries.resolve(), settings.layers)
        trace = Trace(settings.trace)
        log_groups = LogGroups(self.upstream)
        self.host = FunctionHost(catalog, identities, settings.log_dir, url, trace, log_groups)
        self.invoke = InvokeApi(self.host)
        recording = Recording(settings.record)
        self.pollers = Pollers(self.upstream, self.host, recording)
        guard = Guard(settings.enforce, recording)
        self.proxy = Proxy(
            self.upstream, identities, self.host, self.invoke, settings.region, recording, trace, guard, log_groups
        )
        self.proxy.observe(self._functions_changed)
        self.proxy.observe(self.pollers.observe)
        self._clusters = _clusters(settings, identities)
        self._runners: list[web.AppRunner] = []

    async def start(self) -> None:
        """Serves. Raises OSError when the port is taken."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        RuntimeApi(self.host).add_routes(app)
        if self._clusters is not None:
            self._clusters.add_routes(app)
            await self._clusters.start()
        Portal().add_routes(app)
        self.proxy.stacks.add_routes(app)
        Admin(self.proxy, self.host, self.pollers, self._describe).add_routes(app)
        app.router.add_route("*", "/{path:.*}", self.proxy.handle)
        await self._listen(app, self._settings.port)
        if self._settings.aws_port is not None:
            await self._listen(plain_application(self._transport), self._settings.aws_port)
        await self.pollers.refresh()

    async def stop(self) -> None:
        """Ends pollers, functions and connections; takes less than two seconds."""
        await self.invoke.stop()
        await self.pollers.stop()
        await self.host.stop()
        if self._clusters is not None:
            await self._clusters.stop()
        for runner in self._runners:
            await runner.cleanup()
        await self.upstream.close()

    async def _listen(self, app: web.Application, port: int) -> None:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.3, auto_decompress=False)
        self._runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, ADDRESS, port, backlog=LISTEN_BACKLOG).start()

    def _functions_changed(self, call: ApiCall, _caller: Caller) -> None:
        self.host.catalog.notice(call)

    def _describe(self) -> dict[str, str]:
        return {"account": self._settings.account, "region": self._settings.region, "aws_url": self.upstream.url}


def _transport(settings: GatewaySettings) -> Transport:
    if settings.aws_port is None:
        return HttpTransport(settings.aws_url)
    from .direct import DirectAws  # with moto, which takes a second to import

    return DirectAws(f"http://{ADDRESS}:{settings.aws_port}")


def _clusters(settings: GatewaySettings, identities: Identities) -> Clusters | None:
    """Endpoints of EKS clusters: only where their access entries are in this process."""
    if settings.aws_port is None:
        return None
    from .clusters import Clusters

    return Clusters(identities)


async def serve(settings: GatewaySettings) -> None:
    """Runs a gateway until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gateway = Gateway(settings)
    try:
        await gateway.start()
        print(f"gateway serves on http://{ADDRESS}:{settings.port}", flush=True)
        await stop.wait()
    finally:
        await gateway.stop()
