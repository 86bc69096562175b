"""The command line of the gateway: `python -m berth_local.gateway --port N --aws-port N --binaries DIR --log-dir DIR`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
from importlib import import_module
from pathlib import Path

from berth_local import botocore_models
from berth_local.aws.settings import WrongMoto, prepare_environment

from .server import GatewaySettings, serve

_GARBAGE_OBJECTS = 50_000


def main() -> int:
    """Serves until a signal; 1 with one clear line when the port is taken."""
    parser = argparse.ArgumentParser(prog="berth_local.gateway", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where to listen, on 127.0.0.1")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--aws-port", type=int, help="runs the emulator in this process; its own port, past the proxy")
    where.add_argument("--aws-url", default="", help="an emulator that runs, for example http://127.0.0.1:5555")
    parser.add_argument("--binaries", type=Path, required=True, help="folder of the function binaries")
    parser.add_argument("--log-dir", type=Path, required=True, help="folder for one log file per function")
    parser.add_argument("--layers", type=Path, help="folder that stands for /opt of the functions")
    parser.add_argument("--record", type=Path, help="file that each different use of an AWS operation is appended to")
    parser.add_argument("--trace", type=Path, help="file that every call and invocation is written to, whole")
    parser.add_argument("--enforce", action="store_true", help="refuse what IAM would refuse; with --aws-port only")
    parser.add_argument("--account", default="210987654321", help="the hub account")
    parser.add_argument("--region", default="us-east-1", help="the hub's region")
    given = parser.parse_args()
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s"
    )
    settings = GatewaySettings(
        given.port, given.aws_url, given.binaries, given.log_dir, given.account, given.region,
        given.layers.resolve() if given.layers else None, given.record, given.aws_port,
        given.trace, given.enforce and given.aws_port is not None,
    )  # fmt: skip
    try:
        if given.aws_port is not None:
            _prepare_emulator(given.port)
        gc.enable()
        asyncio.run(serve(settings))
    except WrongMoto as problem:
        print(f"gateway: {problem}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"gateway: {error.strerror or error}. Next: free port {given.port} or choose another.", file=sys.stderr)
        return 1
    return 0


def _prepare_emulator(port: int) -> None:
    prepare_environment(port)
    botocore_models.install()
    from berth_local.aws.install import install

    install()
    import_module("berth_local.gateway.direct")
    # What was imported stays for ever: collections of garbage need not look at it, and need not come so often.
    gc.freeze()
    gc.set_threshold(_GARBAGE_OBJECTS, 20, 50)


if __name__ == "__main__":
    # Imports make objects by the hundred thousand, and no garbage.
    gc.disable()
    # Threads of running executions must not keep a stopped gateway alive.
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
