"""The rules of the gate: pure functions from a snapshot to a decision, no query, no clock of their own.

| guard                            | asks                                           | blocks                          |
| -------------------------------- | ---------------------------------------------- | ------------------------------- |
| organization_active              | organization                                   | suspended: hard                 |
| not_cancelled                    | cancels_at, billing_status, archived_at        | last day passed, archived: hard |
| billing_in_order                 | billing_status, payment_active, trial          | trial over, nothing paid: hard  |
| can_respond_to_customer          | the three above; onboarding_complete           | not onboarded: soft             |
| platform_outbound                | platform_outbound_stopped                      | stopped: hard                   |
| platform_ai                      | platform_ai_stopped                            | stopped: soft                   |
| can_send_sms                     | the first three; platform_outbound;            | as these parts                  |
|                                  | outbound_paused, opt-out                       | paused, opted out: hard         |
|                                  | and quiet hours, unless direct_reply           | quiet: soft, with `retry_at`    |
| can_send_booking_link            | onboarding_complete, booking_mode, booking_url | not onboarded, no booking: soft |
|                                  |                                                | unusable address: soft          |
| can_send_notification            | the first three; platform_outbound;            | as these parts                  |
|                                  | outbound_paused                                | paused: hard                    |
|                                  | and notifications_paused                       | paused: hard                    |
| should_use_ai                    | platform_ai; ai_disabled                       | turned off: soft                |
| not_taken_over                   | taken_over_until                               | a person is answering: hard     |
| can_process_customer_message     | can_respond_to_customer, can_send_sms,         | as its parts                    |
|                                  | not_taken_over, should_use_ai                  |                                 |
| can_process_booking_request      | can_respond_to_customer, can_send_sms,         | as its parts                    |
|                                  | not_taken_over, can_send_booking_link          |                                 |
| can_process_notification_request | can_send_notification                          | as its part                     |

A guard made of parts asks all of them: the first hard block wins, else the first soft one, else it allows; the decision
names the part that blocked. What a contact asks for is answered at once, so the two composites that answer a contact
ignore quiet hours, as can_send_sms does for a `direct_reply`.

A person who answers is not talked over: not_taken_over stops composed replies and fallback texts of that conversation,
and nothing else. What the person writes, the fixed words for an emergency and alerts to the owner don't ask it.

Three choices of the product. `outbound_paused` is a client's emergency brake: it stops alerts to the owner as well as
texts to customers. A payment that is past due is grace, not a block. A client that never subscribed and never began a
trial is served: billing is kept elsewhere and told to us, so its absence proves nothing; onboarding says who is live.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from domain.clients.booking import BookingUrl, check_booking_url
from domain.gate.guards import Decision, Guard, Input, allow, block, first_block, in_utc
from domain.gate.quiet_hours import is_quiet, next_allowed, wall_clock
from domain.gate.standing import billing_in_order, not_cancelled, organization_active, standing
from domain.gate.stops import platform_ai, platform_outbound

if TYPE_CHECKING:
    from domain.gate.snapshot import Snapshot

__all__ = [
    "RULES",
    "billing_in_order",
    "can_process_booking_request",
    "can_process_customer_message",
    "can_process_notification_request",
    "can_respond_to_customer",
    "can_send_booking_link",
    "can_send_notification",
    "can_send_sms",
    "not_cancelled",
    "not_taken_over",
    "organization_active",
    "platform_ai",
    "platform_outbound",
    "should_use_ai",
]

Rule = Callable[["Snapshot"], Decision]

_BOOKING_PROBLEMS: Final = {
    BookingUrl.MISSING: "Booking by link is chosen, but no booking address is set.",
    BookingUrl.MALFORMED: "The booking address is not a usable web address.",
    BookingUrl.NOT_HTTPS: "The booking address does not begin with https://.",
    BookingUrl.NO_PUBLIC_HOST: "The booking address does not lead to a public web site.",
    BookingUrl.HAS_CREDENTIALS: "The booking address contains a user name or password.",
}


def can_respond_to_customer(snapshot: Snapshot) -> Decision:
    """Decide whether a customer of this client may be answered."""
    return first_block(Guard.CAN_RESPOND_TO_CUSTOMER, [*standing(snapshot), _live(snapshot)])


def can_send_sms(snapshot: Snapshot) -> Decision:
    """Decide whether a text may leave for this contact now. A soft block is the quiet hours and carries `retry_at`."""
    return first_block(Guard.CAN_SEND_SMS, [*standing(snapshot), *_texting(snapshot)])


def can_send_booking_link(snapshot: Snapshot) -> Decision:
    """Decide whether booking may be offered: by link (`redirect`) or by taking the request down (`capture`)."""
    return first_block(Guard.CAN_SEND_BOOKING_LINK, _booking(snapshot))


def can_send_notification(snapshot: Snapshot) -> Decision:
    """Decide whether the client's owner may be alerted now."""
    return first_block(Guard.CAN_SEND_NOTIFICATION, [*standing(snapshot), *_alerting(snapshot)])


