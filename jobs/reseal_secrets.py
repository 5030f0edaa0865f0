"""Seal with the present secret key what the one before it sealed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from domain.kernel.database import Database
from domain.webhooks.reseal import reseal_all
from providers.registry import build_sealer

if TYPE_CHECKING:
    from config.settings import Settings


def run(settings: Settings) -> str:
    """Look through all secrets; return what was done. Raises UnreadableSecretsError after doing what can be done."""
    with closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"), pool_size=1)) as database:
        return reseal_all(database.platform_scope, build_sealer(settings))
