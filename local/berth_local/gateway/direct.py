"""The emulator in the gateway's own process: calls are answered without a connection between the two."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from berth_local.aws.emulator import Emulator, NotKnown, Pairs, waits

from .error_bodies import Answer, error_answer
from .identify import ApiCall, identify

# Long polls and stopped executions; all else is done within milliseconds, and on the loop.
_WAITERS_MAX = 512


class DirectAws:
    """Moto in this process. Most calls are answered at once, on the event loop: a thread for each would cost more."""

    def __init__(self, url: str) -> None:
        """`url` is where the emulator can be reached from outside."""
        self.url = url
        self._emulator = Emulator()
        self._waiters = ThreadPoolExecutor(_WAITERS_MAX, thread_name_prefix="waiting-call")

    async def send(
        self, method: str, raw_path: str, headers: Pairs, body: bytes, call: ApiCall | None = None
    ) -> Answer:
        """The answer to a request. `call` is what it was identified as, if it was."""
        if call is None:
            call = identify(method, raw_path, {name.lower(): value for name, value in headers}, body)
        try:
            if waits(call.service, call.operation):
                loop = asyncio.get_running_loop()
                found = await loop.run_in_executor(
                    self._waiters, self._emulator.answer, method, raw_path, headers, body
                )
            else:
                found = self._emulator.answer(method, raw_path, headers, body)
        except NotKnown as problem:
            what = f"{call.service or 'an unknown service'}: {call.operation or f'{method} {raw_path}'}"
            text = f"the local AWS does not know {what} ({problem})"
            return error_answer(call.protocol, call.service, 501, "NotImplemented", text)
        status, pairs, content = found
        return Answer(status, content, pairs)

    async def close(self) -> None:
        """Gives up the calls that wait."""
        self._waiters.shutdown(wait=False, cancel_futures=True)