def should_use_ai(snapshot: Snapshot) -> Decision:
    """Decide whether a reply may be composed for this client, rather than the fallback text sent."""
    return first_block(Guard.SHOULD_USE_AI, _composing(snapshot))


def not_taken_over(snapshot: Snapshot) -> Decision:
    """Decide whether the conversation is ours to answer, rather than a person's who has taken it over."""
    until = snapshot.taken_over_until
    inputs: dict[str, Input] = {"taken_over_until": in_utc(until), "now": in_utc(snapshot.now)}
    if until is None or until <= snapshot.now:
        return allow(Guard.NOT_TAKEN_OVER, "No person is answering this conversation.", inputs)
    reason = f"A person is answering until {wall_clock(until, snapshot.timezone)}."
    return block(Guard.NOT_TAKEN_OVER, "hard", reason, inputs)


def can_process_customer_message(snapshot: Snapshot) -> Decision:
    """Decide what becomes of a customer's message: allowed, compose; soft, the fallback text; hard, nothing."""
    answering = _answering(snapshot)
    parts = [*standing(answering), _live(answering), *_texting(answering), not_taken_over(answering)]
    return first_block(Guard.CAN_PROCESS_CUSTOMER_MESSAGE, [*parts, *_composing(answering)])


def can_process_booking_request(snapshot: Snapshot) -> Decision:
    """Decide what becomes of a customer's wish to book: allowed, link or capture; soft, the fallback; hard, nothing."""
    answering = _answering(snapshot)
    parts = [*standing(answering), _live(answering), *_texting(answering), not_taken_over(answering)]
    return first_block(Guard.CAN_PROCESS_BOOKING_REQUEST, [*parts, *_booking(answering)])


def can_process_notification_request(snapshot: Snapshot) -> Decision:
    """Decide whether an alert to the owner is to be made at all."""
    parts = [*standing(snapshot), *_alerting(snapshot)]
    return first_block(Guard.CAN_PROCESS_NOTIFICATION_REQUEST, parts)


RULES: Final[Mapping[Guard, Rule]] = {
    Guard.ORGANIZATION_ACTIVE: organization_active,
    Guard.NOT_CANCELLED: not_cancelled,
    Guard.BILLING_IN_ORDER: billing_in_order,
    Guard.PLATFORM_OUTBOUND: platform_outbound,
    Guard.PLATFORM_AI: platform_ai,
    Guard.CAN_RESPOND_TO_CUSTOMER: can_respond_to_customer,
    Guard.CAN_SEND_SMS: can_send_sms,
    Guard.CAN_SEND_BOOKING_LINK: can_send_booking_link,
    Guard.CAN_SEND_NOTIFICATION: can_send_notification,
    Guard.SHOULD_USE_AI: should_use_ai,
    Guard.NOT_TAKEN_OVER: not_taken_over,
    Guard.CAN_PROCESS_CUSTOMER_MESSAGE: can_process_customer_message,
    Guard.CAN_PROCESS_BOOKING_REQUEST: can_process_booking_request,
    Guard.CAN_PROCESS_NOTIFICATION_REQUEST: can_process_notification_request,
}
"""The rule of every guard."""


def _answering(snapshot: Snapshot) -> Snapshot:
    return snapshot if snapshot.direct_reply else replace(snapshot, direct_reply=True)


def _live(snapshot: Snapshot) -> Decision:
    return _onboarded(Guard.CAN_RESPOND_TO_CUSTOMER, snapshot)


