"""GitHub Apps: the proof that a client is the App (a JWT), and the tokens of its installation.

API: https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_PROOF_SECONDS_MAX = 600
_TOKEN_SECONDS = 3600


@dataclass(frozen=True)
class AppKeys:
    """An App: its ids, and its private key as the PEM file that GitHub hands out."""

    client_id: str
    installation: int
    private_key: str = field(repr=False)
    person: str = field(repr=False)
    """A bearer token of a person, for merging."""

    @classmethod
    def random(cls) -> AppKeys:
        """An App with a key that nobody knows yet."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
        pem = key.private_bytes(encoding, form, serialization.NoEncryption()).decode()
        return cls("Iv23liBerthLocal", 4711, pem, "person-" + secrets.token_urlsafe(12))

    def secret(self) -> str:
        """The secret that Berth reads from Secrets Manager."""
        value = {"clientId": self.client_id, "installationId": self.installation, "privateKey": self.private_key}
        return json.dumps(value)


class RefusedError(Exception):
    """GitHub refuses: a status and what it says."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class _Token:
    repositories: set[str]
    permissions: dict[str, str]
    ends: float


class Tokens:
    """Installation tokens of one App."""

    def __init__(self, app: AppKeys, granted: dict[str, str]) -> None:
        key = serialization.load_pem_private_key(app.private_key.encode(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("an App has an RSA key")
        self._public = key.public_key()
        self._app = app
        self.granted = granted
        self._tokens: dict[str, _Token] = {}
        self.made = 0

    def make(self, header: str, installation: int, body: dict[str, Any]) -> dict[str, Any]:
        """A new token.

        Raises:
            RefusedError: the proof is not valid, or more is asked for than was granted.
        """
        self._check_proof(header)
        if installation != self._app.installation:
            raise RefusedError(404, "Not Found")
        permissions = body.get("permissions") or dict(self.granted)
        for name, level in permissions.items():
            if level == "write" and self.granted.get(name) != "write":
                raise RefusedError(422, "The permissions requested are not granted to this installation.")
        text, ends = "ghs_" + secrets.token_urlsafe(30), time.time() + _TOKEN_SECONDS
        self._tokens[text] = _Token(set(body.get("repositories") or []), permissions, ends)
        self.made += 1
        return {"token": text, "expires_at": datetime.fromtimestamp(ends, UTC).isoformat(), "permissions": permissions}

    def expire(self) -> None:
        """Ends all tokens now."""
        for token in self._tokens.values():
            token.ends = 0

    def admit(self, header: str, repository: str) -> dict[str, str]:
        """The permissions of whoever sends this header.

        Raises:
            RefusedError: nobody that is known, or not for this repository.
        """
        text = header.removeprefix("Bearer ").removeprefix("token ")
        if secrets.compare_digest(text.encode(), self._app.person.encode()):
            return {"contents": "write", "pull_requests": "write"}
        token = self._tokens.get(text)
        if token is None or token.ends <= time.time():
            raise RefusedError(401, "Bad credentials")
        if token.repositories and repository not in token.repositories:
            raise RefusedError(404, "Not Found")
        return token.permissions

    def _check_proof(self, header: str) -> None:
        try:
            head, claims, signature = header.removeprefix("Bearer ").split(".")
            self._public.verify(_decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
            algorithm, values = json.loads(_decoded(head))["alg"], json.loads(_decoded(claims))
        except (ValueError, KeyError, InvalidSignature) as error:
            raise RefusedError(401, "A JSON web token could not be decoded") from error
        now = time.time()
        if algorithm != "RS256" or str(values.get("iss")) != self._app.client_id:
            raise RefusedError(401, "'Issuer' claim ('iss') must be an Integer or the client id")
        if values["iat"] > now:
            raise RefusedError(
                401, "'Issued at' claim ('iat') must be an Integer representing the time of the assertion"
            )
        if not now < values["exp"] <= now + _PROOF_SECONDS_MAX:
            raise RefusedError(401, "'Expiration time' claim ('exp') is too far in the future")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
