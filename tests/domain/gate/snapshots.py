"""Snapshots for tests: one against which nothing stands, and any at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st

from domain.gate.snapshot import Snapshot

NOON: Final = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
"""Noon in New York, on a Friday."""
NIGHT: Final = (time(21), time(8))
DAY: Final = (time(9), time(17))
BOOKING_URL: Final = "https://book.example.com/harbor?token=s3cret"

OPEN: Final = Snapshot(
    client_id=UUID(int=1),
    org_id=UUID(int=2),
    org_active=True,
    onboarding_complete=True,
    billing_status="active",
    payment_active=True,
    trial_used_at=None,
    trial_ends_at=None,
    cancels_at=None,
    outbound_paused=False,
    notifications_paused=False,
    ai_disabled=False,
    booking_mode="redirect",
    booking_url=BOOKING_URL,
    timezone="America/New_York",
    quiet_hours=None,
    recipient_opted_out=False,
    direct_reply=False,
    now=NOON,
)
"""A client in order at noon: every guard allows."""


def changed(**fields: Any) -> Snapshot:  # noqa: ANN401  # as various as the snapshot's fields
    """Return the open snapshot with some fields changed."""
    return replace(OPEN, **fields)


def with_fields(*sets: Mapping[str, Any]) -> Snapshot:
    """Return the open snapshot with several sets of fields changed; the later win."""
    merged: dict[str, Any] = {}
    for fields in sets:
        merged.update(fields)
    return replace(OPEN, **merged)


_around_now = st.none() | st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda away: NOON + away)
_wall = st.times(timezones=st.none()).map(lambda shown: shown.replace(fold=0))

ANY: Final = st.builds(
    Snapshot,
    client_id=st.uuids(),
    org_id=st.uuids(),
    org_active=st.booleans(),
    onboarding_complete=st.booleans(),
    billing_status=st.sampled_from(["none", "trial", "active", "past_due", "canceled"]),
    payment_active=st.booleans(),
    trial_used_at=_around_now,
    trial_ends_at=_around_now,
    cancels_at=_around_now,
    archived_at=_around_now,
    outbound_paused=st.booleans(),
    notifications_paused=st.booleans(),
    ai_disabled=st.booleans(),
    platform_outbound_stopped=st.booleans(),
    platform_ai_stopped=st.booleans(),
    booking_mode=st.sampled_from(["none", "redirect", "capture"]),
    booking_url=st.sampled_from([None, "", "http://example.com/", "https://user:pw@example.com/", BOOKING_URL]),
    timezone=st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "Nowhere"]),
    quiet_hours=st.none() | st.tuples(_wall, _wall),
    recipient_opted_out=st.booleans(),
    direct_reply=st.booleans(),
    taken_over_until=_around_now,
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # the zone is given beside it
)
"""Any snapshot."""