def _composing(snapshot: Snapshot) -> list[Decision]:
    guard = Guard.SHOULD_USE_AI
    inputs = {"ai_disabled": snapshot.ai_disabled}
    if snapshot.ai_disabled:
        ours = block(guard, "soft", "Automatic replies are turned off for this client.", inputs)
    else:
        ours = allow(guard, "Automatic replies are turned on.", inputs)
    return [platform_ai(snapshot), ours]


def _texting(snapshot: Snapshot) -> list[Decision]:
    guard = Guard.CAN_SEND_SMS
    inputs = {"recipient_opted_out": snapshot.recipient_opted_out}
    if snapshot.recipient_opted_out:
        consent = block(guard, "hard", "The recipient has opted out, or its address has bounced.", inputs)
    else:
        consent = allow(guard, "The contact has not opted out.", inputs)
    return [platform_outbound(snapshot), _outbound_open(guard, snapshot), consent, _not_quiet(snapshot)]


def _alerting(snapshot: Snapshot) -> list[Decision]:
    guard = Guard.CAN_SEND_NOTIFICATION
    inputs = {"notifications_paused": snapshot.notifications_paused}
    if snapshot.notifications_paused:
        alerts = block(guard, "hard", "Notifications to the owner are paused for this client.", inputs)
    else:
        alerts = allow(guard, "Notifications are not paused.", inputs)
    return [platform_outbound(snapshot), _outbound_open(guard, snapshot), alerts]


def _booking(snapshot: Snapshot) -> list[Decision]:
    return [_onboarded(Guard.CAN_SEND_BOOKING_LINK, snapshot), _booking_offered(snapshot)]


def _onboarded(guard: Guard, snapshot: Snapshot) -> Decision:
    inputs = {"onboarding_complete": snapshot.onboarding_complete}
    if not snapshot.onboarding_complete:
        return block(guard, "soft", "The client's onboarding is not complete.", inputs)
    return allow(guard, "The client's onboarding is complete.", inputs)


def _outbound_open(guard: Guard, snapshot: Snapshot) -> Decision:
    inputs = {"outbound_paused": snapshot.outbound_paused}
    if snapshot.outbound_paused:
        return block(guard, "hard", "Everything outbound is paused for this client.", inputs)
    return allow(guard, "Outbound messages are not paused.", inputs)


def _not_quiet(snapshot: Snapshot) -> Decision:
    guard = Guard.CAN_SEND_SMS
    window = snapshot.quiet_hours
    inputs: dict[str, Input] = {
        "direct_reply": snapshot.direct_reply,
        "quiet_hours": None if window is None else f"{window[0].isoformat()}/{window[1].isoformat()}",
        "timezone": snapshot.timezone,
        "now": in_utc(snapshot.now),
    }
    if snapshot.direct_reply:
        return allow(guard, "The contact waits for this reply, so quiet hours don't matter.", inputs)
    if window is None:
        return allow(guard, "The client has no quiet hours.", inputs)
    try:
        zone = ZoneInfo(snapshot.timezone)
    except (KeyError, ValueError, OSError):
        reason = "The client has quiet hours, but its time zone is not one that is known. Correct the time zone."
        return block(guard, "hard", reason, inputs)
    if not is_quiet(snapshot.now, window, zone):
        return allow(guard, "It is outside the client's quiet hours.", inputs)
    retry_at = next_allowed(snapshot.now, window, zone)
    reason = "These are quiet hours where the contact is; the text waits until they end."
    return replace(block(guard, "soft", reason, inputs), retry_at=retry_at)


def _booking_offered(snapshot: Snapshot) -> Decision:
    guard = Guard.CAN_SEND_BOOKING_LINK
    url = check_booking_url(snapshot.booking_url)
    inputs: dict[str, Input] = {"booking_mode": snapshot.booking_mode, "booking_url": url.value}
    if snapshot.booking_mode == "capture":
        return allow(guard, "Booking requests are taken down for the owner.", inputs)
    if snapshot.booking_mode != "redirect":
        return block(guard, "soft", "The client does not offer booking.", inputs)
    if url is not BookingUrl.VALID:
        return block(guard, "soft", _BOOKING_PROBLEMS[url], inputs)
    return allow(guard, "The client has a usable booking address.", inputs)
