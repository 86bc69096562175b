"""Runs the local AWS for as long as the test binary lives: its standard input is a pipe that only the binary holds."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

from berth_local.__main__ import main
from berth_local.state import StateFile


def _end_with_parent(folder: Path) -> None:
    """Waits for the end of the pipe, which comes however the binary ends: done, panicked, killed.

    Then everything is killed at once: nobody will look at this organization again, and whoever lists processes after
    `cargo test` must find none. The functions go with the gateway.
    """
    sys.stdin.buffer.read()
    file = StateFile(folder)
    state = file.read() or {}
    if "pids" not in state:  # it is still starting: only the supervisor knows what it has started
        os.kill(os.getpid(), signal.SIGTERM)
        return
    for pid in state["pids"].values():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    file.remove()
    os._exit(0)


if __name__ == "__main__":
    state_folder = Path(sys.argv[sys.argv.index("--state-dir") + 1])
    threading.Thread(target=_end_with_parent, args=(state_folder,), daemon=True).start()
    sys.exit(main(sys.argv[1:]))
