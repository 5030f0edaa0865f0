"""Take the steps of `lifecycle` with a client, on record. The database's clock says what time it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from domain.audit.record import Act, Actor, record
from domain.clients.errors import NotPossibleError
from domain.clients.lifecycle import BY_THE_CLOCK, Billing, Step, due, possible, take
from domain.clients.locking import locked_client
from domain.clients.messages import CarryOutDue
from domain.clients.models import Client
from domain.kernel.reasons import fit_reason_given
from domain.queue.outcome import Done, Outcome
from domain.queue.run import Run

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

GATEHOUSE: Final = Actor(name="gatehouse", role="system")
"""Who acts when time does."""
RUN_FOR: Final = timedelta(seconds=45)
_TIMED: Final = "Its time had come."

Scope = Callable[[], "AbstractContextManager[Session]"]
"""Opens a platform scope."""


def take_step(
    session: Session,
    client_id: UUID,
    step: Step,
    actor: Actor,
    *,
    at: datetime | None = None,
    reason: str | None = None,
) -> Client:
    """Take a step now; what time has taken already is written down before, so that no step is judged by an old state.

    `at`: when a trial ends, or a cancellation is carried out; left out, in 14 days and now.

    Raises:
        ClientNotFoundError: there is none in this scope.
        ArchivedError: it is archived.
        NotPossibleError: the step does not lead on from here, or is not a person's to take.
        UnfitClientError: `at` doesn't fit.
        ReasonMissingError: a reason is given that says nothing.

    """
    reason = fit_reason_given(reason)
    if step in BY_THE_CLOCK:
        raise NotPossibleError(f"{step.value} is taken by itself when its time has come.")
    client = locked_client(session, client_id)
    now = _now(session)
    _settle(session, client, now)
    _take(session, client, step, now, actor, at=at, reason=reason)
    _settle(session, client, now)
    return client


def billing_of(client: Client) -> Billing:
    """Return where a client's billing stands."""
    return Billing(**{one.name: getattr(client, one.name) for one in fields(Billing)})


def possible_steps(session: Session, client: Client) -> Sequence[Step]:
    """Return the steps that a person could take with a client now; none with an archived one."""
    return () if client.archived_at is not None else possible(billing_of(client), _now(session))


def carry_out_due(message: CarryOutDue, run: Run) -> Outcome:
    """Write down what time has taken, for all clients."""
    del message
    return Done(carry_out_all(run.scope))


def carry_out_all(scope: Scope) -> str:
    """Write down what time has taken, a client a transaction, for a minute at most; return what was done in words.

    Run twice, or by two at once, it does everything once: a client that another is at work on is left to that one.
    """
    begun, done = time.monotonic(), dict.fromkeys(BY_THE_CLOCK, 0)
    while time.monotonic() - begun < RUN_FOR.total_seconds():
        with scope() as session:
            client = session.scalar(_NEXT)
            if client is None:
                break
            steps = _settle(session, client, _now(session))
            for step in steps:
                done[step] += 1
            if not steps:
                break  # The clock was set back since the transaction began; the next run sees to it.
    return f"{done[Step.CARRY_OUT_CANCELLATION]} clients left, {done[Step.END_TRIAL]} trials ended."


# In the transaction's time, so that the clock's own words are those by which `due` is then asked, or earlier ones.
_NEXT: Final = (
    select(Client)
    .where(
        or_(
            and_(Client.cancels_at <= func.now(), Client.billing_status != "canceled"),
            and_(Client.trial_ends_at <= func.now(), Client.billing_status == "trial"),
        )
    )
    .limit(1)
    .with_for_update(skip_locked=True, key_share=True)
)


def _settle(session: Session, client: Client, now: datetime) -> Sequence[Step]:
    steps = []
    while (step := due(billing_of(client), now)) is not None:
        _take(session, client, step, now, GATEHOUSE, reason=_TIMED)
        steps.append(step)
    return steps


def _take(
    session: Session,
    client: Client,
    step: Step,
    now: datetime,
    actor: Actor,
    *,
    at: datetime | None = None,
    reason: str | None,
) -> None:
    before = billing_of(client)
    after = take(before, step, now, at)
    for name, value in asdict(after).items():
        setattr(client, name, value)
    session.flush()
    session.refresh(client)
    act = Act(
        f"client.{_ACTIONS[step]}",
        "client",
        str(client.id),
        reason,
        before=_shown(before, after),
        after=_shown(after, before),
        org_id=client.org_id,
        client_id=client.id,
    )
    record(session, actor, act)


_ACTIONS: Final = {
    Step.START_TRIAL: "trial_started",
    Step.END_TRIAL: "trial_ended",
    Step.ACTIVATE: "activated",
    Step.PAYMENT_FAILED: "payment_failed",
    Step.PAYMENT_RESTORED: "payment_restored",
    Step.REQUEST_CANCELLATION: "cancellation_requested",
    Step.WITHDRAW_CANCELLATION: "cancellation_withdrawn",
    Step.CARRY_OUT_CANCELLATION: "canceled",
    Step.REACTIVATE: "reactivated",
}


def _shown(billing: Billing, other: Billing) -> dict[str, object]:
    """Return the fields in which one differs from the other; times as ISO 8601 in UTC."""
    values, others = asdict(billing), asdict(other)
    return {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if value != others[name]
    }


def _now(session: Session) -> datetime:
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now
