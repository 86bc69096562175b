"""Child processes that never outlive their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child may not load a library between fork and exec.
_LIBC = ctypes.CDLL(None, use_errno=True)


def dies_with_parent() -> Callable[[], None]:
    """A function for `preexec_fn`: the child gets SIGTERM when its parent dies, however that happens (prctl(2))."""
    parent = os.getpid()

    def prepare() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl
            os.kill(os.getpid(), signal.SIGTERM)

    return prepare


class Child:
    """One process in a session of its own, with its output in a file."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                list(command),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=dies_with_parent(),  # noqa: PLW1509 - it calls prctl and nothing else
            )

    @property
    def pid(self) -> int:
        """The process, which is also its process group."""
        return self.process.pid

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self.process.poll() is not None

    def last_line(self) -> str:
        """The last line that it wrote, for the message when it ended by itself."""
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace").strip().splitlines()
            if lines:
                return lines[-1]
        return "it wrote nothing"


def stop_all(children: Sequence[Child], seconds_max: float = 3.0) -> None:
    """Asks every child to end, then kills what is left of each one's process group."""
    for child in children:
        _signal_group(child, signal.SIGTERM)
    deadline = time.monotonic() + seconds_max
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, deadline - time.monotonic()))
        _signal_group(child, signal.SIGKILL)
        child.process.wait()


def _signal_group(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
