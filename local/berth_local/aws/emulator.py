"""Answers AWS calls with moto in this process: a call goes straight to the method of moto that serves it.

Stock moto listens with werkzeug's development server, which closes the connection after each answer, starts a thread for
each call, and takes it through Flask: twice the work of what is in the call itself.
"""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from berth_local.aws import clock, web_identity
from berth_local.aws.quick_requests import BODY, DirectRequest

LOGGER = logging.getLogger(__name__)

Pairs = list[tuple[str, str]]
Found = tuple[int, Pairs, bytes]
"""Status, headers and body of an answer."""

# Moto's own pages are Flask's.
_FLASK = ("/moto-api", "/favicon.ico", "/latest/")
_HTML = "text/html; charset=utf-8"
# Calls that wait for somebody else: they must not hold up whoever serves.
_WAITING = {
    "sqs": frozenset(("ReceiveMessage",)),
    "states": frozenset(("GetActivityTask", "RedriveExecution", "StartSyncExecution", "StopExecution", "TestState")),
    "lambda": frozenset(("Invoke", "InvokeAsync", "InvokeWithResponseStream")),
    "events": frozenset(("PutEvents", "StartReplay")),
    "sns": frozenset(("Publish", "PublishBatch")),
}


class NotKnown(Exception):
    """Moto has no such operation, or no service with such a path."""


class Dispatcher(DomainDispatcherApplication):
    """Finds the service of a host once. Stock lists moto's folder on disk for every request."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._services: dict[str | None, Any] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answers what is about the clock and the issuers of tests; everything else is moto's."""
        path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
        about = (each for each in (clock, web_identity) if path.startswith(each.PATH))
        is_done = environ["REQUEST_METHOD"] == "POST" and any(each.command(path, query) for each in about)
        if not is_done:
            return super().__call__(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
        return [b"{}"]

    def get_backend_for_host(self, host: str | None) -> Any:
        """The name of moto's module for a host; None, and asked again, for one that it does not know."""
        found = self._services.get(host)
        if found is None:
            found = self._services[host] = super().get_backend_for_host(host)
        return found


def waits(service: str, operation: str) -> bool:
    """Whether a call may wait for a message, an execution or a function."""
    return operation in _WAITING.get(service, ())


class Emulator:
    """The repaired moto of this process. `install` must have run."""

    def __init__(self) -> None:
        self._dispatcher = Dispatcher()
        self._at_root: dict[tuple[int, str], Callable[..., Any]] = {}

    def answer(self, method: str, raw_path: str, headers: Iterable[tuple[str, str]], body: bytes) -> Found:
        """Serves one call. An exception of moto's is a 500, as it is of stock's server.

        Raises:
            NotKnown: moto has no such operation.
        """
        environ = _environ(method, raw_path, headers, body)
        if raw_path.startswith(_FLASK):
            return self._by_flask(environ)
        try:
            serve = self._view(environ).callback
            request = DirectRequest(environ)
            return _answer(serve(request, request.raw_url, dict(request.headers)))
        except HTTPException as refusal:
            response = refusal.get_response(environ)
            return response.status_code, _pairs(response.headers), response.get_data()
        except NotImplementedError as problem:
            raise NotKnown(str(problem)) from problem
        except Exception as problem:  # noqa: BLE001 - whatever moto's fault is, it is one call's
            LOGGER.error("%s %s\n%s", method, raw_path, traceback.format_exc())
            return 500, [("Content-Type", "text/plain")], f"{type(problem).__name__}: {problem}".encode()

    def _view(self, environ: dict[str, Any]) -> Any:
        """The function of moto that serves a path. What stands in the path it reads itself."""
        application = self._dispatcher.get_application(environ)
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        key = (id(application), method)
        if path == "/" and key in self._at_root:
            return self._at_root[key]
        adapter = application.url_map.bind_to_environ(environ)
        endpoint, _ = adapter.match(path.encode("latin1").decode("utf-8", "replace"), method)
        view = application.view_functions[endpoint]
        if path == "/":
            self._at_root[key] = view
        return view

    def _by_flask(self, environ: dict[str, Any]) -> Found:
        response = Response.from_app(self._dispatcher, environ)
        return response.status_code, _pairs(response.headers), response.get_data()


def _environ(method: str, raw_path: str, headers: Iterable[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """What a WSGI server makes of a request (PEP 3333), and moto's server besides."""
    path, _, query = raw_path.partition("?")
    environ: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "berth-local",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin1") if "%" in path else path,
        "QUERY_STRING": query,
        "REQUEST_URI": raw_path,
        "RAW_URI": raw_path,
        "CONTENT_LENGTH": str(len(body)),
        BODY: body,
    }
    names: dict[str, str] = {}
    for name, value in headers:
        key = environ_key_for_header(name)
        if key in ("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"):
            continue
        if "_" in name:
            # Never let such a name stand in for one with dashes; S3's are kept as they were sent.
            if not should_preserve_original_header_name(name) or (key in environ and key not in names):
                continue
            names.setdefault(key, name)
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = names
    return environ


def _answer(result: Any) -> Found:
    """What a function of moto returned: a body, or status, headers and body."""
    status, headers, content = result if len(result) == 3 else (200, {}, result)
    pairs = _pairs(headers)
    if not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("Content-Type", _HTML))
    if isinstance(content, str):
        content = content.encode()
    elif content is None:
        content = b""
    elif not isinstance(content, (bytes, bytearray)):
        content = b"".join(part.encode() if isinstance(part, str) else part for part in content)
    return int(status), pairs, bytes(content)


def _pairs(headers: Any) -> Pairs:
    found: Pairs = []
    for name, value in headers.items() if not isinstance(headers, Headers) else headers:
        values = value if isinstance(value, (list, tuple)) else (value,)
        found.extend((str(name), str(each)) for each in values)
    return found
