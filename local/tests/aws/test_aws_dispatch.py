"""How a request finds its service, without a server: stock looks at moto's folder on disk for every request."""

from __future__ import annotations

import pytest
from moto import backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from berth_local.aws.emulator import Dispatcher

HOST = "ec2.us-east-1.amazonaws.com"


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One entry for each time that moto's folder is listed."""
    made: list[None] = []
    stock = backends.list_of_moto_modules

    def counted() -> object:
        made.append(None)
        return stock()

    monkeypatch.setattr(backends, "list_of_moto_modules", counted)
    return made


def test_moto_lists_its_folder_for_every_request_and_we_do_once_for_a_host(listings: list[None]) -> None:
    stock = DomainDispatcherApplication(create_backend_app)
    assert {stock.get_backend_for_host(HOST) for _ in range(3)} == {"ec2"}
    assert len(listings) == 3
    listings.clear()
    ours = Dispatcher()
    assert {ours.get_backend_for_host(HOST) for _ in range(3)} == {"ec2"}
    assert len(listings) == 1


def test_a_host_that_nobody_knows_is_asked_for_again(listings: list[None]) -> None:
    ours = Dispatcher()
    assert [ours.get_backend_for_host("nobody.example") for _ in range(2)] == [None, None]
    assert len(listings) == 2
    assert ours.get_backend_for_host("moto_api") == "moto_api"
