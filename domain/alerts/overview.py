"""The clients, and whether the owner of each would be alerted now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from domain.alerts.past import ChannelPast, past_of
from domain.alerts.policy import Channel
from domain.alerts.status import AlertStatus, alert_status
from domain.clients.listing import Which, list_with_organizations

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class ClientAlerts:
    """How one client's alerts stand, and how its channels did so far."""

    client_id: UUID
    name: str
    organization: str
    status: AlertStatus
    past: Mapping[Channel, ChannelPast]


def list_alerts(
    session: Session, which: Which, *, now: datetime, limit: int = 20, after: UUID | None = None
) -> Sequence[ClientAlerts]:
    """Return how the alerts of this scope's clients stand, the oldest client first; page on with the last one's id."""
    clients = list_with_organizations(session, which, limit=limit, after=after)
    past = past_of(session, [client.id for client, _ in clients])
    return [
        ClientAlerts(
            client.id, client.name, organization.name, alert_status(session, client.id, now=now), past[client.id]
        )
        for client, organization in clients
    ]
