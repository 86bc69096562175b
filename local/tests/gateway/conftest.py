"""A stock moto and a gateway in front of it, shared by all tests here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.gateway.rig import HERE, Gateway, free_port, reachable, wait_for


@pytest.fixture(scope="session")
def moto() -> Iterator[tuple[int, int]]:
    """Stock moto; its port, and the port that it takes for its own endpoint, which is the gateway's."""
    port, gateway_port = free_port(), free_port()
    environment = {**os.environ, "MOTO_PORT": str(gateway_port)}
    process = subprocess.Popen(
        [sys.executable, str(HERE / "stock_moto.py"), str(port)], env=environment, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: process.poll() is not None or reachable(f"http://127.0.0.1:{port}/moto-api/"), 300)
    yield port, gateway_port
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def running(moto: tuple[int, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The gateway that most tests share."""
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), *moto)
    gateway.client("iam").create_role(RoleName="probe", AssumeRolePolicyDocument="{}")
    yield gateway
    gateway.process.kill()
    gateway.process.wait()


@pytest.fixture
def gateway(running: Gateway) -> Gateway:
    """The shared gateway without rules and with an empty journal."""
    running.ask("DELETE", "rules")
    running.ask("DELETE", "calls")
    return running
