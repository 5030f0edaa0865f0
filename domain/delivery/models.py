"""The tables of deliveries, of the attempts at them, of what providers reported, and of opt-outs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base
from domain.kernel.ids import new_id

_TIME = DateTime(timezone=True)
_NOW = text("now()")


class Delivery(Base):
    """One text or e-mail to send to one person, and how far it has come.

    `segments` and `encoding` are of a text. `looked_up_at`: when a poll last asked the provider about it; `closed_at`:
    when it was given up to hear more of it.
    """

    __tablename__ = "deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    message_id: Mapped[UUID | None]
    purpose: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    to_address: Mapped[str] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    html_body: Mapped[str | None] = mapped_column(Text)
    segments: Mapped[int | None] = mapped_column(SmallInteger)
    encoding: Mapped[str | None] = mapped_column(Text)
    direct_reply: Mapped[bool]
    state: Mapped[str] = mapped_column(Text, server_default=text("'pending'"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    provider: Mapped[str | None] = mapped_column(Text)
    provider_id: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(Text)
    error_text: Mapped[str | None] = mapped_column(Text)
    correlation_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None] = mapped_column(_TIME)
    asked_person_at: Mapped[datetime | None] = mapped_column(_TIME)
    looked_up_at: Mapped[datetime | None] = mapped_column(_TIME)
    closed_at: Mapped[datetime | None] = mapped_column(_TIME)
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    updated_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)


class NotificationLog(Base):
    """One attempt at a delivery; its id travels in the callback URL."""

    __tablename__ = "notification_logs"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    delivery_id: Mapped[UUID]
    attempt: Mapped[int]
    provider: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text, server_default=text("'sending'"))
    started_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    finished_at: Mapped[datetime | None] = mapped_column(_TIME)
    provider_id: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(Text)
    error_class: Mapped[str | None] = mapped_column(Text)
    error_text: Mapped[str | None] = mapped_column(Text)


class DeliveryReceipt(Base):
    """One status that a provider reported of one message."""

    __tablename__ = "delivery_receipts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[UUID]
    delivery_id: Mapped[UUID]
    provider_id: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)


class OptOut(Base):
    """An address that must not be written to by one client."""

    __tablename__ = "opt_outs"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    opted_out_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)


class SenderFlag(Base):
    """A sender of a client that the provider refuses. Open until `cleared_at`; there is one open flag a sender.

    `late`: the refusal came by a receipt. `probe_at`: when one message may try it again, after `probes` that failed.
    """

    __tablename__ = "sender_flags"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    sender: Mapped[str] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    late: Mapped[bool]
    probes: Mapped[int]
    probe_at: Mapped[datetime] = mapped_column(_TIME)
    flagged_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    cleared_at: Mapped[datetime | None] = mapped_column(_TIME)
    cleared_by: Mapped[str | None] = mapped_column(Text)
