"""A CI system: an OIDC issuer that signs a token for each job and serves its keys, and a job that assumes a role with one."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import boto3
import jwt
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec

from berth_local import names

_KEY_ID = "of-the-ci-system"


class CiSystem:
    """An issuer by its public name, whose configuration and keys are served on loopback."""

    def __init__(self, issuer: str, aws: str, endpoint: str) -> None:
        """`aws` is the local AWS itself, which is told where the issuer is; `endpoint` is what jobs call."""
        self._issuer, self._endpoint = issuer, endpoint
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        keys = {"keys": [public | {"kid": _KEY_ID, "alg": "ES256", "use": "sig"}]}
        served = ThreadingHTTPServer(("127.0.0.1", 0), _handler(keys))
        threading.Thread(target=served.serve_forever, daemon=True).start()
        address = urlencode({"issuer": issuer, "url": f"http://127.0.0.1:{served.server_port}"})
        with urlopen(Request(f"{aws}/moto-api/issuers/at?{address}", method="POST")):
            pass

    def job(self, role: str, claims: dict[str, Any]) -> dict[str, str]:
        """A job with these claims assumes a role. Whom AWS takes it for, or the code with which it is refused."""
        now = int(time.time())
        told = {"iss": self._issuer, "iat": now, "exp": now + 300} | claims
        token = jwt.encode(told, self._key, algorithm="ES256", headers={"kid": _KEY_ID})
        sts = boto3.client(
            "sts", region_name=names.HOME_REGION, endpoint_url=self._endpoint, config=Config(signature_version=UNSIGNED)
        )
        try:
            made = sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="job", WebIdentityToken=token)
        except ClientError as error:
            return {"refused": error.response["Error"]["Code"]}
        keys = made["Credentials"]
        job = boto3.client(
            "sts", region_name=names.HOME_REGION, endpoint_url=self._endpoint, aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"],
        )  # fmt: skip
        return {"arn": job.get_caller_identity()["Arn"]}


def _handler(keys: dict[str, Any]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """OpenID Connect Discovery, as far as STS asks for it."""

        def do_GET(self) -> None:
            """The configuration, and the keys that it names."""
            jwks = f"http://{self.headers['Host']}/keys"
            body = json.dumps(keys if self.path == "/keys" else {"jwks_uri": jwks}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: its output is the rig's."""

    return Handler
