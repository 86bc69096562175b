"""The local AWS alone behind one port, without the gateway: for tests of the local AWS itself."""

from __future__ import annotations

import asyncio
import signal
import socket

from aiohttp import web

from berth_local.gateway.direct import DirectAws
from berth_local.gateway.plain import plain_application

# Connections that may wait to be accepted: a thousand executions at once must not overflow it.
BACKLOG = 512


def bound(host: str, port: int) -> socket.socket:
    """A socket that is bound but not yet listening; port 0 picks a free one.

    Raises OSError when the address is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def serve(host: str, port: int) -> None:
    """Serves until SIGINT or SIGTERM."""
    listener = bound(host, port)
    asyncio.run(_serve(listener))


async def _serve(listener: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    aws = DirectAws("http://{}:{}".format(*listener.getsockname()))
    runner = web.AppRunner(plain_application(aws), access_log=None, shutdown_timeout=0.1, auto_decompress=False)
    await runner.setup()
    await web.SockSite(runner, listener, backlog=BACKLOG).start()
    await stop.wait()
    await runner.cleanup()
