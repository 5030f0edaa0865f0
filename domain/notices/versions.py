"""What changes when a notice is raised, counted on or resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    import psycopg

_MOST: Final = 2_000
_VERSIONS: Final = """
    SELECT org_id, client_id, concat_ws('|', count(*), sum(count), max(last_at)) FROM (
        SELECT org_id, client_id, count, last_at FROM operator_notices WHERE resolved_at IS NULL LIMIT %s
    ) open
    GROUP BY org_id, client_id
"""


def notice_versions(connection: psycopg.Connection[Any]) -> Mapping[tuple[UUID, UUID | None], str]:
    """Return a text for each organization and client with open notices that differs once there is news of them."""
    return {(org_id, client_id): version for org_id, client_id, version in connection.execute(_VERSIONS, [_MOST])}
