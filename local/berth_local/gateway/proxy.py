"""The proxy: names every AWS call, writes it down, breaks it when a rule says so, and else sends it on."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from aiohttp import web

from berth_local.authorization.parameters import Parameters

from . import presigned
from .error_bodies import Answer, error_answer, error_code
from .guard import Guard
from .host import FunctionHost
from .identify import ApiCall, identify
from .identities import Caller, Identities
from .invoke_api import InvokeApi
from .journal import Entry, Journal
from .log_groups import LogGroups
from .plain import response
from .recording import Recording
from .rules import Action, Rules
from .stacks import Stacks
from .stale import same_body
from .trace import Trace
from .upstream import ACCOUNT_HEADER, PLUMBING_HEADER, PRINCIPAL_HEADER, Upstream, UpstreamError

LOGGER = logging.getLogger(__name__)

# Moto's own pages are no AWS calls.
_NOT_AWS = ("/moto-api/", "/favicon.ico")

Observer = Callable[[ApiCall, Caller], None]


class Proxy:
    """Handles every request that is not the gateway's own."""

    def __init__(
        self, upstream: Upstream, identities: Identities, host: FunctionHost, invoke: InvokeApi, region: str,
        recording: Recording, trace: Trace, guard: Guard, log_groups: LogGroups,
    ) -> None:  # fmt: skip
        self._trace = trace
        self._log_groups = log_groups
        self._guard = guard
        self.journal = Journal()
        self._recording = recording
        self.rules = Rules()
        self.stacks = Stacks()
        self._upstream = upstream
        self._identities = identities
        self._host = host
        self._invoke = invoke
        self._region = region
        self._observers: list[Observer] = []

    def observe(self, observer: Observer) -> None:
        """Has `observer` told of every call that succeeded, before the caller gets its answer."""
        self._observers.append(observer)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request from its arrival to its answer, or to the loss of its connection."""
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if request.raw_path.startswith(_NOT_AWS):
            return response(await self._upstream.forward(request.method, request.raw_path, _pairs(request), body))
        call = identify(request.method, request.raw_path, headers, body)
        caller = await self._identities.caller_of(call.access_key)
        if ACCOUNT_HEADER in headers:
            caller = replace(caller, account=headers[ACCOUNT_HEADER])
        entry = self._entry(call, caller, plumbing=PLUMBING_HEADER in headers, trace=headers.get("x-amzn-trace-id", ""))
        if entry.mutating and entry.function:
            entry.parameters = Parameters(call, request.raw_path, body).flat()
        self.journal.add(entry)
        self._recording.note(entry)
        rule = self.rules.decide(entry)
        action = Action()
        if rule is not None:
            action, entry.rule, entry.fault = rule.action, rule.id, rule.action.name
        refused = self._authorize(call, request.raw_path, body, caller, entry)
        if refused is None and presigned.is_presigned(request.raw_path, headers):
            refused = _unproved(request.raw_path, headers, entry)
        if action.delay_ms:
            await asyncio.sleep(action.delay_ms / 1000)
        if rule is not None and action.hold:
            await rule.released.wait()
        answer = refused or await self._act(request, headers, body, call, caller, entry, action)
        return _reset(request) if answer is None else response(answer)

    def _authorize(self, call: ApiCall, raw_path: str, body: bytes, caller: Caller, entry: Entry) -> Answer | None:
        """The answer to a call that IAM refuses; None for all others."""
        if not self._guard.decides(caller) or entry.plumbing:
            return None
        refusal = self._guard.refusal(call, raw_path, body, caller)
        if refusal is None:
            return None
        entry.finish(refusal.status, refusal.code, took_effect=False)
        return error_answer(call.protocol, call.service, refusal.status, refusal.code, refusal.message)

    async def _act(
        self, request: web.Request, headers: dict[str, str], body: bytes, call: ApiCall, caller: Caller, entry: Entry,
        action: Action,
    ) -> Answer | None:  # fmt: skip
        """Does what the action says; None stands for a lost connection."""
        if action.error is not None:
            error = action.error
            entry.finish(error.status, error.code, took_effect=False)
            return error_answer(call.protocol, call.service, error.status, error.code, error.message, error.headers)
        if action.drop or action.kill == "before":
            if action.kill and caller.copy is not None:
                self._host.kill(caller.copy)
            entry.finish(0, "ConnectionReset", took_effect=False)
            return None
        answer = await self._send_on(request, headers, body, call, caller)
        if answer is None:
            entry.finish(0, "EmulatorUnreachable", took_effect=False)
            return error_answer(call.protocol, call.service, 503, "ServiceUnavailable", "the emulator does not answer")
        if answer.status < 300:
            self._identities.learn(call, caller, answer)
            for observer in self._observers:
                observer(call, caller)
        if action.cut or action.kill == "after":
            if action.kill and caller.copy is not None:
                self._host.kill(caller.copy)
            entry.finish(0, "ConnectionReset", took_effect=True)
            return None
        entry.finish(answer.status, error_code(answer), took_effect=True)
        self._trace.call(entry, request.method, request.raw_path, _pairs(request), body, answer)
        if action.stale is not None:
            same_call = (entry.account, entry.region, entry.operation, request.raw_path, same_body(body))
            return action.stale.answer(same_call, answer)
        return answer

    async def _send_on(
        self, request: web.Request, headers: dict[str, str], body: bytes, call: ApiCall, caller: Caller
    ) -> Answer | None:
        if self._invoke.serves(request.method, request.raw_path):
            region = call.region or self._region
            return await self._invoke.answer(request.raw_path, headers, body, caller.account, region)
        if self._log_groups.reads(call):
            await self._log_groups.fill()
        if self.stacks.serves(call):
            return self.stacks.answer(call, caller)
        pairs = _pairs(request)
        if presigned.is_presigned(request.raw_path, headers):
            pairs.append(presigned.header_of(request.raw_path))
        if ACCOUNT_HEADER not in headers:
            pairs.append((ACCOUNT_HEADER, caller.account))
            if caller.chain:
                pairs.append((PRINCIPAL_HEADER, caller.chain[-1]))
        try:
            return await self._upstream.forward(request.method, request.raw_path, pairs, body, call)
        except UpstreamError as error:
            LOGGER.error("%s %s: %s", call.service, call.operation, error)
            return None

    def _entry(self, call: ApiCall, caller: Caller, *, plumbing: bool, trace: str) -> Entry:
        copy = caller.copy
        working = copy.current if copy is not None else None
        return Entry(
            seq=self.journal.next_seq(),
            time=time.time(),
            account=caller.account,
            role=caller.role,
            session=caller.session,
            chain=list(caller.chain),
            region=call.region,
            service=call.service,
            operation=call.operation,
            effect=call.effect.value,
            mutating=call.mutating,
            plumbing=caller.plumbing or plumbing,
            function=copy.settings.name if copy is not None else "",
            request_id=working.request_id if working is not None else "",
            trace=trace,
        )


def _unproved(raw_path: str, headers: Mapping[str, str], entry: Entry) -> Answer | None:
    """The answer of STS to a presigned call that proves nothing; None for one that proves who signed it."""
    refusal = presigned.refusal(raw_path, headers, datetime.now(UTC))
    if refusal is None:
        return None
    code, message = refusal
    entry.finish(403, code, took_effect=False)
    return error_answer("query", "sts", 403, code, message)


def _pairs(request: web.Request) -> list[tuple[str, str]]:
    return list(request.headers.items())


def _reset(request: web.Request) -> web.Response:
    """Closes the connection with a reset instead of an answer (SO_LINGER of zero seconds, socket(7))."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=499)
