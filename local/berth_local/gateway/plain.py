"""The emulator as it is, behind a port: nobody writes its calls down, and no rule breaks one."""

from __future__ import annotations

from aiohttp import web

from .error_bodies import Answer
from .upstream import Transport

BODY_BYTES_MAX = 256 * 1024 * 1024


def plain_application(transport: Transport) -> web.Application:
    """Serves AWS calls with an emulator."""

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        return response(await transport.send(request.method, request.raw_path, list(request.headers.items()), body))

    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def response(answer: Answer) -> web.Response:
    """An answer to be sent."""
    made = web.Response(status=answer.status, body=answer.body)
    for name, value in answer.headers:
        if name.lower() == "content-type":
            made.headers[name] = value
        else:
            made.headers.add(name, value)
    return made
