"""Identifiers: UUIDv7, so that primary keys grow with time and index pages stay warm."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import uuid_utils

PLATFORM_ORG_ID = UUID(int=0)
"""The organization row that owns jobs of the platform itself (maintenance, sweeps)."""
_VERSION_7: Final = 7 << 76 | 2 << 62
_BITS_BELOW_TIME: Final = 80
_LAST_MILLISECOND: Final = 253_402_300_799_000
"""The latest that a datetime can be; an id that is no UUIDv7 may say anything."""


def new_id() -> UUID:
    """Return a new UUIDv7. Ids made in one process are strictly increasing."""
    return UUID(int=uuid_utils.uuid7().int)


def id_at(moment: datetime) -> UUID:
    """Return a UUIDv7 as it would have been made at that moment (timezone-aware), to the millisecond."""
    return UUID(int=uuid_utils.uuid7(nanoseconds=int(moment.timestamp() * 1_000) * 1_000_000).int)


def first_id_at(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of a moment's millisecond: what was made before it is smaller."""
    return UUID(int=max(int(moment.timestamp() * 1_000), 0) << _BITS_BELOW_TIME | _VERSION_7)


def moment_of(made_id: UUID) -> datetime:
    """Return when a UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp(min(made_id.int >> _BITS_BELOW_TIME, _LAST_MILLISECOND) / 1_000, UTC)
