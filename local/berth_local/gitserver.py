"""The GitOps repository: one bare repository behind `git http-backend`, with Basic auth.

Smart HTTP: https://git-scm.com/docs/http-protocol, https://git-scm.com/docs/git-http-backend.
Run as `python -m berth_local.gitserver --root DIR --port N --credentials FILE`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from berth_local.children import dies_with_parent
from berth_local.github.app import AppKeys
from berth_local.github.server import OWNER, GitHub
from berth_local.gitserver_login import Login
from berth_local.repository import REPOSITORY, git_environment
from berth_local.state import write_private

_SERVICES = ("git-upload-pack", "git-receive-pack")
_CHUNK_BYTES = 64 * 1024
_HEADERS_BYTES_MAX = 64 * 1024
_REQUEST_SECONDS_MAX = 60.0
_BODY_BYTES_MAX = 64 << 20


def application(root: Path, login: Login, github: GitHub | None = None) -> web.Application:
    """The server. It knows the three addresses of smart HTTP and no other path, so that no path can lead outside.

    With `github`, the same repository is served as GitHub does, too: `berth/tenants`, with its API under `/api`.
    """
    app = web.Application(middlewares=[_authenticated(login)], client_max_size=_BODY_BYTES_MAX)
    backend = _Backend(root, login.username)
    for address in (REPOSITORY, f"{OWNER}/{REPOSITORY}"):
        app.router.add_get(f"/{address}/info/refs", backend.serve)
        for service in _SERVICES:
            app.router.add_post(f"/{address}/{service}", backend.serve)
    if github is not None:
        app.add_routes(github.routes())
    return app


def _authenticated(login: Login) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/api/") and not login.admits(request.headers.get("Authorization")):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="berth local"'})
        return await handler(request)

    return check


class _Backend:
    """Runs `git http-backend` once for each request (RFC 3875, CGI)."""

    def __init__(self, root: Path, username: str) -> None:
        self._root = root
        self._username = username

    async def serve(self, request: web.Request) -> web.StreamResponse:
        # Older "dumb" clients ask without a service; http-backend would hand out files for them.
        if request.method == "GET" and request.query.get("service") not in _SERVICES:
            raise web.HTTPForbidden(text="only smart HTTP is served\n")
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            env=self._environment(request),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_HEADERS_BYTES_MAX,
            preexec_fn=dies_with_parent(),
        )
        feeding = asyncio.create_task(_feed(request, process))
        try:
            async with asyncio.timeout(_REQUEST_SECONDS_MAX):
                return await _answer(request, process)
        finally:
            feeding.cancel()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _environment(self, request: web.Request) -> dict[str, str]:
        # The body arrives without chunks and without gzip: aiohttp takes both off. Its length is then unknown, and
        # http-backend reads to the end of its input.
        return git_environment() | {
            "GIT_PROJECT_ROOT": str(self._root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "PATH_INFO": request.path.removeprefix(f"/{OWNER}"),
            "QUERY_STRING": request.query_string,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "REMOTE_USER": self._username,
            "REMOTE_ADDR": "127.0.0.1",
        }


async def _feed(request: web.Request, process: asyncio.subprocess.Process) -> None:
    """The request's body into the process. A process that ends early has said why in its answer."""
    if process.stdin is None:
        return
    with contextlib.suppress(ConnectionError):
        async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
            process.stdin.write(chunk)
            await process.stdin.drain()
    process.stdin.close()


async def _answer(request: web.Request, process: asyncio.subprocess.Process) -> web.StreamResponse:
    output = process.stdout
    if output is None:
        raise web.HTTPInternalServerError
    try:
        head = await output.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise web.HTTPBadGateway(text="git http-backend gave no answer\n") from error
    response = web.StreamResponse()
    for line in head.decode("latin-1").strip().split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "status":
            response.set_status(int(value.split()[0]))
        else:
            response.headers[name] = value.strip()
    await response.prepare(request)
    while chunk := await output.read(_CHUNK_BYTES):
        await response.write(chunk)
    await response.write_eof()
    return response


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m berth_local.gitserver", description="Serve the GitOps repository.")
    parser.add_argument("--root", type=Path, required=True, help="folder that holds tenants.git")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--credentials", type=Path, required=True, help='JSON file: {"username": …, "password": …}')
    arguments = parser.parse_args()
    login = Login(**json.loads(arguments.credentials.read_text()))
    app = AppKeys.random()
    secret = {"secret": app.secret(), "person": app.person}
    write_private(arguments.root / "github-app.json", json.dumps(secret) + "\n")
    github = GitHub(arguments.root / REPOSITORY, app)
    web.run_app(
        application(arguments.root, login, github),
        host="127.0.0.1",
        port=arguments.port,
        shutdown_timeout=1.0,
        print=None,
    )


if __name__ == "__main__":
    main()
