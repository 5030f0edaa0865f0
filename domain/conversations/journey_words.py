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
    "delivery.failed": "Telling of a text that did not arrive",
    "webhooks.send": "Telling an endpoint",
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
    "not_taken_over": "Is the conversation ours to answer?",
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
    "came_late": ("The message reached us too late for an automatic reply; the owner is told", "came late", "plain"),
    "left_to_person": ("The message was left to the person who answers", "left to a person", "plain"),
}

AUTHORS: Final[Mapping[str, tuple[str, str]]] = {
    "ai": ("A reply was composed", ""),
    "system": ("The fallback text was chosen", "No reply may be composed, so the customer gets fixed words."),
    "person": ("A person replied", "The AI is silent in this conversation for a while."),
}
ADVICE_FOR_EMERGENCY: Final = (
    "Advice for an emergency was chosen",
    "The message says that somebody may be in danger, so nothing is composed and an urgent alert is raised.",
)

ALERTS: Final[Mapping[str, str]] = {
    "new_lead": "The owner was to hear of a new request",
    "call_back": "The owner was to hear that a call-back is wanted",
    "fallback": "The owner was to hear that a customer waits",
    "crisis": "The owner was to hear that somebody may be in danger",
    "failed_delivery": "The owner was to hear of a text that did not arrive",
    "dead_message": "The owner was to hear of a message that could not be answered",
    "sender_refused": "The owner was to hear that texts wait",
}
ALERT_STATES: Final[Mapping[str, _Words]] = {
    "waiting": ("gathered with others", "waiting"),
    "sent": ("told", "good"),
    "suppressed": ("not told", "limited"),
}

NOTES: Final[Mapping[str, str]] = {
    "answer": "Answered from the knowledge base.",
    "courtesy": "Answered a greeting or thanks.",
    "clarify": "Asked the customer back.",
    "call_back": "Offered a call-back, because the knowledge base does not say.",
}

VERDICTS: Final[Mapping[str, str]] = {
    "answer": "passed: what it says stands in the knowledge base",
    "courtesy": "passed: a greeting or thanks, which states nothing",
    "clarify": "not sure enough to state anything, so the customer was asked back",
    "call_back": "the knowledge base does not say, so nothing was stated and a call-back offered",
}

INPUTS: Final[Mapping[str, str]] = {
    "recipient_opted_out": "The contact has opted out",
    "onboarding_complete": "Onboarding is complete",
    "outbound_paused": "Everything outbound is paused",
    "notifications_paused": "Notifications to the owner are paused",
    "ai_disabled": "Automatic replies are turned off",
    "platform_outbound_stopped": "The platform's outbound is stopped",
    "platform_ai_stopped": "The platform's replies are stopped",
    "direct_reply": "Answers what was just asked",
    "taken_over_until": "A person answers until",
    "cancels_at": "The client's last day",
    "asked": "Part of the question",
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
    "person": "A person's reply",
    "crisis": "The advice for an emergency",
    "test": "A test notification",
}

_SHORT_PURPOSES: Final[Mapping[str, str]] = {
    "reply": "the reply",
    "fallback": "the fallback text",
    "owner_alert": "the alert",
    "person": "the person's reply",
    "crisis": "the advice for an emergency",
    "test": "the test notification",
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
    "failed": ("taken, and failed later", "limited"),
}


def short_purpose(purpose: str) -> str:
    """Return what is sent, in the middle of a sentence."""
    return _SHORT_PURPOSES.get(purpose, "it")
