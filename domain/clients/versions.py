"""What changes when a client is changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    import psycopg

_LATEST: Final = 200
_VERSIONS: Final = "SELECT org_id, id, updated_at FROM clients ORDER BY updated_at DESC LIMIT %s"


def client_versions(connection: psycopg.Connection[Any]) -> Mapping[tuple[UUID, UUID], datetime]:
    """Return when the clients were changed that were changed last, by organization and client."""
    return {(org_id, client_id): at for org_id, client_id, at in connection.execute(_VERSIONS, [_LATEST])}
