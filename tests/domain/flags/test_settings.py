"""Settings are used by the code that names them, unless the client says otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.alerts.owners import read_owner
from domain.flags.inforce import IN_FORCE, CodeDefaults
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from domain.kernel.database import Database
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


class Told(CodeDefaults):
    """Flags that say 7 to this client, and remember who was asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, UUID | None, UUID | None]] = []

    def integer(self, key: str, default: int, *, org_id: UUID | None = None, client_id: UUID | None = None) -> int:
        self.asked.append((key, org_id, client_id))
        return 7 if client_id == CLIENT_ID else default


def test_alerts_are_gathered_as_long_as_the_platform_says_where_the_client_says_nothing(
    database: Database, database_urls: DatabaseUrls
) -> None:
    apply(database_urls.platform, "demo")
    told = Told()
    database.inform(**{IN_FORCE: told})
    with database.tenant_scope(ORGANIZATION_ID) as session:
        assert read_owner(session, CLIENT_ID).collapse == timedelta(minutes=7)
        assert told.asked == [("alerts.collapse_minutes", ORGANIZATION_ID, CLIENT_ID)]
        session.execute(text("UPDATE client_settings SET alert_collapse_minutes = 30"))
        assert read_owner(session, CLIENT_ID).collapse == timedelta(minutes=30)
