"""Take in texts that the provider has and we do not."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from domain.conversations.ports import InboundUnavailableError
from domain.conversations.recover import recover_all
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from providers.registry import build_inbound

if TYPE_CHECKING:
    from config.settings import Settings


def run(settings: Settings) -> str:
    """Look through all clients; return what was done.

    Raises InboundUnavailableError when a client's list could not be had: what was found for others is taken in.
    """
    listing = build_inbound(settings)
    if listing is None:
        return "There is no provider that could have texts which we lack."
    with closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"), pool_size=1)) as database:
        recovered = recover_all(database.platform_scope, listing, SystemClock())
    if recovered.failed:
        raise InboundUnavailableError(recovered.words)
    return recovered.words
