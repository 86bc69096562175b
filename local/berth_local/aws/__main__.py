"""`python -m berth_local.aws --port N` serves the repaired moto until it is told to stop."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from berth_local.aws.settings import WrongMoto, prepare_environment


def main() -> int:
    """Read the command line, repair moto, serve. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m berth_local.aws", description="Serve the local AWS.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log-requests", action="store_true", help="write one line per request to standard error")
    arguments = parser.parse_args()
    prepare_environment(arguments.port)
    if not arguments.log_requests:
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
    from berth_local.aws.install import install

    try:
        install()
    except WrongMoto as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    from berth_local.aws.server import serve

    try:
        serve(arguments.host, arguments.port)
    except OSError as problem:
        print(f"error: cannot listen on {arguments.host}:{arguments.port}: {problem.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    # Threads of running executions must not keep a stopped server alive.
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
