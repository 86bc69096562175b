"""TCP ports on the loopback address, and waiting until something answers there."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections.abc import Callable

from berth_local.children import Child
from berth_local.faults import LocalError

_HOST = "127.0.0.1"
_POLL_SECONDS = 0.02
_ANSWER_SECONDS_MAX = 30.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def checked_port(port: int) -> int:
    """`port`, or a free one for 0.

    Raises:
        LocalError: somebody else listens on it.
    """
    if port == 0:
        return free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except (OSError, OverflowError) as error:
            raise LocalError(
                f"port {port} cannot be used ({error}). Next: choose another with --port, or a free one with --port 0 (make demo PORT=0)"
            ) from error
    return port


def wait_for_answer(child: Child, port: int, path: str, stopped: Callable[[], bool]) -> None:
    """Returns when an HTTP GET of `path` gets any answer below 500, or at once when `stopped`.

    Raises:
        LocalError: the process ended, or did not answer in time.
    """
    deadline = time.monotonic() + _ANSWER_SECONDS_MAX
    while not stopped():
        if child.has_ended():
            raise LocalError(f"{child.name} ended at its start: {child.last_line()} (log: {child.log})")
        if time.monotonic() > deadline:
            raise LocalError(f"{child.name} did not answer in {_ANSWER_SECONDS_MAX:g} s (log: {child.log})")
        if _answers(port, path):
            return
        time.sleep(_POLL_SECONDS)


def _answers(port: int, path: str) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(_HOST, port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 500
        finally:
            connection.close()
    return False
