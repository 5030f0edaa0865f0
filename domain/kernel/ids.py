"""Identifiers: UUIDv7, so that primary keys grow with time and index pages stay warm."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import uuid_utils

PLATFORM_ORG_ID = UUID(int=0)
"""The organization row that owns jobs of the platform itself (maintenance, sweeps)."""


def new_id() -> UUID:
    """Return a new UUIDv7. Ids made in one process are strictly increasing."""
    return UUID(int=uuid_utils.uuid7().int)


def id_at(moment: datetime) -> UUID:
    """Return a UUIDv7 as it would have been made at that moment (timezone-aware), to the millisecond."""
    return UUID(int=uuid_utils.uuid7(nanoseconds=int(moment.timestamp() * 1_000) * 1_000_000).int)
