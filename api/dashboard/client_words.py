"""What the pages of clients say: pure functions of what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.clients.switches import Switch

if TYPE_CHECKING:
    from api.schemas.clients import ClientDocument, SettingsDocument
    from domain.clients.models import BillingStatus, BookingMode


@dataclass(frozen=True, slots=True)
class SwitchWords:
    """A kill switch in words: its title, and what happens while it is stopped."""

    title: str
    when_stopped: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the onboarding, whether it is done, and what to do otherwise."""

    words: str
    done: bool
    to_do: str


SWITCHES: Final[Mapping[Switch, SwitchWords]] = {
    Switch.OUTBOUND: SwitchWords(
        "Everything outbound", "Nothing is sent, neither to customers nor to the owner, and it is not sent later."
    ),
    Switch.AI: SwitchWords("Composed replies", "Customers get the fallback text in place of a composed reply."),
    Switch.NOTIFICATIONS: SwitchWords("Alerts to the owner", "Requests are saved, but the owner is not alerted."),
}
BILLING: Final[Mapping[BillingStatus, str]] = {
    "none": "not billed here",
    "trial": "on trial",
    "active": "active",
    "past_due": "past due",
    "canceled": "canceled",
}
BOOKING: Final[Mapping[BookingMode, str]] = {
    "none": "not offered",
    "redirect": "customers are sent to a page of the client's",
    "capture": "customers leave a request",
}
ALERT_CHANNELS: Final[Mapping[str, str]] = {
    "sms": "text message",
    "email": "e-mail",
    "both": "text message and e-mail",
    "none": "nothing: the owner is not alerted",
}


def checklist(client: ClientDocument) -> Sequence[Step]:
    """Return the steps of a client's onboarding, in their order."""
    numbered = client.sms_number is not None or client.messaging_service_sid is not None
    owned = client.owner_phone is not None or client.owner_email is not None
    return (
        Step("A number to text from", numbered, "Assign a phone number or a Messaging Service."),
        Step("An owner to alert", owned, "Add the owner's phone number or e-mail address."),
        Step("Onboarding complete: customers are answered", client.live, "Take the client live."),
    )


def settings_in_words(settings: SettingsDocument) -> Sequence[tuple[str, str]]:
    """Return how a client wants things done, as pairs of what and how."""
    hours = settings.quiet_hours
    kinds = settings.alert_kinds
    return (
        (
            "Quiet hours",
            "none" if hours is None else f"{hours.start:%H:%M} to {hours.end:%H:%M}, by the client's clock",
        ),
        ("Alerts go by", ALERT_CHANNELS.get(settings.notification_channel, settings.notification_channel)),
        ("Alerts of", "everything" if kinds is None else ", ".join(kinds).replace("_", " ") or "nothing"),
        ("Alerts are gathered for", _minutes(settings.alert_collapse_minutes)),
        ("A person who answers has the conversation for", _minutes(settings.takeover_minutes)),
        ("A text is of use for", _minutes(settings.sms_validity_minutes, "as long as it takes")),
        ("Fallback text", settings.fallback_text or "the platform's"),
        ("Text when somebody asks for a call", settings.call_back_text or "the platform's"),
    )


def _minutes(minutes: int | None, otherwise: str = "as the platform has it") -> str:
    return otherwise if minutes is None else f"{minutes} min"
