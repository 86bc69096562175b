"""Starts our server and a stock moto_server once for all tests of this folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from twin_worlds import HUB, MANAGEMENT, NETWORK, TENANT, World

LOCAL = Path(__file__).resolve().parents[2]
SETTINGS = {
    "BERTH_LOCAL_ATTACHMENT_SECONDS": "0.8",
    "BERTH_LOCAL_ASSOCIATION_SECONDS": "0.5",
    "BERTH_LOCAL_ASSIGNMENT_SECONDS": "0.5",
    # Nobody starts an instance here, and images of each account and region take a tenth of a second.
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    "BERTH_LOCAL_ACCOUNT_IDS": f"{NETWORK},{TENANT}",
    "BERTH_LOCAL_OU_IDS": "organization=o-berthlocal,root=r-ab12,dev=ou-ab12-dev00001",
}


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(module: str, log: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A server process and its endpoint, once it answers."""
    port = free_port()
    environment = {**os.environ, **SETTINGS, "PYTHONPATH": str(LOCAL), "MOTO_PORT": str(port)}
    arguments = [sys.executable, "-m", module, "--port", str(port)]
    process = subprocess.Popen(arguments, env=environment, stdout=log.open("wb"), stderr=subprocess.STDOUT)
    endpoint = f"http://127.0.0.1:{port}"
    while process.poll() is None:
        try:
            requests.get(f"{endpoint}/moto-api/data.json", timeout=60)
            return process, endpoint
        except requests.ConnectionError:
            time.sleep(0.1)
    raise RuntimeError(f"{module} ended with {process.returncode}: {log.read_text()}")


def world(module: str, patience: float, home: str, folder: Path) -> Iterator[World]:
    """A server with the test organization in it, stopped at the end."""
    process, endpoint = start(module, folder / f"{module}.log")
    try:
        # Stock only pretends to run state machines unless it is told to; its real failures are what counts here.
        requests.post(
            f"{endpoint}/moto-api/config", json={"stepfunctions": {"execute_state_machine": True}}, timeout=300
        )
        made = World(endpoint, patience, home)
        organizations = made.client("organizations", MANAGEMENT)
        organizations.create_organization(FeatureSet="ALL")
        # On our server the first id of BERTH_LOCAL_ACCOUNT_IDS, on stock a random one.
        organizations.create_account(AccountName="network", Email="network@example.com")
        yield made
    finally:
        # Nobody looks at it again, and a loaded machine may take long to end it in good order.
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Moto with every repair."""
    yield from world("berth_local.aws", 60.0, HUB, tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Moto as it comes."""
    yield from world("moto.server", 1.0, "123456789012", tmp_path_factory.mktemp("stock"))
