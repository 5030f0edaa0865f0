"""What a provider reports of a message later: each report kept once, the delivery brought to where they point.

Reports come repeated and out of order, some before the provider's own answer is on record. What became of a try is
therefore computed from all reports of its message, by their evidence, not by their order (`tries`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.delivery import repository
from domain.delivery.email_policy import reported, suppression
from domain.delivery.models import DeliveryReceipt, NotificationLog
from domain.delivery.opt_outs import Source, record_opt_out
from domain.delivery.policy import TREATMENTS, ErrorClass, Meaning, meaning
from domain.delivery.repository import Failure, Loaded
from domain.delivery.sender_flags import flag_sender
from domain.delivery.states import FAILED_STATES, state_of
from domain.delivery.tries import find_try, settle_try
from domain.kernel.database import Database
from domain.kernel.ids import new_id

Taking = Literal["recorded", "repeated", "unknown"]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One report: the provider's id and status of a message, and the attempt whose callback this is, if it says so."""

    provider_id: str
    status: str
    error_code: str | None
    attempt_id: UUID | None


def take_receipt(database: Database, receipt: Receipt) -> Taking:
    """Record a report and its consequences, once. `unknown`: it is of no message of ours; nothing is stored."""
    with database.platform_scope() as session:
        owner = _owner(session, receipt)
    if owner is None:
        return "unknown"
    org_id, delivery_id = owner
    with database.tenant_scope(org_id) as session:
        return _record(session, delivery_id, receipt)


def _owner(session: Session, receipt: Receipt) -> tuple[UUID, UUID] | None:
    """Return the organization and the delivery that a report belongs to: by attempt, else by the provider's id."""
    log, row = NotificationLog, None
    if receipt.attempt_id is not None:
        row = session.execute(select(log.org_id, log.delivery_id).where(log.id == receipt.attempt_id)).one_or_none()
    if row is None:
        # Not by the delivery's own id of the provider's, which is that of its latest try.
        statement = select(log.org_id, log.delivery_id).where(log.provider_id == receipt.provider_id).limit(1)
        row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def _record(session: Session, delivery_id: UUID, receipt: Receipt) -> Taking:
    delivery = repository.lock_delivery(session, delivery_id)
    if delivery is None:
        return "unknown"
    if not _keep(session, delivery.org_id, delivery_id, receipt):
        return "repeated"
    found = find_try(session, delivery_id, receipt.attempt_id, receipt.provider_id)
    failure = _failure(delivery, receipt)
    if failure is not None and TREATMENTS[ErrorClass(failure.error_class or "")].action == "hold":
        flag_sender(session, delivery, failure, late=True)
    _suppress(session, delivery, receipt)
    if found is not None:
        settle_try(session, delivery, found, receipt.provider_id, partial(_meaning, delivery))
    _log.info("receipt_recorded", delivery_id=str(delivery_id), status=receipt.status, error_code=receipt.error_code)
    return "recorded"


def _failure(delivery: Loaded, receipt: Receipt) -> Failure | None:
    """Return why a message failed, by a report that says so."""
    if state_of(receipt.status) not in FAILED_STATES:
        return None
    found = _meaning(delivery, receipt.error_code)
    return Failure(found.words, found.error_class, receipt.error_code)


def _suppress(session: Session, delivery: Loaded, receipt: Receipt) -> None:
    """Write to an address no more that the report says must not be written to."""
    source: Source | None
    if delivery.channel == "email":
        source = suppression(receipt.status)
    else:
        code = _number(receipt.error_code)
        opted_out = code is not None and meaning(code).error_class is ErrorClass.OPTED_OUT
        source = "provider" if opted_out else None
    if source is not None:
        record_opt_out(
            session,
            org_id=delivery.org_id,
            client_id=delivery.client_id,
            channel="email" if delivery.channel == "email" else "sms",
            address=delivery.to_address,
            source=source,
        )


def _keep(session: Session, org_id: UUID, delivery_id: UUID, receipt: Receipt) -> bool:
    statement = (
        insert(DeliveryReceipt)
        .values(
            id=new_id(),
            org_id=org_id,
            delivery_id=delivery_id,
            provider_id=receipt.provider_id,
            status=receipt.status,
            error_code=receipt.error_code,
        )
        .on_conflict_do_nothing(index_elements=["provider_id", "status"])
        .returning(DeliveryReceipt.id)
    )
    return session.scalar(statement) is not None


def _meaning(delivery: Loaded, error_code: str | None) -> Meaning:
    return reported(error_code) if delivery.channel == "email" else meaning(_number(error_code))


def _number(error_code: str | None) -> int | None:
    return int(error_code) if error_code is not None and error_code.isascii() and error_code.isdigit() else None
