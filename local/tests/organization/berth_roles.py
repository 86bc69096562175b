"""The templates of the other accounts in a seeded organization, as `up` loads them after the hub's."""

from __future__ import annotations

from pathlib import Path

from berth_local import names
from berth_local.access import Access
from berth_local.organization.seed import Core
from berth_local.stack.installation import AFTER_THE_HUB, install_others
from berth_local.stack.load import Stack
from berth_local.stack.translate import translate

INFRA = Path(__file__).resolve().parents[3] / "infra"
BUS = f"arn:aws:events:{names.HOME_REGION}:{names.HUB_ACCOUNT}:event-bus/{names.BUS}"


def install(access: Access, core: Core, folder: Path = INFRA) -> dict[str, Stack]:
    """Loads every template but the hub's."""
    keys = {each.account_id: each for each in (core.management, core.network)}
    templates = {name: translate(folder / name, place.region) for name, place in AFTER_THE_HUB.items()}
    return install_others(access, keys.__getitem__, templates, BUS)
