"""Where a client's billing stands, and which steps lead on from there. Pure: no query, no clock of its own.

No payment is made or seen here. What a payment provider or a bookkeeper knows is told to us, step by step.

| step                   | from                      | to       | what else                                        |
| ---------------------- | ------------------------- | -------- | ------------------------------------------------ |
| start_trial            | none, trial never used    | trial    | until the time given; there is one, once ever    |
| end_trial              | trial, its end has passed | none     | active when a payment is; by the job             |
| activate               | none, trial               | active   | a payment is active; a running trial ends        |
| payment_failed         | active                    | past_due | served on, as grace                              |
| payment_restored       | past_due                  | active   | a payment is active again                        |
| request_cancellation   | all but canceled          | the same | served until the date given                      |
| withdraw_cancellation  | all, before the date      | the same | the date is forgotten                            |
| carry_out_cancellation | all, once it has passed   | canceled | by the job; nothing is sent from the date on     |
| reactivate             | canceled                  | active   | a payment is active                              |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.clients.errors import NotPossibleError, UnfitClientError
from domain.clients.models import BillingStatus

TRIAL: Final = timedelta(days=14)
"""How long a trial runs when no end is given."""
LONGEST_TRIAL: Final = timedelta(days=366)
LONGEST_NOTICE: Final = timedelta(days=731)
"""How far ahead a cancellation may be."""


class Step(StrEnum):
    """A step from one state to another."""

    START_TRIAL = "start_trial"
    END_TRIAL = "end_trial"
    ACTIVATE = "activate"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_RESTORED = "payment_restored"
    REQUEST_CANCELLATION = "request_cancellation"
    WITHDRAW_CANCELLATION = "withdraw_cancellation"
    CARRY_OUT_CANCELLATION = "carry_out_cancellation"
    REACTIVATE = "reactivate"


BY_THE_CLOCK: Final = frozenset({Step.END_TRIAL, Step.CARRY_OUT_CANCELLATION})
"""Steps that time takes, not a person."""


@dataclass(frozen=True, slots=True)
class Billing:
    """Where a client's billing stands; times are timezone-aware. The fields are columns of `clients`."""

    billing_status: BillingStatus = "none"
    payment_active: bool = False
    trial_used_at: datetime | None = None
    trial_ends_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    cancels_at: datetime | None = None


def take(billing: Billing, step: Step, now: datetime, at: datetime | None = None) -> Billing:
    """Return where billing stands after a step. `at`: when a trial ends, or a cancellation is carried out.

    Raises:
        NotPossibleError: the step does not lead on from here; the message says why, and what does.
        UnfitClientError: `at` is missing, in the past, too far ahead, or not what this step takes.

    """
    objection = _objection(billing, step, now)
    if objection is not None:
        can = [one.value for one in possible(billing, now)]
        rest = f" Possible now: {', '.join(can)}." if can else ""
        raise NotPossibleError(f"{objection}{rest}")
    if at is not None and step not in {Step.START_TRIAL, Step.REQUEST_CANCELLATION}:
        raise UnfitClientError(f"The step {step.value} takes no time: it is taken now.")
    return _TAKE[step](billing, now, at)


def possible(billing: Billing, now: datetime) -> Sequence[Step]:
    """Return the steps that a person could take."""
    return [step for step in Step if step not in BY_THE_CLOCK and _objection(billing, step, now) is None]


def due(billing: Billing, now: datetime) -> Step | None:
    """Return the step that time has taken and nobody has written down yet."""
    for step in (Step.CARRY_OUT_CANCELLATION, Step.END_TRIAL):
        if _objection(billing, step, now) is None:
            return step
    return None


def contradictions(billing: Billing) -> Sequence[str]:
    """Return what can't be true of billing that only steps have changed; empty when all fits together."""
    status, used, ends = billing.billing_status, billing.trial_used_at, billing.trial_ends_at
    requested, cancels = billing.cancel_requested_at, billing.cancels_at
    checks = {
        "A payment is active exactly when the status is active.": (status == "active") == billing.payment_active,
        "A trial runs that was never begun.": status != "trial" or (used is not None and ends is not None),
        "A trial ends before it began.": ends is None or (used is not None and used <= ends),
        "A cancellation has a date and no request, or the other way round.": (requested is None) == (cancels is None),
        "A cancellation was to be before it was asked for.": requested is None
        or cancels is None
        or requested <= cancels,
        "The client left without a date.": status != "canceled" or cancels is not None,
    }
    return [words for words, holds in checks.items() if not holds]


