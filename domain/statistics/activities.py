"""What is counted beside jobs: noted in the transaction that does it, counted once that is committed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from typing import Any

    from sqlalchemy.orm import Session

_NOTED: Final = "gatehouse.noted"

Noted = tuple[UUID, UUID | None, str, str, int]
"""An organization, its client, the activity, its label, and how many times."""


class Activity(StrEnum):
    """What happened; the label of a count says how, in a word from the code: never a person's data."""

    RECEIVED = "received"
    """A contact's message was stored; by channel."""
    REPLIED = "replied"
    """A reply to a contact was stored; by channel."""
    DELIVERY = "delivery"
    """A delivery got somewhere: `sms.accepted`, `email.delivered`; by channel and state."""
    BLOCKED = "blocked"
    """The gate let something not pass; by guard."""
    LEAD = "lead"
    """Somebody asked to be called back."""
    NOTIFICATION = "notification"
    """An alert to an owner was sent, or could not be; by outcome."""


TOPICS: Final[Mapping[str, str]] = {
    Activity.RECEIVED: "messages",
    Activity.REPLIED: "messages",
    Activity.DELIVERY: "deliveries",
    Activity.BLOCKED: "gate",
    Activity.LEAD: "leads",
    Activity.NOTIFICATION: "deliveries",
}
"""What open pages call that an activity is news of."""


def note(
    session: Session,
    activity: Activity,
    label: str,
    *,
    org_id: UUID,
    client_id: UUID | None = None,
    times: int = 1,
) -> None:
    """Have something counted if this session's transaction commits. Costs no statement."""
    session.info.setdefault(_NOTED, []).append((org_id, client_id, activity.value, label, times))


def noted(info: MutableMapping[Any, Any]) -> list[Noted]:
    """Return, once, what a transaction noted; `info` is its session's."""
    found: list[Noted] = info.pop(_NOTED, [])
    return found
