"""The endpoints of all EKS clusters: an authenticating proxy in front of API servers that tests and the demo bring.

It does what EKS does in front of a cluster: it checks the token, looks the role up in the cluster's access entries, and
tells the API server who asks. It tells by impersonation, as an administrator of the server behind it.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
"""

from __future__ import annotations

import base64
import ipaddress
import json
import logging
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from yarl import URL

from berth_local.aws.cluster_endpoints import Served, entry_of, serve_at
from berth_local.gateway.cluster_tokens import BadToken, check_signature, read

from .function_copy import SECRET_ACCESS_KEY
from .identities import Identities

LOGGER = logging.getLogger(__name__)
ADDRESS = "127.0.0.1"
_HEADERS = ("accept", "content-type")
"""What goes on to the API server. Nobody may bring impersonation of their own."""


@dataclass
class ApiServer:
    """What stands behind a cluster's endpoint: a URL, and how to be an administrator there."""

    url: str
    session: ClientSession


class Clusters:
    """Every cluster's endpoint, on one port with TLS."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._servers: dict[str, ApiServer] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Serves, with a certificate authority of its own, and has clusters made from now on answer here."""
        app = web.Application()
        app.router.add_route("*", "/{account}/{region}/{name}/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.3)
        await self._runner.setup()
        context, authority = _server_context()
        site = web.TCPSite(self._runner, ADDRESS, 0, ssl_context=context)
        await site.start()
        port = self._runner.addresses[0][1]
        serve_at(Served(f"https://{ADDRESS}:{port}", base64.b64encode(authority).decode()))

    async def stop(self) -> None:
        """Ends connections."""
        for name in list(self._servers):
            await self._forget(name)
        if self._runner is not None:
            await self._runner.cleanup()

    def add_routes(self, app: web.Application) -> None:
        """`PUT /_berth/clusters/NAME` puts an API server behind a cluster, `DELETE` takes it away."""
        app.router.add_put("/_berth/clusters/{name}", self._put)
        app.router.add_delete("/_berth/clusters/{name}", self._delete)

    async def _put(self, request: web.Request) -> web.Response:
        wanted: dict[str, str] = json.loads(await request.read())
        name = request.match_info["name"]
        await self._forget(name)
        self._servers[name] = ApiServer(wanted["url"].rstrip("/"), _client(wanted))
        return web.json_response({"cluster": name})

    async def _delete(self, request: web.Request) -> web.Response:
        await self._forget(request.match_info["name"])
        return web.json_response({"cluster": request.match_info["name"]})

    async def _forget(self, name: str) -> None:
        server = self._servers.pop(name, None)
        if server is not None:
            await server.session.close()

    async def _handle(self, request: web.Request) -> web.Response:
        account, region, name = (request.match_info[part] for part in ("account", "region", "name"))
        try:
            who = await self._who_asks(request.headers.get("authorization", ""), account, region, name)
        except BadToken as problem:
            LOGGER.warning("cluster %s: %s", name, problem)
            # A cluster says no more than this.
            return _status(401, "Unauthorized", "Unauthorized")
        server = self._servers.get(name)
        if server is None:
            return _status(503, "ServiceUnavailable", f"no API server is behind the cluster {name}")
        path = request.raw_path.split(f"/{name}/", 1)[1]
        headers = [(key, request.headers[key]) for key in _HEADERS if key in request.headers] + who
        try:
            async with server.session.request(
                request.method, URL(f"{server.url}/{path}", encoded=True), data=await request.read(), headers=headers
            ) as answer:
                kind = answer.headers.get("content-type", "application/json")
                return web.Response(status=answer.status, body=await answer.read(), headers={"content-type": kind})
        except ClientError as problem:
            return _status(503, "ServiceUnavailable", f"the API server behind {name} does not answer: {problem}")

    async def _who_asks(self, authorization: str, account: str, region: str, name: str) -> list[tuple[str, str]]:
        """Headers that say who asks: user and groups of the role's access entry.

        Raises:
            BadToken: nobody that the cluster knows.
        """
        claim = read(authorization.removeprefix("Bearer "), datetime.now(UTC))
        caller = await self._identities.caller_of(claim.access_key)
        if caller.copy is None or not caller.chain:
            raise BadToken("the key is none of a hosted function")
        check_signature(claim, name, SECRET_ACCESS_KEY)
        entry = entry_of(account, region, name, caller.chain[-1])
        if entry is None:
            raise BadToken(f"the cluster has no access entry of {caller.chain[-1]}")
        user = entry.username.replace("{{SessionName}}", caller.session)
        groups = [*entry.kubernetes_groups, "system:authenticated"]
        return [("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups)]


def _status(code: int, reason: str, message: str) -> web.Response:
    """An error in Kubernetes' own form."""
    body: dict[str, Any] = {
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code
    }  # fmt: skip
    return web.json_response(body, status=code)


def _client(wanted: dict[str, str]) -> ClientSession:
    """Connections to an API server: an administrator, by a client certificate, where it has TLS."""
    context: ssl.SSLContext | bool = True
    if "certificateAuthority" in wanted:
        context = ssl.create_default_context(cadata=wanted["certificateAuthority"])
        _load(context, wanted["clientCertificate"], wanted["clientKey"])
    return ClientSession(connector=TCPConnector(limit=0, ssl=context), timeout=ClientTimeout(total=60))


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Python takes certificates from files only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pair.pem"
        path.touch(mode=0o600)
        path.write_text(certificate + key)
        context.load_cert_chain(path)


def _server_context() -> tuple[ssl.SSLContext, bytes]:
    """What the endpoints show, and the certificate authority that EKS gives to whoever may describe a cluster."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def certificate(name: str, public: Any, issuer: str, signer: Any, *extensions: tuple[Any, bool]) -> Any:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            _name(issuer), _name(name), public, x509.random_serial_number(), now - timedelta(hours=1),
            now + timedelta(days=30),
        )  # fmt: skip
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    def _name(text: str) -> Any:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = "berth-local clusters"
    authority = certificate(
        authority_name, authority_key.public_key(), authority_name, authority_key,
        (x509.BasicConstraints(ca=True, path_length=None), True),
    )  # fmt: skip
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))])
    shown = certificate("a cluster", key.public_key(), authority_name, authority_key, (address, False))
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, shown.public_bytes(pem).decode(), private.decode())
    return context, authority.public_bytes(pem)
