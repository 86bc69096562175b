"""Which account a caller is in: the one that issued its access key, and the hub when nobody issued it."""

from __future__ import annotations

import moto.iam.models as iam_models
from moto.iam.models import iam_backends

from berth_local.aws.settings import HUB_ACCOUNT


def account_of(access_key: str) -> str:
    """The account id for an access key; the hub for an unknown one.

    Stock moto answers 123456789012 for an unknown key, and makes an IAM backend per AWS partition to find out.
    """
    for account_id, backends in list(iam_backends.items()):
        if access_key in backends["aws"].access_keys:
            return account_id
    return HUB_ACCOUNT


def install() -> None:
    """moto imports the function at each request, so replacing it in its module is enough."""
    iam_models.get_account_id_from = account_of
