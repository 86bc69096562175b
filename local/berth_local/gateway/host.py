"""The Lambda host: keeps copies of functions, starts more on demand, and carries each event to one of them."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import outcomes
from .function_copy import FunctionCopy, Invocation, Outcome, copy_environment
from .function_log import FunctionLog
from .functions import FunctionCatalog, FunctionName, FunctionSettings
from .host_stats import HostStats
from .identities import Identities
from .log_groups import LogGroups
from .trace import Trace

LOGGER = logging.getLogger(__name__)

# AWS allows an account 1,000 at once; one machine, and an emulator that is one process, do not. Without reserved
# concurrency, more than this wait. With a hundred, a hundred accounts at once made every call wait for the others until
# the functions gave it up and asked again, and nothing came to an end.
COPIES_MAX = 16
# Lambda's limit for the init phase.
INIT_SECONDS_MAX = 10.0
# A copy that ended before it took its event has not seen it: another copy gets it, but not for ever.
DISPATCHES_MAX = 5
# Calls that a killed copy had already sent must still be known as its own.
FORGET_KEYS_AFTER_SECONDS = 30.0


class Throttled(Exception):
    """The function's reserved concurrency is used up."""


@dataclass
class Pool:
    """The copies of one function in one configuration."""

    settings: FunctionSettings
    slots: asyncio.Semaphore
    retired: bool = False
    idle: list[FunctionCopy] = field(default_factory=list)


