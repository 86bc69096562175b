"""The stand-in over HTTP, with faults at chosen requests.

Run as `python -m berth_local.github.server --root DIR` for a folder with `tenants.git`: it prints one line of JSON (its
port, and the App's secret), and ends when its standard input closes. The local AWS serves it beside git instead.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

from berth_local.github.api import Repository
from berth_local.github.app import AppKeys, RefusedError, Tokens

OWNER, NAME = "berth", "tenants"
_GRANTED = {"contents": "write", "pull_requests": "write", "metadata": "read"}
_BODY_BYTES_MAX = 64 << 20


class GitHub:
    """The server's state: one repository, one App, faults that are still to happen."""

    def __init__(self, folder: Path, app: AppKeys) -> None:
        self._folder, self._app = folder, app
        self.tokens = Tokens(app, dict(_GRANTED))
        self._repository: Repository | None = None
        self._faults: list[dict[str, Any]] = []
        self.served: list[str] = []

    def repository(self, request: web.Request) -> Repository:
        """The repository; its address is that of the first request."""
        if self._repository is None:
            self._repository = Repository(self._folder, OWNER, NAME, f"http://{request.host}")
        return self._repository

    def routes(self) -> list[web.RouteDef]:
        """Everything that is served."""
        repository = f"/api/v3/repos/{OWNER}/{NAME}"
        return [
            web.post("/api/v3/app/installations/{installation}/access_tokens", self._sign_in),
            web.post("/api/graphql", self._answer),
            web.post(f"{repository}/git/refs", self._answer),
            web.get(f"{repository}/git/ref/heads/{{branch:.+}}", self._answer),
            web.get(f"{repository}/branches", self._answer),
            web.patch(f"{repository}/git/refs/heads/{{moved:.+}}", self._answer),
            web.delete(f"{repository}/git/refs/heads/{{gone:.+}}", self._answer),
            web.get(f"{repository}/compare/{{base:.+?}}...{{head:.+}}", self._answer),
            web.get(f"{repository}/git/blobs/{{sha}}", self._answer),
            web.get(f"{repository}/git/trees/{{tree}}", self._answer),
            web.get(f"{repository}/pulls", self._answer),
            web.post(f"{repository}/pulls", self._answer),
            web.put(f"{repository}/pulls/{{number}}/merge", self._answer),
            web.patch(f"{repository}/pulls/{{number}}", self._answer),
            web.post("/api/_berth/{what}", self._admin),
        ]

    async def _admin(self, request: web.Request) -> web.Response:
        """What a test does behind the client's back. Not part of GitHub."""
        body, what = await request.json(), request.match_info["what"]
        if what == "fault":
            self._faults.append(body)
        elif what == "heal":
            self._faults.clear()
        elif what == "expire":
            self.tokens.expire()
        elif what == "grant":
            self.tokens.granted = body
        elif what == "protect":
            self.repository(request).protected.add(body["branch"])
        elif what == "fork":
            self.repository(request).fork_pulls(body["head"], body["base"], body["state"], body["count"])
        seen = {"faults": len(self._faults), "tokens": self.tokens.made, "served": self.served}
        pulls = self.repository(request).pulls
        return web.json_response(seen | {"pulls": pulls})

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        async def make() -> tuple[int, Any]:
            header = request.headers.get("Authorization", "")
            installation = int(request.match_info["installation"])
            return 201, self.tokens.make(header, installation, await request.json())

        return await self._with_faults(request, "token", make)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else {}
        kind = _kind(request, body)

        async def handle() -> tuple[int, Any]:
            permissions = self.tokens.admit(request.headers.get("Authorization", ""), NAME)
            return await asyncio.to_thread(self._handled, request, body, permissions)

        return await self._with_faults(request, kind, handle)

    def _handled(self, request: web.Request, body: dict[str, Any], permissions: dict[str, str]) -> tuple[int, Any]:
        repository, match, path = self.repository(request), request.match_info, request.path
        if path == "/api/graphql":
            return 200, repository.graphql(body, permissions)
        wanted = "pull_requests" if "/pulls" in path else "contents"
        if permissions.get(wanted) != "write":
            raise RefusedError(403, "Resource not accessible by integration")
        if path.endswith("/git/refs"):
            return 201, repository.make_ref(body)
        if path.endswith("/branches"):
            return 200, repository.list_branches()
        if "moved" in match:
            return 200, repository.move_ref(match["moved"], body)
        if "gone" in match:
            return 204, repository.delete_ref(match["gone"])
        if "base" in match:
            return 200, repository.compare(match["base"], match["head"])
        if "branch" in match:
            return 200, repository.ref(match["branch"])
        if "tree" in match:
            return 200, repository.list_tree(match["tree"])
        if "sha" in match:
            return 200, repository.objects.blob(match["sha"])
        if path.endswith("/merge"):
            return 200, repository.merge_pull(int(match["number"]))
        if "number" in match:
            return 200, repository.close_pull(int(match["number"]))
        if request.method == "POST":
            return 201, repository.make_pull(body)
        query = request.query
        return 200, repository.list_pulls(query.get("state", "open"), query.get("head", ""), query.get("base", ""))

    async def _with_faults(self, request: web.Request, kind: str, handle: Any) -> web.StreamResponse:
        self.served.append(kind)
        await _record(request)
        fault = next((fault for fault in self._faults if fault["at"] == kind), None)
        if fault is not None:
            self._faults.remove(fault)
            if fault.get("after"):
                await handle()
            if fault.get("cut"):
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            text = json.dumps(fault["body"]) if "body" in fault else ""
            if fault.get("echo"):
                text = text.replace("ECHO", request.headers.get("Authorization", ""))
            return web.Response(status=fault["status"], headers=fault.get("headers") or {}, text=text)
        try:
            status, answer = await handle()
        except RefusedError as error:
            return web.json_response({"message": str(error)}, status=error.status)
        if answer is None or isinstance(answer, bytes):
            return web.Response(status=status, body=answer)
        return web.json_response(answer, status=status)


