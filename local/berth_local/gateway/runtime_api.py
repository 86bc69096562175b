"""The Lambda Runtime API as the copies see it: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html."""

from __future__ import annotations

import asyncio

from aiohttp import web

from . import outcomes
from .function_copy import FunctionCopy
from .host import FunctionHost

_VERSION = "2018-06-01"


class RuntimeApi:
    """The four calls of a runtime. Each copy has a path of its own, so that the host knows who asks."""

    def __init__(self, host: FunctionHost) -> None:
        self._host = host
        self._waiting: dict[str, asyncio.Task] = {}

    def add_routes(self, app: web.Application) -> None:
        """Registers the calls below `/_berth/runtime/<copy>`."""
        base = f"/_berth/runtime/{{copy}}/{_VERSION}/runtime"
        app.router.add_get(f"{base}/invocation/next", self.next)
        app.router.add_post(f"{base}/invocation/{{id}}/response", self.response)
        app.router.add_post(f"{base}/invocation/{{id}}/error", self.error)
        app.router.add_post(f"{base}/init/error", self.init_error)

    async def next(self, request: web.Request) -> web.Response:
        """Waits for the copy's next event."""
        copy = self._host.copy(request.match_info["copy"])
        if copy is None:
            return _refusal(410, "CopyEnded", "this copy of the function was ended")
        self._host.ready(copy)
        earlier = self._waiting.pop(copy.id, None)
        if earlier is not None:
            earlier.cancel()  # a runtime asks once at a time: the earlier connection is dead
        waiting = self._waiting[copy.id] = asyncio.ensure_future(copy.inbox.get())
        try:
            invocation = await waiting
        except asyncio.CancelledError:
            return _refusal(409, "AskedAgain", "this copy has asked again on another connection")
        finally:
            if self._waiting.get(copy.id) is waiting:
                del self._waiting[copy.id]
        if invocation is None:
            return _refusal(410, "CopyEnded", "this copy of the function was ended")
        self._host.deliver(copy, invocation)
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        if invocation.client_context:
            headers["Lambda-Runtime-Client-Context"] = invocation.client_context
        return web.Response(body=invocation.payload, headers=headers)

    async def response(self, request: web.Request) -> web.Response:
        """Takes the answer to an event."""
        body = await request.read()
        copy = self._working(request)
        if copy is None:
            return _unknown_id(request)
        self._host.complete(copy, outcomes.answered(body))
        return _accepted()

    async def error(self, request: web.Request) -> web.Response:
        """Takes the error of a handler, which goes to the caller as it is."""
        body = await request.read()
        copy = self._working(request)
        if copy is None:
            return _unknown_id(request)
        self._host.complete(copy, outcomes.reported(body))
        return _accepted()

    async def init_error(self, request: web.Request) -> web.Response:
        """Takes the error of a function that cannot start."""
        body = await request.read()
        copy = self._host.copy(request.match_info["copy"])
        if copy is not None:
            self._host.fail_init(copy, body)
        return _accepted()

    def _working(self, request: web.Request) -> FunctionCopy | None:
        """The copy, if it still works on the event that it speaks of."""
        copy = self._host.copy(request.match_info["copy"])
        if copy is None or copy.current is None or copy.current.request_id != request.match_info["id"]:
            return None
        return copy


def _accepted() -> web.Response:
    return web.json_response({"status": "OK"}, status=202)


def _unknown_id(request: web.Request) -> web.Response:
    return _refusal(400, "InvalidRequestID", f"no event {request.match_info['id']} is under way in this copy")


def _refusal(status: int, error_type: str, message: str) -> web.Response:
    return web.json_response({"errorType": error_type, "errorMessage": message}, status=status)
