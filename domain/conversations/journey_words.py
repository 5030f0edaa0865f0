"""The words of a journey: what each record means to somebody who never saw the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Tone = Literal["good", "plain", "waiting", "limited", "bad"]
"""How an outcome is shown: as it should be; neither good nor bad; under way; another way taken; stopped or failed."""
_Words = tuple[str, Tone]

JOBS: Final[Mapping[str, str]] = {
    "conversations.process": "Answering",
    "delivery.send": "Sending",
}

GUARDS: Final[Mapping[str, str]] = {
    "organization_active": "Is the organization active?",
    "not_cancelled": "Is the client still with us?",
    "billing_in_order": "Is the client's billing in order?",
    "can_respond_to_customer": "May this client's customers be answered?",
    "can_send_sms": "May a text go to this number now?",
    "can_send_booking_link": "May booking be offered?",
    "can_send_notification": "May the owner be alerted?",
    "should_use_ai": "May a reply be composed?",
    "can_process_customer_message": "May this message be answered?",
    "can_process_booking_request": "May the reply offer booking?",
    "can_process_notification_request": "May the owner be alerted?",
}

DECISIONS: Final[Mapping[str | None, _Words]] = {
    None: ("allowed", "good"),
    "soft": ("limited", "limited"),
    "hard": ("blocked", "bad"),
}

UNANSWERED: Final[Mapping[str, tuple[str, str, Tone]]] = {
    "suppressed": ("No reply was made", "blocked", "bad"),
    "opted_out": ("The contact asked for no more texts", "opted out", "plain"),
    "opted_in": ("The contact wants texts again", "opted in", "plain"),
    "help": ("The contact asked for help by keyword; the provider answers that itself", "no reply needed", "plain"),
}

AUTHORS: Final[Mapping[str, tuple[str, str]]] = {
    "ai": ("A reply was composed", ""),
    "system": ("The fallback text was chosen", "No reply may be composed, so the customer gets fixed words."),
    "person": ("A person replied", ""),
}

NOTES: Final[Mapping[str, str]] = {
    "answer": "Answered from the knowledge base.",
    "courtesy": "Answered a greeting or thanks.",
    "clarify": "Asked the customer back.",
    "call_back": "Offered a call-back, because the knowledge base does not say.",
}

JOB_STATES: Final[Mapping[str, _Words]] = {
    "scheduled": ("put off", "waiting"),
    "available": ("waiting", "waiting"),
    "executing": ("running", "waiting"),
    "retryable": ("will be tried again", "waiting"),
    "completed": ("done", "good"),
    "cancelled": ("stopped", "limited"),
    "dead": ("needs a person", "bad"),
}

ATTEMPTS: Final[Mapping[str | None, _Words]] = {
    None: ("running", "waiting"),
    "completed": ("done", "good"),
    "retry": ("failed, will be tried again", "limited"),
    "snoozed": ("put off", "waiting"),
    "cancelled": ("stopped", "limited"),
    "dead": ("failed for good", "bad"),
    "lost": ("its worker was gone", "limited"),
    "handed_back": ("handed back at a stop", "plain"),
}

PURPOSES: Final[Mapping[str, str]] = {
    "reply": "The reply",
    "fallback": "The fallback text",
    "owner_alert": "An alert to the owner",
}

_SHORT_PURPOSES: Final[Mapping[str, str]] = {
    "reply": "the reply",
    "fallback": "the fallback text",
    "owner_alert": "the alert",
}

DELIVERY_STATES: Final[Mapping[str, _Words]] = {
    "pending": ("waiting", "waiting"),
    "sending": ("being sent", "waiting"),
    "unknown": ("unclear, being looked up", "waiting"),
    "queued": ("taken", "good"),
    "accepted": ("taken", "good"),
    "sent": ("sent", "good"),
    "delivered": ("delivered", "good"),
    "undelivered": ("not delivered", "bad"),
    "failed": ("failed", "bad"),
    "cancelled": ("stopped", "bad"),
}

SEND_ATTEMPTS: Final[Mapping[str, _Words]] = {
    "sending": ("under way", "waiting"),
    "accepted": ("taken", "good"),
    "blocked": ("blocked", "bad"),
    "rejected": ("refused", "bad"),
    "unknown": ("no answer", "limited"),
    "not_sent": ("not sent", "limited"),
}


def short_purpose(purpose: str) -> str:
    """Return what is sent, in the middle of a sentence."""
    return _SHORT_PURPOSES.get(purpose, "it")
