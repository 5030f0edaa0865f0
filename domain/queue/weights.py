"""How many jobs a tenant gets in each round of the dispatcher: one, unless it has a weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from uuid import UUID

from psycopg.errors import ForeignKeyViolation

from domain.kernel.database import raw_connection
from domain.kernel.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

HEAVIEST: Final = 100

_SET: Final = """
    INSERT INTO queue_weights (tenant_id, weight) VALUES (%s, %s)
    ON CONFLICT (tenant_id) DO UPDATE SET weight = excluded.weight
"""


def set_weight(session: Session, tenant_id: UUID, weight: int) -> None:
    """Give a tenant `weight` jobs a round, from the dispatcher's next look on. In a platform scope.

    Raises InvalidInputError for a weight that is not between 1 and 100, NotFoundError for an unknown tenant; the
    transaction cannot be used any more after the latter.
    """
    if not 1 <= weight <= HEAVIEST:
        raise InvalidInputError(f"A weight is between 1 and {HEAVIEST}.")
    connection = raw_connection(session)
    if weight == 1:
        connection.execute("DELETE FROM queue_weights WHERE tenant_id = %s", (tenant_id,))
        return
    try:
        connection.execute(_SET, (tenant_id, weight))
    except ForeignKeyViolation:
        raise NotFoundError(f"There is no organization {tenant_id}.") from None


def weights(session: Session) -> Mapping[UUID, int]:
    """Return the weights of the tenants that have another than 1. In a platform scope."""
    return dict(raw_connection(session).execute("SELECT tenant_id, weight FROM queue_weights ORDER BY tenant_id"))
