"""Have it counted how far deliveries come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

from domain.statistics.activities import Activity, note

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_COUNTED: Final = frozenset({"accepted", "delivered", "undelivered", "failed", "cancelled", "unknown"})


class Addressed(Protocol):
    """A delivery, as far as counting looks at it."""

    @property
    def org_id(self) -> UUID:
        """Whose it is."""

    @property
    def client_id(self) -> UUID:
        """Of which client."""

    @property
    def channel(self) -> str:
        """How it leaves."""


def note_state(session: Session, delivery: Addressed, state: str) -> None:
    """Have a delivery counted under the state that it came to, once that is committed, if it is one to speak of."""
    if state in _COUNTED:
        label = f"{delivery.channel}.{state}"
        note(session, Activity.DELIVERY, label, org_id=delivery.org_id, client_id=delivery.client_id)
