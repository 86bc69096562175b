"""The GitOps repository is served to real git clients, and to nobody else."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from berth_local.children import Child, stop_all
from berth_local.gitserver_login import Login
from berth_local.ports import free_port, wait_for_answer
from berth_local.repository import REPOSITORY, make_repository

LOCAL = Path(__file__).resolve().parents[2]
LOGIN = Login("berth", "a:secret with spaces")


@dataclass
class Server:
    """A running server."""

    root: Path
    port: int
    child: Child

    @property
    def url(self) -> str:
        """Address with credentials in it, as git takes it."""
        return f"http://berth:a%3Asecret%20with%20spaces@127.0.0.1:{self.port}/{REPOSITORY}"

    def request(self, method: str, path: str, body: object = None, **headers: str) -> http.client.HTTPResponse:
        """One request as the right user, its path sent exactly as given."""
        token = base64.b64encode(f"{LOGIN.username}:{LOGIN.password}".encode()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request(method, path, body, {"Authorization": f"Basic {token}"} | headers)
        return connection.getresponse()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("git")
    make_repository(folder / "root")
    credentials = folder / "credentials.json"
    credentials.write_text(json.dumps({"username": LOGIN.username, "password": LOGIN.password}))
    port = free_port()
    command = [sys.executable, "-m", "berth_local.gitserver", "--root", str(folder / "root"), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(LOCAL)}
    child = Child("git", [*command, "--credentials", str(credentials)], environment, folder / "log")
    try:
        wait_for_answer(child, port, "/", lambda: False)
        yield Server(folder / "root", port, child)
    finally:
        stop_all([child])


def git(*arguments: str, folder: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A git client with nobody's configuration, which never asks for a password."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{key}": "t@t" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")},
    }
    command = ["git", *(["-C", str(folder)] if folder else []), *arguments]
    return subprocess.run(command, env=environment, check=check, capture_output=True, text=True, timeout=300)


def clone(server: Server, folder: Path) -> Path:
    git("clone", "--quiet", server.url, str(folder))
    return folder


def commit(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    git("add", name, folder=folder)
    git("commit", "--quiet", "-m", f"add {name}", folder=folder)


def test_a_clone_finds_one_commit_on_main_with_a_readme(server: Server, tmp_path: Path) -> None:
    work = clone(server, tmp_path / "work")
    assert (work / "README.md").read_text().startswith("# Tenants")
    assert git("branch", "--show-current", folder=work).stdout.strip() == "main"


def test_a_push_in_chunks_arrives_whole(server: Server, tmp_path: Path) -> None:
    work = clone(server, tmp_path / "work")
    noise = os.urandom(3_000_000)
    commit(work, "noise", noise)
    git("-c", "http.postBuffer=65536", "push", "--quiet", "origin", "main", folder=work)
    assert (clone(server, tmp_path / "again") / "noise").read_bytes() == noise


def test_a_shallow_fetch_with_protocol_two_sees_the_head_only(server: Server, tmp_path: Path) -> None:
    work = clone(server, tmp_path / "work")
    commit(work, "second", b"2")
    git("push", "--quiet", "origin", "main", folder=work)
    shallow = tmp_path / "shallow"
    git("-c", "protocol.version=2", "clone", "--quiet", "--depth", "1", server.url, str(shallow))
    assert git("rev-list", "--count", "HEAD", folder=shallow).stdout.strip() == "1"


def test_protocol_two_is_spoken_when_asked_for(server: Server) -> None:
    path = f"/{REPOSITORY}/info/refs?service=git-upload-pack"
    assert b"version 2" in server.request("GET", path, **{"Git-Protocol": "version=2"}).read()
    assert b"version 2" not in server.request("GET", path).read()


def test_a_gzipped_request_is_understood(server: Server) -> None:
    request = gzip.compress(b"0014command=ls-refs\n0000")
    headers = {
        "Content-Type": "application/x-git-upload-pack-request",
        "Content-Encoding": "gzip",
        "Git-Protocol": "version=2",
    }
    answer = server.request("POST", f"/{REPOSITORY}/git-upload-pack", request, **headers)
    assert (answer.status, b"refs/heads/main" in answer.read()) == (200, True)


def test_of_two_pushes_on_the_same_head_one_is_rejected(server: Server, tmp_path: Path) -> None:
    works = [clone(server, tmp_path / name) for name in ("one", "two")]
    for work in works:
        commit(work, work.name, b"x")
    with ThreadPoolExecutor(2) as pool:
        codes = [
            done.returncode
            for done in pool.map(lambda work: git("push", "origin", "main", folder=work, check=False), works)
        ]
    assert sorted(codes) == [0, 1]


def test_history_cannot_be_rewritten(server: Server, tmp_path: Path) -> None:
    work = clone(server, tmp_path / "work")
    git("commit", "--quiet", "--amend", "-m", "other", folder=work)
    forced = git("push", "--force", "origin", "main", folder=work, check=False)
    assert forced.returncode != 0
    assert "non-fast-forward" in forced.stderr


@pytest.mark.parametrize(
    "token", ["", "Basic", "Basic !!!", "Bearer abc", "Basic " + base64.b64encode(b"berth:no").decode()]
)
def test_a_wrong_login_is_refused(server: Server, token: str) -> None:
    path = f"/{REPOSITORY}/info/refs?service=git-receive-pack"
    answer = server.request("GET", path, Authorization=token)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", f"/{REPOSITORY}/HEAD"),
        ("GET", f"/{REPOSITORY}/config"),
        ("GET", f"/{REPOSITORY}/objects/info/packs"),
        ("GET", f"/{REPOSITORY}/info/refs"),
        ("GET", f"/{REPOSITORY}/info/refs?service=git-upload-archive"),
        ("GET", f"/{REPOSITORY}/../credentials.json"),
        ("GET", f"/{REPOSITORY}/%2e%2e/credentials.json"),
        ("GET", "/%2e%2e/credentials.json"),
        ("GET", "/other.git/info/refs?service=git-upload-pack"),
        ("POST", "/other.git/git-receive-pack"),
        ("POST", f"/{REPOSITORY}/git-upload-archive"),
    ],
)
def test_no_other_path_is_served(server: Server, method: str, path: str) -> None:
    assert server.request(method, path).status in (403, 404, 405)


def test_a_client_that_goes_away_leaves_no_git_process(server: Server) -> None:
    token = base64.b64encode(f"{LOGIN.username}:{LOGIN.password}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    connection.putrequest("POST", f"/{REPOSITORY}/git-receive-pack")
    connection.putheader("Authorization", f"Basic {token}")
    connection.putheader("Content-Type", "application/x-git-receive-pack-request")
    connection.putheader("Content-Length", "100000")
    connection.endheaders()
    connection.send(b"0")
    assert _soon(lambda: bool(_children(server.child.pid)))
    connection.close()
    assert _soon(lambda: not _children(server.child.pid))


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _soon(is_so: Callable[[], bool], seconds_max: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds_max
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
