"""The stand-in for GitHub admits whom GitHub admits, and moves a branch only from where it was expected."""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from berth_local.repository import REPOSITORY, git_environment, make_repository

LOCAL = Path(__file__).resolve().parents[2]
REST = "/api/v3/repos/berth/tenants"
HEAD = (
    'query { repository(owner: "berth", name: "tenants") { ref(qualifiedName: "refs/heads/main") { target { oid } } } }'
)
COMMIT = "mutation ($input: Input!) { createCommitOnBranch(input: $input) { commit { oid } } }"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class GitHub:
    """A running stand-in."""

    port: int
    secret: dict[str, Any]
    person: str
    repository: Path

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        """One request; status and answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        headers = {"Authorization": f"Bearer {token or self.person}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def proof(self, key: str = "", **changed: Any) -> str:
        """A JWT that says who we are, made as GitHub documents it."""
        now = int(time.time())
        claims = {"iss": self.secret["clientId"], "iat": now - 60, "exp": now + 500} | changed
        head = {"alg": "RS256", "typ": "JWT"}
        text = ".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
        loaded = serialization.load_pem_private_key((key or self.secret["privateKey"]).encode(), None)
        assert isinstance(loaded, rsa.RSAPrivateKey)
        return f"{text}.{_encoded(loaded.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def token(self, **asked: Any) -> str:
        """An installation token."""
        path = f"/api/v3/app/installations/{self.secret['installationId']}/access_tokens"
        status, answer = self.call("POST", path, asked, self.proof())
        assert status == 201, answer
        return str(answer["token"])

    def sign_in(self, proof: str) -> int:
        """The status of an attempt to get a token."""
        path = f"/api/v3/app/installations/{self.secret['installationId']}/access_tokens"
        return self.call("POST", path, {}, proof)[0]

    def graphql(self, query: str, token: str = "", **variables: Any) -> Any:
        """What a query answers."""
        status, answer = self.call("POST", "/api/graphql", {"query": query, "variables": variables}, token)
        assert status == 200, answer
        return answer

    def head(self) -> str:
        """Where main is."""
        return str(self.graphql(HEAD)["data"]["repository"]["ref"]["target"]["oid"])

    def commit(self, expected: str, text: str, branch: str = "main", token: str = "") -> Any:
        """Commits one file."""
        contents = base64.b64encode(text.encode()).decode()
        given = {
            "branch": {"repositoryNameWithOwner": "berth/tenants", "branchName": branch},
            "expectedHeadOid": expected,
            "message": {"headline": "one file", "body": "and why"},
            "fileChanges": {"additions": [{"path": f"{text}.txt", "contents": contents}]},
        }
        return self.graphql(COMMIT, token, input=given)

    def git(self, *arguments: str) -> str:
        """What git says of the repository behind it."""
        command = ["git", "--git-dir", str(self.repository), *arguments]
        done = subprocess.run(command, env=git_environment(), check=True, capture_output=True, text=True)
        return done.stdout.strip()


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    make_repository(tmp_path)
    command = [sys.executable, "-m", "berth_local.github.server", "--root", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(LOCAL)}
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield GitHub(said["port"], json.loads(said["secret"]), said["person"], tmp_path / REPOSITORY)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(300)


def test_only_the_apps_own_fresh_proof_is_worth_a_token(github: GitHub) -> None:
    assert github.sign_in(github.proof()) == 201
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    pem = other.private_bytes(encoding, form, serialization.NoEncryption()).decode()
    now = int(time.time())
    wrong = [
        github.proof(key=pem),
        github.proof(iss="another-app"),
        github.proof(exp=now - 1),
        github.proof(exp=now + 3600),
        github.proof(iat=now + 300),
        "no.proof.atall",
        github.person,
    ]
    assert [github.sign_in(proof) for proof in wrong] == [401] * len(wrong)


def test_a_token_has_the_requested_permissions_until_it_expires(github: GitHub) -> None:
    ref = f"{REST}/git/ref/heads/main"
    assert github.call("GET", ref, token=github.token())[0] == 200
    assert github.call("GET", ref, token=github.token(repositories=["another"]))[0] == 404
    reader = github.token(repositories=["tenants"], permissions={"contents": "read"})
    assert github.call("POST", f"{REST}/git/refs", {"ref": "refs/heads/x", "sha": "0" * 40}, reader)[0] == 403
    assert github.commit(github.head(), "a", token=reader)["errors"][0]["type"] == "FORBIDDEN"
    path = f"/api/v3/app/installations/{github.secret['installationId']}/access_tokens"
    assert github.call("POST", path, {"permissions": {"administration": "write"}}, github.proof())[0] == 422
    writer = github.token()
    github.call("POST", "/api/_berth/expire", {})
    assert github.call("GET", ref, token=writer)[0] == 401


def test_a_commit_moves_the_branch_from_the_expected_head_and_from_no_other(github: GitHub) -> None:
    before = github.head()
    made = github.commit(before, "first")["data"]["createCommitOnBranch"]["commit"]["oid"]
    assert (github.head(), github.git("log", "-1", "--format=%P %s", "main")) == (made, f"{before} one file")
    assert github.git("show", "main:first.txt") == "first"
    refused = github.commit(before, "second")
    assert refused["errors"][0]["type"] == "STALE_DATA"
    assert github.head() == made


def test_a_protected_branch_is_refused_with_githubs_words(github: GitHub) -> None:
    github.call("POST", "/api/_berth/protect", {"branch": "main"})
    before = github.head()
    (error,) = github.commit(before, "a")["errors"]
    assert error["type"] == "UNPROCESSABLE"
    assert "pull request" in error["message"]
    assert github.head() == before


def test_a_pull_request_is_opened_once_merged_once_and_never_after_a_close(github: GitHub) -> None:
    base = github.head()
    github.call("POST", f"{REST}/git/refs", {"ref": "refs/heads/topic", "sha": base})
    asked = {"title": "t", "head": "topic", "base": "main"}
    assert github.call("POST", f"{REST}/pulls", asked)[0] == 422, "no commits between the two"
    github.commit(base, "topic", branch="topic")
    status, pull = github.call("POST", f"{REST}/pulls", asked)
    assert status == 201
    assert github.call("POST", f"{REST}/pulls", asked)[0] == 422, "it exists"
    open_ones = f"{REST}/pulls?state=open&head=berth:topic&base=main"
    assert [found["number"] for found in github.call("GET", open_ones)[1]] == [pull["number"]]
    assert github.call("PUT", f"{REST}/pulls/{pull['number']}/merge", {})[0] == 200
    assert github.git("show", "main:topic.txt") == "topic"
    assert github.call("PUT", f"{REST}/pulls/{pull['number']}/merge", {})[0] == 405
    assert github.call("GET", open_ones)[1] == []

    github.call("POST", f"{REST}/git/refs", {"ref": "refs/heads/other", "sha": github.head()})
    github.commit(github.head(), "other", branch="other")
    number = github.call("POST", f"{REST}/pulls", asked | {"head": "other"})[1]["number"]
    github.call("PATCH", f"{REST}/pulls/{number}", {"state": "closed"})
    assert github.call("PUT", f"{REST}/pulls/{number}/merge", {})[0] == 405


def test_a_field_that_github_does_not_have_is_an_error_and_not_empty(github: GitHub) -> None:
    answer = github.graphql('query { repository(owner: "berth", name: "tenants") { madeUp } }')
    assert "doesn't exist" in answer["errors"][0]["message"]
    answer = github.graphql('query { repository(owner: "berth", name: "another") { id } }')
    assert answer["errors"][0]["type"] == "NOT_FOUND"


def test_a_fault_happens_once_before_or_after_the_request_took_effect(github: GitHub) -> None:
    before = github.head()
    github.call("POST", "/api/_berth/fault", {"at": "commit", "status": 502})
    contents = {"query": COMMIT, "variables": {"input": {}}}
    connection = http.client.HTTPConnection("127.0.0.1", github.port, timeout=300)
    headers = {"Authorization": f"Bearer {github.person}", "Content-Type": "application/json"}
    connection.request("POST", "/api/graphql", json.dumps(contents), headers)
    assert connection.getresponse().status == 502
    assert github.head() == before
    github.call("POST", "/api/_berth/fault", {"at": "commit", "after": True, "cut": True})
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        github.commit(before, "unheard")
    assert github.git("show", "main:unheard.txt") == "unheard"
    assert "data" in github.commit(github.head(), "next")
