"""Runs the local AWS for as long as the test binary lives: its standard input is a pipe that only the binary holds."""

from __future__ import annotations

import os
import signal
import sys
import threading

from berth_local.__main__ import main


def _end_with_parent() -> None:
    """Waits for the end of the pipe, which comes however the binary ends: done, panicked, killed."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(main(sys.argv[1:]))
