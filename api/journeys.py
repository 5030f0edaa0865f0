"""The journey of a message for whoever asks: within their reach, wherever they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.conversations.journey import Journey, organization_of_journey, read_journey

if TYPE_CHECKING:
    from uuid import UUID

    from api.access.requires import Access
    from domain.conversations.journey_step import Step


def journey_for(access: Access, correlation_id: UUID) -> Journey:
    """Read a journey in its organization's scope, also for who may see those of all.

    Raises JourneyNotFoundError, or NotFoundError for one of another organization.
    """
    org_id = access.org_id
    if org_id is None:
        with access.platform() as session:
            org_id = organization_of_journey(session, correlation_id)
    with access.scope_of(org_id) as session:
        return read_journey(session, correlation_id)


def offset_ms(journey: Journey, step: Step) -> float:
    """Return when a step happened, counted from the first one."""
    return round((step.at - journey.steps[0].at).total_seconds() * 1000, 3)
