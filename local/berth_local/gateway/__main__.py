"""The command line of the gateway: `python -m berth_local.gateway --port N --aws-url URL --binaries DIR --log-dir DIR`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from .server import GatewaySettings, serve


def main() -> int:
    """Serves until a signal; 1 with one clear line when the port is taken."""
    parser = argparse.ArgumentParser(prog="berth_local.gateway", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where to listen, on 127.0.0.1")
    parser.add_argument("--aws-url", required=True, help="the emulator, for example http://127.0.0.1:5555")
    parser.add_argument("--binaries", type=Path, required=True, help="folder of the function binaries")
    parser.add_argument("--log-dir", type=Path, required=True, help="folder for one log file per function")
    parser.add_argument("--layers", type=Path, help="folder that stands for /opt of the functions")
    parser.add_argument("--record", type=Path, help="file that each different use of an AWS operation is appended to")
    parser.add_argument("--account", default="210987654321", help="the hub account")
    parser.add_argument("--region", default="us-east-1", help="the hub's region")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    settings = GatewaySettings(
        given.port, given.aws_url, given.binaries, given.log_dir, given.account, given.region,
        given.layers.resolve() if given.layers else None, given.record,
    )  # fmt: skip
    try:
        asyncio.run(serve(settings))
    except OSError as error:
        print(f"gateway: {error.strerror or error}. Next: free port {given.port} or choose another.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
