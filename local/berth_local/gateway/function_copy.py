"""One copy of a function: its process, its environment, and the invocation that it works on."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import shutil
import signal
import time
import uuid
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .function_log import FunctionLog
from .functions import FunctionSettings

SECRET_ACCESS_KEY = "local"
"""The secret of every key of a function."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
# Has Linux kill the function when the gateway dies, and then becomes the function. Python's own hook for that would copy
# the whole gateway for each start, and ending the copy takes 5 to 20 ms, longer than the start of a function.
_SETPRIV = shutil.which("setpriv")
# Lambda's image has one file of trusted certificates. Debian has a folder of 300 files besides, and whoever reads the
# platform's certificates reads them, too: 3 ms of a start, which Lambda does not take.
_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


@dataclass
class Outcome:
    """How an invocation ended. `error_type` is empty for a success; `body` is what the caller gets."""

    body: bytes
    error_type: str = ""


@dataclass
class Invocation:
    """One event on its way through a function. Times are seconds of the monotonic clock, except the deadline."""

    payload: bytes
    arn: str
    trace_id: str
    trigger: str
    client_context: str = ""
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    # None when its copy ended before it took the event: then another copy gets it.
    outcome: asyncio.Future[Outcome | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    queued: float = field(default_factory=time.perf_counter)
    delivered: float | None = None
    deadline_ms: int = 0
    init_ms: float | None = None
    timer: asyncio.TimerHandle | None = None

    def end(self, outcome: Outcome) -> bool:
        """Ends the invocation; False when it had ended before."""
        if self.timer is not None:
            self.timer.cancel()
        if self.outcome.done():
            return False
        self.outcome.set_result(outcome)
        return True


class FunctionCopy:
    """A process that asks `/runtime/invocation/next` again and again, as the Lambda Runtime API has it."""

    def __init__(self, settings: FunctionSettings, log: FunctionLog) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.settings = settings
        self.log = log
        self.access_key = ""
        self.inbox: asyncio.Queue[Invocation | None] = asyncio.Queue()
        self.current: Invocation | None = None
        self.process: asyncio.subprocess.Process | None = None
        # When the process was asked for, in seconds of the monotonic clock.
        self.spawned = 0.0
        self.init_ms: float | None = None
        self.init_error: bytes | None = None
        self.alive = True
        self.served = 0
        self.peak_memory_kb = 0

    async def spawn(self, environment: dict[str, str]) -> None:
        """Starts the process, in a group of its own. Raises OSError when the binary cannot be run."""
        binary = self.settings.binary
        if not os.access(binary, os.X_OK):
            reason = errno.EACCES if binary.exists() else errno.ENOENT
            raise OSError(reason, os.strerror(reason), str(binary))
        self.spawned = time.perf_counter()
        self.process = await asyncio.create_subprocess_exec(
            *((_SETPRIV, "--pdeathsig", "KILL") if _SETPRIV else ()),
            str(binary),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self.log.fd,
            stderr=self.log.fd,
            start_new_session=True,
            preexec_fn=None if _SETPRIV else _die_with_gateway,
        )

    def kill(self) -> None:
        """Kills the process and all that it started; its end is noticed by whoever waits for it."""
        if self.process is None or self.process.returncode is not None:
            return
        self.note_memory()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def note_memory(self) -> int:
        """The peak resident memory of the process so far in KiB, from Linux's accounts; 0 when it is not known."""
        if self.process is not None:
            self.peak_memory_kb = max(self.peak_memory_kb, _peak_kb(self.process.pid))
        return self.peak_memory_kb


def copy_environment(copy: FunctionCopy, gateway_url: str) -> dict[str, str]:
    """The whole environment of a copy: the function's variables, then Lambda's own, and of ours only PATH.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    """
    settings = copy.settings
    return {
        **settings.environment,
        "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": settings.handler,
        "LAMBDA_TASK_ROOT": str(settings.binary.parent),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_LAMBDA_RUNTIME_API": f"{gateway_url}/_berth/runtime/{copy.id}",
        "AWS_LAMBDA_FUNCTION_NAME": settings.name,
        "AWS_LAMBDA_FUNCTION_VERSION": settings.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{settings.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": time.strftime("%Y/%m/%d", time.gmtime()) + f"/[{settings.version}]{copy.id}",
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_ACCESS_KEY_ID": copy.access_key,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_SESSION_TOKEN": "local",
        "AWS_ENDPOINT_URL": gateway_url,
        # There is no instance metadata here; without this a client without credentials would wait for it.
        "AWS_EC2_METADATA_DISABLED": "true",
        **_certificates(),
    }


@cache
def _certificates() -> dict[str, str]:
    """Where this machine has its trusted certificates in one file."""
    return next(({"SSL_CERT_FILE": path} for path in _CERTIFICATES if Path(path).is_file()), {})


def _die_with_gateway() -> None:
    """Where there is no setpriv(1): runs in the new process, right before the function (prctl(2))."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _peak_kb(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0
