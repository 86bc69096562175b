"""The log file of one function: what its copies print, between the START, END and REPORT lines of Lambda."""

from __future__ import annotations

import math
import os
from pathlib import Path


class FunctionLog:
    """An append-only file that the copies write to directly, so that nothing is lost when the gateway is killed."""

    def __init__(self, directory: Path, function_name: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / f"{function_name}.log"
        self.fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def line(self, text: str) -> None:
        """Adds one line."""
        os.write(self.fd, (text + "\n").encode())

    def start(self, request_id: str, version: str) -> None:
        """Lambda's START line."""
        self.line(f"START RequestId: {request_id} Version: {version}")

    def end(self, request_id: str, duration_ms: float, memory_mb: int, used_kb: int, init_ms: float | None) -> None:
        """Lambda's END and REPORT lines. `init_ms` only for the first invocation of a copy."""
        report = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {duration_ms:.2f} ms",
            f"Billed Duration: {math.ceil(duration_ms + (init_ms or 0))} ms",
            f"Memory Size: {memory_mb} MB",
            f"Max Memory Used: {math.ceil(used_kb / 1024)} MB",
        ]
        if init_ms is not None:
            report.append(f"Init Duration: {init_ms:.2f} ms")
        self.line(f"END RequestId: {request_id}")
        self.line("\t".join(report))

    def close(self) -> None:
        """Closes the gateway's end of the file."""
        os.close(self.fd)
