"""What `gatehouse clients show` tells of a client."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.clients.billing import billing_of, possible_steps
from domain.clients.listing import get_client
from domain.clients.models import ClientSettings
from domain.clients.onboarding import missing
from domain.clients.switches import Switch
from domain.gate.guards import Guard
from domain.gate.policy import RULES
from domain.gate.snapshot import Snapshot, load_snapshot
from domain.kernel.clock import SystemClock

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def client_facts(session: Session, client_id: UUID) -> dict[str, Any]:
    """Return what there is to say of a client. Raises ClientNotFoundError."""
    view = get_client(session, client_id)
    client = view.client
    snapshot = load_snapshot(session, client_id, now=SystemClock().now(), direct_reply=True)
    return {
        "id": client.id,
        "name": client.name,
        "slug": client.slug,
        "organization": view.organization.name,
        "org_id": client.org_id,
        "timezone": client.timezone,
        "sms_number": client.sms_number,
        "messaging_service": client.messaging_service_sid,
        "owner_name": client.owner_name,
        "owner_phone": client.owner_phone,
        "owner_email": client.owner_email,
        "live": client.onboarding_complete,
        "missing_to_go_live": None if client.onboarding_complete else ", ".join(missing(client)) or None,
        "archived_at": client.archived_at,
        "booking_mode": client.booking_mode,
        "booking_url": client.booking_url,
        **{switch.value: getattr(client, switch.value) for switch in Switch},
        **asdict(billing_of(client)),
        "possible_billing_steps": ", ".join(possible_steps(session, client)),
        **setting_facts(view.settings),
        "bots": ", ".join(f"{bot.name} ({bot.id})" for bot in view.bots) or None,
        "customers_are_answered": _answer(snapshot, Guard.CAN_PROCESS_CUSTOMER_MESSAGE),
        "owner_is_alerted": _answer(snapshot, Guard.CAN_PROCESS_NOTIFICATION_REQUEST),
    }


def setting_facts(settings: ClientSettings | None) -> dict[str, Any]:
    """Return settings as a person reads them; None stands for the defaults."""
    if settings is None:
        return {"settings": "the defaults"}
    start, end = settings.quiet_hours_start, settings.quiet_hours_end
    threshold = settings.answer_threshold
    return {
        "quiet_hours": "none" if start is None or end is None else f"{start:%H:%M}-{end:%H:%M}",
        "alerts_by": settings.notification_channel,
        "alerts_of": "all" if settings.alert_kinds is None else ", ".join(settings.alert_kinds) or "nothing",
        "alert_collapse_minutes": _own(settings.alert_collapse_minutes),
        "takeover_minutes": _own(settings.takeover_minutes),
        "sms_validity_minutes": settings.sms_validity_minutes or "no limit",
        "answer_threshold": _own(None if threshold is None else round(threshold, 3)),
        "fallback_text": settings.fallback_text or "ours",
        "call_back_text": settings.call_back_text or "ours",
    }


def _own(value: float | None) -> float | str:
    return "the platform's" if value is None else value


_WORDS: Final = {"allow": "yes", "soft": "in part", "hard": "no"}


def _answer(snapshot: Snapshot, guard: Guard) -> str:
    decision = RULES[guard](snapshot)
    return f"{_WORDS[decision.outcome]}: {decision.reason}"
