"""The one user of the GitOps repository's server."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field

_PASSWORD_BYTES = 24


@dataclass(frozen=True)
class Login:
    """Username and password."""

    username: str
    password: str = field(repr=False)

    @classmethod
    def random(cls) -> Login:
        """A login with a password that nobody knows yet."""
        return cls("berth", secrets.token_urlsafe(_PASSWORD_BYTES))

    def admits(self, header: str | None) -> bool:
        """Whether an Authorization header is this user's (RFC 7617)."""
        scheme, _, encoded = (header or "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return False
        expected = f"{self.username}:{self.password}".encode()
        return scheme.lower() == "basic" and hmac.compare_digest(given, expected)
