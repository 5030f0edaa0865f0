"""Tell of jobs that died: the operators by a notice, the tenant's programs by events, the owner by an alert.

| told to   | by                          | how often                                                       |
| --------- | --------------------------- | --------------------------------------------------------------- |
| operators | a notice                    | one for each organization and cause, counted on                 |
| programs  | `dead_letter.created`       | one for each customer's message; one with a count for the rest  |
| the owner | an alert (`dead_message`)   | one for each customer's message; the alerts gather them         |

Only what is dead still is told: somebody may have been faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from domain.alerts.raising import Alert, AlertKind, raise_alert
from domain.deadletters.customers import Stranded, stranded
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.kernel.redaction import redact_text
from domain.notices.raising import NoticeKind, raise_notice
from domain.queue.message import spec_of
from domain.queue.messages import JobDied
from domain.queue.models import Job
from domain.queue.outcome import Done, Outcome
from domain.queue.run import Run
from domain.tenancy.models import Organization
from domain.webhooks.emit import emit
from domain.webhooks.events import JSON, EventType
from domain.webhooks.messages import SendWebhook

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.kernel.clock import Clock

_LONGEST_REASON: Final = 300
_SAMPLES: Final = 10
_OUR_CALLS: Final = spec_of(SendWebhook).kind
"""Its deaths are no events: the endpoint that is told would be the one that fails, and each telling would die too."""


def job_died(message: JobDied, run: Run, clock: Clock) -> Outcome:
    """Tell of the deaths in `message`, all in the transaction that ends the job."""
    with run.scope() as session:
        # Locked: who requeues them meanwhile waits, and then resolves the notice that is raised here.
        letters = select(Job).where(Job.id.in_(message.job_ids), Job.state == "dead").order_by(Job.id)
        dead = session.scalars(letters.with_for_update(read=True)).all()
        if not dead:
            return run.finish(session, Done("Nothing of it is dead any more."))
        if session.get(Organization, run.org_id) is None:
            return run.finish(session, Done("Its organization is gone, and with it everybody to be told."))
        _raise_notice(session, dead)
        if run.org_id == PLATFORM_ORG_ID:
            return run.finish(session, Done(f"Told the operators of {len(dead)}."))
        customers = {one.job_id: one for one in stranded(session, message.job_ids)}
        _emit(session, dead, customers)
        # In one order for all: two of these may tell of the same clients, and an alert holds on to its client's window.
        for one in sorted(customers.values(), key=lambda one: (one.client_id, one.job_id)):
            raise_alert(session, _alert(run, one), now=clock.now())
        return run.finish(session, Done(f"Told of {len(dead)}, {len(customers)} of them customers' messages."))


def _raise_notice(session: Session, dead: Sequence[Job]) -> None:
    newest = dead[-1]
    words = f"Jobs of kind {newest.kind} died: {_reason(newest) or 'no reason is on record.'}"
    subject = newest.fingerprint or newest.kind
    raise_notice(session, NoticeKind.DEAD_LETTER, subject, words, org_id=newest.org_id, times=len(dead))


def _emit(session: Session, dead: Sequence[Job], customers: dict[UUID, Stranded]) -> None:
    for job in dead:
        found = customers.get(job.id)
        if found is not None:
            emit(
                session,
                EventType.DEAD_LETTER_CREATED,
                _payload([job]) | {"client_id": str(found.client_id), "subject": found.subject},
                org_id=job.org_id,
                client_id=found.client_id,
                correlation_id=found.correlation_id,
            )
    rest = [job for job in dead if job.id not in customers and job.kind != _OUR_CALLS]
    if rest:
        emit(session, EventType.DEAD_LETTER_CREATED, _payload(rest), org_id=rest[0].org_id)


def _payload(jobs: Sequence[Job]) -> dict[str, JSON]:
    newest = jobs[-1]
    return {
        "count": len(jobs),
        "job_ids": [str(job.id) for job in jobs[-_SAMPLES:]],
        "kind": newest.kind,
        "fingerprint": newest.fingerprint,
        "error_class": newest.error_class,
        "reason": _reason(newest),
        "died_at": newest.finished_at.isoformat() if newest.finished_at else None,
    }


def _alert(run: Run, one: Stranded) -> Alert:
    return Alert(
        org_id=run.org_id,
        client_id=one.client_id,
        kind=AlertKind.DEAD_MESSAGE,
        subject=one.subject,
        summary=one.summary,
        conversation_id=one.conversation_id,
        correlation_id=one.correlation_id,
    )


def _reason(job: Job) -> str:
    return redact_text(job.last_error or "")[:_LONGEST_REASON]