def _objection(billing: Billing, step: Step, now: datetime) -> str | None:
    match step:
        case Step.START_TRIAL:
            return _against_trial(billing)
        case Step.END_TRIAL:
            ends = billing.trial_ends_at if billing.billing_status == "trial" else None
            return "No trial is over." if ends is None or ends > now else None
        case Step.REQUEST_CANCELLATION | Step.WITHDRAW_CANCELLATION | Step.CARRY_OUT_CANCELLATION:
            return _against_cancellation(billing, step, now)
        case _:
            starts = _STARTS[step]
            return None if billing.billing_status in starts else _WHERE[billing.billing_status]


def _against_trial(billing: Billing) -> str | None:
    if billing.trial_used_at is not None:
        return f"The trial was used on {_day(billing.trial_used_at)}, and there is only one."
    if billing.billing_status != "none":
        return _WHERE[billing.billing_status]
    return "The client pays already." if billing.payment_active else None


def _against_cancellation(billing: Billing, step: Step, now: datetime) -> str | None:
    if billing.billing_status == "canceled":
        return _WHERE["canceled"]
    date = billing.cancels_at
    if step is Step.REQUEST_CANCELLATION:
        words = "A cancellation for {} is asked for already; withdraw it to give another date."
        return None if date is None else words.format(_day(date))
    if date is None:
        return "No cancellation is asked for."
    if step is Step.CARRY_OUT_CANCELLATION:
        return f"The cancellation is not due before {_day(date)}." if date > now else None
    return f"The client was to leave on {_day(date)}, which has passed." if date <= now else None


def _start_trial(billing: Billing, now: datetime, at: datetime | None) -> Billing:
    ends = _checked(now + TRIAL if at is None else at, now, LONGEST_TRIAL)
    if ends <= now:
        raise UnfitClientError("A trial has to end later than now.")
    return replace(billing, billing_status="trial", trial_used_at=now, trial_ends_at=ends)


def _end_trial(billing: Billing, _now: datetime, _at: datetime | None) -> Billing:
    return replace(billing, billing_status="active" if billing.payment_active else "none")


def _pay(billing: Billing, now: datetime, _at: datetime | None) -> Billing:
    paid = replace(billing, billing_status="active", payment_active=True, trial_ends_at=_cut(billing, now))
    if billing.billing_status == "canceled":
        return replace(paid, cancel_requested_at=None, cancels_at=None)
    return paid


def _fail(billing: Billing, _now: datetime, _at: datetime | None) -> Billing:
    return replace(billing, billing_status="past_due", payment_active=False)


def _request(billing: Billing, now: datetime, at: datetime | None) -> Billing:
    return replace(
        billing, cancel_requested_at=now, cancels_at=_checked(now if at is None else at, now, LONGEST_NOTICE)
    )


def _withdraw(billing: Billing, _now: datetime, _at: datetime | None) -> Billing:
    return replace(billing, cancel_requested_at=None, cancels_at=None)


def _carry_out(billing: Billing, now: datetime, _at: datetime | None) -> Billing:
    return replace(billing, billing_status="canceled", payment_active=False, trial_ends_at=_cut(billing, now))


_TAKE: Final[Mapping[Step, Callable[[Billing, datetime, datetime | None], Billing]]] = {
    Step.START_TRIAL: _start_trial,
    Step.END_TRIAL: _end_trial,
    Step.ACTIVATE: _pay,
    Step.PAYMENT_FAILED: _fail,
    Step.PAYMENT_RESTORED: _pay,
    Step.REQUEST_CANCELLATION: _request,
    Step.WITHDRAW_CANCELLATION: _withdraw,
    Step.CARRY_OUT_CANCELLATION: _carry_out,
    Step.REACTIVATE: _pay,
}
_STARTS: Final[Mapping[Step, frozenset[BillingStatus]]] = {
    Step.ACTIVATE: frozenset({"none", "trial"}),
    Step.PAYMENT_FAILED: frozenset({"active"}),
    Step.PAYMENT_RESTORED: frozenset({"past_due"}),
    Step.REACTIVATE: frozenset({"canceled"}),
}
_WHERE: Final[Mapping[BillingStatus, str]] = {
    "none": "The client has no subscription.",
    "trial": "The client is on trial.",
    "active": "The subscription is active.",
    "past_due": "The payment is past due.",
    "canceled": "The client has left.",
}


def _cut(billing: Billing, now: datetime) -> datetime | None:
    """Return when a trial ended that ends now at the latest, and never before it began: a clock may have been wrong."""
    if billing.trial_ends_at is None or billing.trial_used_at is None:
        return billing.trial_ends_at
    return max(billing.trial_used_at, min(billing.trial_ends_at, now))


def _checked(at: datetime, now: datetime, furthest: timedelta) -> datetime:
    if at.tzinfo is None:
        raise UnfitClientError("Write the time with its zone, as in 2027-01-31T17:00:00Z.")
    if at < now:
        raise UnfitClientError("The time lies in the past.")
    if at - now > furthest:
        raise UnfitClientError(f"The time lies more than {furthest.days} days ahead.")
    return at


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
