"""IAM: audiences of an OIDC provider, which stock moto keeps as they were made.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html
"""

from __future__ import annotations

from moto.core.responses import EmptyResult
from moto.iam.models import OpenIDConnectProvider
from moto.iam.responses import IamResponse

from berth_local.aws.replacing import put


def _provider(self: IamResponse) -> OpenIDConnectProvider:
    return self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))


def add_client_id_to_open_id_connect_provider(self: IamResponse) -> EmptyResult:
    """AddClientIDToOpenIDConnectProvider. One that is there already stays, and that is no error."""
    audiences, audience = _provider(self).client_id_list, self._get_param("ClientID")
    if audience not in audiences:
        audiences.append(audience)
    return EmptyResult()


def remove_client_id_from_open_id_connect_provider(self: IamResponse) -> EmptyResult:
    """RemoveClientIDFromOpenIDConnectProvider. One that is not there is no error."""
    audiences, audience = _provider(self).client_id_list, self._get_param("ClientID")
    if audience in audiences:
        audiences.remove(audience)
    return EmptyResult()


def install() -> None:
    """Two operations more."""
    put(IamResponse, [add_client_id_to_open_id_connect_provider, remove_client_id_from_open_id_connect_provider])