class FunctionHost:
    """Runs functions. `url` is the gateway's own address, which the copies use for everything."""

    def __init__(
        self, catalog: FunctionCatalog, identities: Identities, log_dir: Path, url: str, trace: Trace,
        log_groups: LogGroups,
    ) -> None:  # fmt: skip
        self._trace = trace
        self._log_groups = log_groups
        self.catalog = catalog
        self.stats = HostStats()
        self._identities = identities
        self._log_dir = log_dir
        self._url = url
        self._pools: dict[FunctionName, Pool] = {}
        self._logs: dict[str, FunctionLog] = {}
        self._copies: dict[str, FunctionCopy] = {}
        self._pool_of: dict[str, Pool] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def copy(self, copy_id: str) -> FunctionCopy | None:
        """A living copy, by its id."""
        return self._copies.get(copy_id)

    async def invoke(
        self, name: FunctionName, payload: bytes, *, trigger: str, trace_id: str = "", client_context: str = "",
        wait: bool = False,
    ) -> tuple[Invocation, Outcome]:  # fmt: skip
        """Carries one event to a copy and waits for its outcome.

        Raises UpstreamError for an unknown function, and Throttled when its reserved concurrency is used up and
        `wait` is not set.
        """
        settings = await self.catalog.settings(name)
        pool = self._pool(name, settings)
        if pool.slots.locked() and settings.concurrency is not None and not wait:
            self.stats.of(settings.name).throttles += 1
            raise Throttled(settings.name)
        invocation = Invocation(payload, name.arn, trace_id or _new_trace_id(), trigger, client_context)
        async with pool.slots:
            for _ in range(DISPATCHES_MAX):
                copy = self._take_idle(pool) or await self._start_copy(pool, invocation)
                if copy is not None:
                    copy.current = invocation
                    copy.inbox.put_nowait(invocation)
                outcome = await asyncio.shield(invocation.outcome)
                if outcome is not None:
                    self._trace.invocation(settings.name, invocation, outcome)
                    return invocation, outcome
                invocation.outcome = asyncio.get_running_loop().create_future()
        return invocation, outcomes.exited(invocation.request_id, None)

    def deliver(self, copy: FunctionCopy, invocation: Invocation) -> None:
        """Marks the moment at which a copy takes its event: from here its timeout runs."""
        settings = copy.settings
        invocation.delivered = time.perf_counter()
        invocation.deadline_ms = int((time.time() + settings.timeout_seconds) * 1000)
        if copy.served == 0:
            invocation.init_ms = copy.init_ms
        copy.served += 1
        loop = asyncio.get_running_loop()
        invocation.timer = loop.call_later(settings.timeout_seconds, self._time_out, copy, invocation)
        copy.log.start(invocation.request_id, settings.version)

    def ready(self, copy: FunctionCopy) -> None:
        """Notes that a copy has asked for its first event."""
        if copy.init_ms is None:
            copy.init_ms = (time.perf_counter() - copy.spawned) * 1000
            self.stats.of(copy.settings.name).init_ms.append(copy.init_ms)

    def complete(self, copy: FunctionCopy, outcome: Outcome) -> None:
        """Takes the answer of a copy for its event, and has it idle again."""
        self._end(copy, outcome)
        pool = self._pool_of.get(copy.id)
        if pool is None or pool.retired:
            self.kill(copy)
        elif copy.alive:
            pool.idle.append(copy)

    def fail_init(self, copy: FunctionCopy, body: bytes) -> None:
        """Takes a copy's word that it cannot start. The event that it was started for gets the error."""
        copy.alive = False
        self._end(copy, outcomes.reported(body))
        self.kill(copy)

    def kill(self, copy: FunctionCopy) -> None:
        """Kills a copy. The event that it works on ends as Runtime.ExitError, once the process is gone."""
        copy.alive = False
        pool = self._pool_of.get(copy.id)
        if pool is not None and copy in pool.idle:
            pool.idle.remove(copy)
        copy.kill()

    def refresh(self) -> None:
        """Reads settings anew; copies with other settings than before end as soon as they are idle."""
        self.catalog.forget()

    def redeploy(self) -> int:
        """What a new version of every function does: copies end as soon as they are idle, and later events get new ones.

        Returns how many copies were there.
        """
        for pool in self._pools.values():
            pool.retired = True
            for copy in list(pool.idle):
                self.kill(copy)
        self._pools.clear()
        return len(self._copies)

    def snapshot(self) -> dict[str, dict]:
        """Counts and copies, per function."""
        shown = {name: stats.as_json(0, 0) for name, stats in self.stats.functions.items()}
        for copy in self._copies.values():
            entry = shown.setdefault(copy.settings.name, self.stats.of(copy.settings.name).as_json(0, 0))
            entry["copies"] += 1
            entry["busy"] += copy.current is not None
        return shown

    async def stop(self) -> None:
        """Kills every copy and waits for the processes to be gone."""
        for copy in list(self._copies.values()):
            self.kill(copy)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        for log in self._logs.values():
            log.close()
        self._logs.clear()

    def _pool(self, name: FunctionName, settings: FunctionSettings) -> Pool:
        pool = self._pools.get(name)
        if pool is not None and pool.settings == settings:
            return pool
        if pool is not None:
            pool.retired = True
            for copy in list(pool.idle):
                self.kill(copy)
        limit = settings.concurrency if settings.concurrency is not None else COPIES_MAX
        pool = self._pools[name] = Pool(settings, asyncio.Semaphore(limit))
        return pool

    def _take_idle(self, pool: Pool) -> FunctionCopy | None:
        while pool.idle:
            copy = pool.idle.pop()
            if copy.alive:
                return copy
        return None

    async def _start_copy(self, pool: Pool, invocation: Invocation) -> FunctionCopy | None:
        """A new copy; None when the binary cannot be run, which ends the invocation."""
        settings = pool.settings
        copy = FunctionCopy(settings, self._log(settings))
        copy.access_key = self._identities.add_copy(copy, settings.account, settings.role_arn)
        self._copies[copy.id] = copy
        self._pool_of[copy.id] = pool
        try:
            await copy.spawn(copy_environment(copy, self._url))
        except OSError as error:
            self._remove(copy)
            outcome = outcomes.not_runnable(invocation.request_id, settings.binary, error)
            copy.log.line(outcome.body.decode())
            self.stats.ended(None, settings.name, invocation, outcome)
            invocation.end(outcome)
            return None
        self.stats.of(settings.name).cold_starts += 1
        asyncio.get_running_loop().call_later(INIT_SECONDS_MAX, self._init_time_out, copy)
        task = asyncio.create_task(self._watch(copy))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return copy

    async def _watch(self, copy: FunctionCopy) -> None:
        """Waits for a copy's end, and ends the event that it had."""
        assert copy.process is not None
        return_code = await copy.process.wait()
        copy.alive = False
        self._remove(copy)
        copy.inbox.put_nowait(None)
        invocation = copy.current
        if invocation is None:
            return
        if invocation.delivered is None and copy.init_ms is not None:
            copy.current = None
            invocation.outcome.set_result(None)
            return
        outcome = outcomes.exited(invocation.request_id, return_code)
        copy.log.line(f"RequestId: {invocation.request_id} Error: {outcome.error_type} (return code {return_code})")
        self._end(copy, outcome)

    def _end(self, copy: FunctionCopy, outcome: Outcome) -> None:
        invocation, copy.current = copy.current, None
        if invocation is None or not invocation.end(outcome):
            return
        duration_ms = self.stats.ended(copy, copy.settings.name, invocation, outcome)
        copy.log.end(
            invocation.request_id, duration_ms, copy.settings.memory_mb, copy.peak_memory_kb, invocation.init_ms
        )

    def _time_out(self, copy: FunctionCopy, invocation: Invocation) -> None:
        if copy.current is not invocation:
            return
        outcome = outcomes.timed_out(invocation.request_id, copy.settings.timeout_seconds)
        copy.log.line(f"{invocation.request_id} Task timed out after {copy.settings.timeout_seconds:.2f} seconds")
        copy.alive = False
        self._end(copy, outcome)
        self.kill(copy)

    def _init_time_out(self, copy: FunctionCopy) -> None:
        if copy.init_ms is None and copy.alive and copy.current is not None:
            copy.alive = False
            self._end(copy, outcomes.timed_out(copy.current.request_id, INIT_SECONDS_MAX))
            self.kill(copy)

    def _remove(self, copy: FunctionCopy) -> None:
        self._copies.pop(copy.id, None)
        pool = self._pool_of.pop(copy.id, None)
        if pool is not None and copy in pool.idle:
            pool.idle.remove(copy)
        asyncio.get_running_loop().call_later(FORGET_KEYS_AFTER_SECONDS, self._identities.forget_copy, copy)

    def _log(self, settings: FunctionSettings) -> FunctionLog:
        log = self._logs.get(settings.name)
        if log is None:
            log = self._logs[settings.name] = FunctionLog(self._log_dir, settings.name)
            self._log_groups.add(settings, log)
        return log


def _new_trace_id() -> str:
    """A trace header: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader."""
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"
