"""How an invocation that the function did not answer itself ends: Lambda's own errors, in Lambda's own words.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

from .function_copy import Outcome

RESPONSE_BYTES_MAX = 6_291_556

_SIGNAL_NAMES = {
    signal.SIGKILL: "killed",
    signal.SIGABRT: "aborted",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGTERM: "terminated",
}


def timed_out(request_id: str, seconds: float) -> Outcome:
    """The function ran past its timeout and was killed."""
    return _outcome("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds")


def exited(request_id: str, return_code: int | None) -> Outcome:
    """The process ended in the middle of an invocation, or before its first."""
    if return_code == 0:
        reason = "Runtime exited without providing a reason"
    elif return_code is not None and return_code < 0:
        number = -return_code
        named = _SIGNAL_NAMES.get(number, f"signal {number}")  # type: ignore[call-overload]
        reason = f"Runtime exited with error: signal: {named}"
    else:
        reason = f"Runtime exited with error: exit status {return_code}"
    return _outcome("Runtime.ExitError", f"RequestId: {request_id} Error: {reason}")


def not_runnable(request_id: str, binary: Path, error: OSError) -> Outcome:
    """There is no such binary, or it cannot be run."""
    return _outcome(
        "Runtime.InvalidEntrypoint",
        f"RequestId: {request_id} Error: Couldn't run {binary} ({error.strerror}). Next: build it, or set --binaries.",
    )


def reported(body: bytes) -> Outcome:
    """The runtime reported an error of the handler or of its start; the body is handed on as it is."""
    return Outcome(body, _error_type(body) or "Unhandled")


def answered(body: bytes) -> Outcome:
    """The function answered."""
    if len(body) <= RESPONSE_BYTES_MAX:
        return Outcome(body)
    return _outcome(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes).",
    )


def _outcome(error_type: str, message: str) -> Outcome:
    return Outcome(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), error_type)


def _error_type(body: bytes) -> str:
    try:
        fields = json.loads(body)
    except ValueError:
        return ""
    return str(fields.get("errorType", "")) if isinstance(fields, dict) else ""
