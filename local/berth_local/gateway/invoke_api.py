"""Lambda's Invoke, answered by the host: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote

from berth_local.timing import time_scale

from .error_bodies import Answer, error_answer
from .functions import FunctionName, parse_function_name
from .host import FunctionHost, Throttled
from .upstream import UpstreamError

LOGGER = logging.getLogger(__name__)

PAYLOAD_BYTES_MAX = 6 * 1024 * 1024
# AWS waits one and two minutes between the tries of an asynchronous event; nobody wants to wait for that here.
ASYNC_RETRY_SECONDS = (1.0, 2.0)

_PATH = re.compile(r"/2015-03-31/functions/([^/?]+)/invocations")


class InvokeApi:
    """The three invocation types: RequestResponse, Event, DryRun."""

    def __init__(self, host: FunctionHost) -> None:
        self._host = host
        self._events: set[asyncio.Task[None]] = set()

    @staticmethod
    def serves(method: str, raw_path: str) -> bool:
        """Whether a request is an invocation."""
        return method == "POST" and _PATH.fullmatch(raw_path.partition("?")[0]) is not None

    async def answer(self, raw_path: str, headers: Mapping[str, str], body: bytes, account: str, region: str) -> Answer:
        """Invokes the function of the path for a caller in `account` and `region`."""
        path, _, query = raw_path.partition("?")
        found = _PATH.fullmatch(path)
        if found is None:
            return _error(404, "ResourceNotFoundException", f"no function in {path}")
        qualifier = parse_qs(query).get("Qualifier", [""])[0]
        name = parse_function_name(unquote(found.group(1)), account, region, qualifier)
        kind = headers.get("x-amz-invocation-type", "RequestResponse")
        problem = _payload_problem(body)
        if problem is not None:
            return problem
        try:
            if kind == "RequestResponse":
                return await self._request(name, headers, body)
            await self._host.catalog.settings(name)
        except UpstreamError as error:
            return _unknown(name, error)
        except Throttled:
            return _throttled()
        if kind == "Event":
            self._start_event(name, headers, body)
            return Answer(202, b"", [("X-Amz-Executed-Version", name.qualifier or "$LATEST")])
        return Answer(204, b"")

    async def stop(self) -> None:
        """Gives up the events that are still being tried."""
        for task in self._events:
            task.cancel()

    async def _request(self, name: FunctionName, headers: Mapping[str, str], body: bytes) -> Answer:
        invocation, outcome = await self._host.invoke(
            name, body or b"{}", trigger="request", trace_id=headers.get("x-amzn-trace-id", ""),
            client_context=_client_context(headers),
        )  # fmt: skip
        answer = Answer(200, outcome.body, [
            ("Content-Type", "application/json"),
            ("x-amzn-RequestId", invocation.request_id),
            ("X-Amz-Executed-Version", name.qualifier or "$LATEST"),
            ("X-Amzn-Trace-Id", invocation.trace_id),
        ])  # fmt: skip
        if outcome.error_type:
            answer.headers.append(("X-Amz-Function-Error", "Unhandled"))
        return answer

    def _start_event(self, name: FunctionName, headers: Mapping[str, str], body: bytes) -> None:
        task = asyncio.create_task(self._event(name, body or b"{}", headers.get("x-amzn-trace-id", "")))
        self._events.add(task)
        task.add_done_callback(self._events.discard)

    async def _event(self, name: FunctionName, body: bytes, trace_id: str) -> None:
        """Tries an event until it succeeds, three times at most."""
        for pause_seconds in (*ASYNC_RETRY_SECONDS, None):
            try:
                _, outcome = await self._host.invoke(name, body, trigger="event", trace_id=trace_id, wait=True)
            except UpstreamError as error:
                LOGGER.warning("event for %s dropped: %s", name.name, error)
                return
            if not outcome.error_type:
                return
            if pause_seconds is not None:
                await asyncio.sleep(pause_seconds * time_scale())
        LOGGER.warning("event for %s dropped after %d tries", name.name, len(ASYNC_RETRY_SECONDS) + 1)


def _payload_problem(body: bytes) -> Answer | None:
    if len(body) > PAYLOAD_BYTES_MAX:
        text = f"Request must be smaller than {PAYLOAD_BYTES_MAX} bytes for the InvokeFunction operation"
        return _error(413, "RequestEntityTooLargeException", text)
    if body:
        try:
            json.loads(body)
        except ValueError as error:
            return _error(400, "InvalidRequestContentException", f"Could not parse request body into json: {error}")
    return None


def _client_context(headers: Mapping[str, str]) -> str:
    """The client context is base64 on the wire and plain for the runtime."""
    try:
        return base64.b64decode(headers.get("x-amz-client-context", "")).decode()
    except ValueError:
        return ""


def _unknown(name: FunctionName, error: UpstreamError) -> Answer:
    if error.code in ("ResourceNotFoundException", "404"):
        return _error(404, "ResourceNotFoundException", f"Function not found: {name.arn}")
    return _error(500, "ServiceException", str(error))


def _throttled() -> Answer:
    answer = _error(429, "TooManyRequestsException", "Rate Exceeded.")
    answer.body = json.dumps(
        {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User", "message": "Rate Exceeded."}
    ).encode()
    return answer


def _error(status: int, code: str, message: str) -> Answer:
    return error_answer("rest-json", "lambda", status, code, message)
