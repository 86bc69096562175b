"""Clients for the local AWS: one botocore session, credentials per account."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore.config import Config

from berth_local import botocore_models, names

# Every answer here is milliseconds away. A retry would only hide a fault, or make a thing twice.
_CONFIG = Config(
    retries={"total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=16,
    parameter_validation=True,
)


@dataclass(frozen=True)
class Credentials:
    """Keys of one account, as STS or IAM hands them out."""

    account_id: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


class Access:
    """Makes clients for one endpoint. Clients are kept, because making one costs more than a call."""

    def __init__(self, endpoint: str) -> None:
        botocore_models.install()
        self.endpoint = endpoint
        self._session = botocore.session.Session()
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, str], Any] = {}

    def client(self, service: str, credentials: Credentials, region: str = names.HOME_REGION) -> Any:
        """The client of `service` in `region` that acts with `credentials`. Safe to call from several threads."""
        key = (service, region, credentials.access_key_id)
        with self._lock:  # botocore sessions are not safe to share while a client is made
            if key not in self._clients:
                self._clients[key] = self._session.create_client(
                    service,
                    region_name=region,
                    endpoint_url=self.endpoint,
                    aws_access_key_id=credentials.access_key_id,
                    aws_secret_access_key=credentials.secret_access_key,
                    aws_session_token=credentials.session_token,
                    config=_CONFIG,
                )
            return self._clients[key]

    def assume(
        self, credentials: Credentials, account_id: str, role: str, external_id: str | None = None
    ) -> Credentials:
        """Credentials of `role` in `account_id` (STS AssumeRole), asked for with `credentials`."""
        request = {"RoleArn": f"arn:aws:iam::{account_id}:role/{role}", "RoleSessionName": "berth-local"}
        if external_id is not None:
            request["ExternalId"] = external_id
        answer = self.client("sts", credentials).assume_role(**request)["Credentials"]
        return Credentials(account_id, answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])

    def first_keys(self, account_id: str, user: str) -> Credentials:
        """The first access key of an account that nobody has credentials for yet.

        On AWS that is a person who signs in as the account's root. Here it is moto's `x-moto-account-id` header.
        """
        client = self._session.create_client(
            "iam",
            region_name=names.HOME_REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="AKIAFIRSTKEYS0000000",
            aws_secret_access_key="none",
            config=_CONFIG,
        )

        def as_root(request: Any, **_: Any) -> None:
            request.headers["x-moto-account-id"] = account_id

        client.meta.events.register("before-sign.iam", as_root)
        return self._keys_of_new_user(client, account_id, user)

    def user_keys(self, credentials: Credentials, user: str) -> Credentials:
        """Long-lived keys of a new IAM user in the account of `credentials`."""
        return self._keys_of_new_user(self.client("iam", credentials), credentials.account_id, user)

    @staticmethod
    def _keys_of_new_user(client: Any, account_id: str, user: str) -> Credentials:
        client.create_user(UserName=user)
        key = client.create_access_key(UserName=user)["AccessKey"]
        return Credentials(account_id, key["AccessKeyId"], key["SecretAccessKey"])