async def _record(request: web.Request) -> None:
    """Appends the request to the file that BERTH_GITHUB_RECORD names: `make test-forges` holds all of them to what GitHub
    publishes of its APIs."""
    file = os.environ.get("BERTH_GITHUB_RECORD")
    if file is None:
        return
    body = await request.json() if request.body_exists else None
    asked = {"method": request.method, "path": request.path, "query": dict(request.query), "body": body}
    _append(Path(file), json.dumps(asked) + "\n")


def _append(file: Path, line: str) -> None:
    with file.open("a") as record:
        record.write(line)


def _kind(request: web.Request, body: dict[str, Any]) -> str:
    """What a fault calls the request."""
    if request.path == "/api/graphql":
        query = str(body.get("query", ""))
        return "commit" if "createCommitOnBranch" in query else "look" if "pullRequests" in query else "read"
    for part, kind in (
        ("/git/blobs/", "blob"),
        ("/git/trees/", "tree"),
        ("/git/ref", "branch"),
        ("/branches", "branches"),
        ("/pulls", "pull"),
        ("/compare/", "comparison"),
    ):
        if part in request.path:
            return f"{request.method.lower()}-{kind}"
    return "other"


async def _serve(root: Path, app: AppKeys) -> None:
    server = web.Application(client_max_size=_BODY_BYTES_MAX)
    server.add_routes(GitHub(root / "tenants.git", app).routes())
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    print(json.dumps({"port": port, "secret": app.secret(), "person": app.person}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def main() -> None:
    """Serves until standard input closes."""
    parser = argparse.ArgumentParser(prog="python -m berth_local.github.server", description="Stand in for GitHub.")
    parser.add_argument("--root", type=Path, required=True, help="folder that holds tenants.git")
    asyncio.run(_serve(parser.parse_args().root, AppKeys.random()))


if __name__ == "__main__":
    main()
