"""The HTTP server around moto: one thread per request, stopped by SIGINT or SIGTERM."""

from __future__ import annotations

import signal
import socket
from types import FrameType
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer

from berth_local.aws import clock

# Connections that may wait to be accepted: a thousand executions at once must not overflow it.
BACKLOG = 512


class QuietRequestHandler(MotoRequestHandler):
    """HTTP/1.1, so that SDK clients keep their connections: a new connection per call costs more than most calls."""

    protocol_version = "HTTP/1.1"


class Dispatcher(DomainDispatcherApplication):
    """Finds the service of a host once. Stock lists moto's folder on disk for every request, and while it does so, under a
    lock, a hundred executions wait."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._services: dict[str | None, Any] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answers what is about the clock; everything else is moto's."""
        path = environ.get("PATH_INFO", "")
        is_about_the_clock = path.startswith(clock.PATH) and environ["REQUEST_METHOD"] == "POST"
        if not is_about_the_clock or not clock.command(path, environ.get("QUERY_STRING", "")):
            return super().__call__(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
        return [b"{}"]

    def get_backend_for_host(self, host: str | None) -> Any:
        """The name of moto's module for a host; None, and asked again, for one that it does not know."""
        found = self._services.get(host)
        if found is None:
            found = self._services[host] = super().get_backend_for_host(host)
        return found


def make_server(host: str, port: int) -> BaseWSGIServer:
    """A server that is bound but not yet serving; port 0 picks a free one.

    Raises OSError when the address is taken.
    """
    # Bound here because werkzeug answers a taken port by printing and exiting.
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(BACKLOG)
    return ThreadedWSGIServer(host, port, Dispatcher(), handler=QuietRequestHandler, fd=listener.detach())


def serve(host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    make_server(host, port).serve_forever()
