"""Identity Center's access portal and its token service: what whoever signed in may take, for whom a test says so.

https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
Nobody signs in here: a test brings the session that a browser would have made. Neither call is signed, so neither is one
of an account, and the journal of calls does not have them.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

TOKEN_SECONDS = 8 * 3600
ROLE_SECONDS = 3600
_TOKEN_HEADER = "x-amz-sso_bearer_token"


@dataclass(frozen=True)
class Role:
    """A role that a session may take, and the keys that it then has."""

    account: str
    name: str
    access_key_id: str
    secret_access_key: str
    session_token: str


@dataclass
class Session:
    """One sign-in: its tokens, and what it may take."""

    access_token: str
    refresh_token: str
    roles: tuple[Role, ...]


class Portal:
    """All sign-ins of the local organization."""

    def __init__(self) -> None:
        self._sessions: list[Session] = []

    def add_routes(self, app: web.Application) -> None:
        """The two services, and `POST /_berth/portal/sessions`, which signs somebody in."""
        app.router.add_post("/_berth/portal/sessions", self._sign_in)
        app.router.add_get("/federation/credentials", self._role_credentials)
        app.router.add_post("/token", self._create_token)

    async def _sign_in(self, request: web.Request) -> web.Response:
        """`{"roles": [{"accountId", "roleName", "accessKeyId", "secretAccessKey", "sessionToken"}]}`: its tokens."""
        wanted: dict[str, Any] = json.loads(await request.read())
        names = ("accountId", "roleName", "accessKeyId", "secretAccessKey", "sessionToken")
        roles = tuple(Role(*(role.get(name, "") for name in names)) for role in wanted["roles"])
        session = Session(secrets.token_urlsafe(), secrets.token_urlsafe(), roles)
        self._sessions.append(session)
        return web.json_response({"accessToken": session.access_token, "refreshToken": session.refresh_token})

    async def _role_credentials(self, request: web.Request) -> web.Response:
        token = request.headers.get(_TOKEN_HEADER, "")
        session = next((each for each in self._sessions if each.access_token == token), None)
        if session is None:
            return _error(401, "UnauthorizedException", "Session token not found or invalid")
        account, name = request.query.get("account_id", ""), request.query.get("role_name", "")
        role = next((each for each in session.roles if (each.account, each.name) == (account, name)), None)
        if role is None:
            return _error(403, "ForbiddenException", "No access")
        shown = {
            "accessKeyId": role.access_key_id,
            "secretAccessKey": role.secret_access_key,
            "sessionToken": role.session_token or None,
            "expiration": int((time.time() + ROLE_SECONDS) * 1000),
        }
        return web.json_response({"roleCredentials": shown})

    async def _create_token(self, request: web.Request) -> web.Response:
        wanted: dict[str, Any] = json.loads(await request.read())
        known = (each for each in self._sessions if each.refresh_token == wanted.get("refreshToken"))
        session = next(known, None)
        if wanted.get("grantType") != "refresh_token" or session is None:
            return _error(400, "InvalidGrantException", "Invalid refresh token provided")
        session.access_token = secrets.token_urlsafe()
        # The service need not send the refresh token again; then the old one stays.
        return web.json_response(
            {"accessToken": session.access_token, "tokenType": "Bearer", "expiresIn": TOKEN_SECONDS}
        )


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status, headers={"x-amzn-errortype": code})
