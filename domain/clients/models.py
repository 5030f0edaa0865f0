"""The tables of a client: who it is, how it wants things done, and its chat bots.

Constraints and defaults are the database's; the migrations hold them.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Literal
from uuid import UUID

from sqlalchemy import ARRAY, REAL, DateTime, FetchedValue, SmallInteger, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base

BookingMode = Literal["none", "redirect", "capture"]
BillingStatus = Literal["none", "trial", "active", "past_due", "canceled"]
NotificationChannel = Literal["none", "sms", "email", "both"]


class Client(Base):
    """One business: its number, its owner, its switches and the state of its billing.

    `billing_status`, `payment_active` and the dates of trial and cancellation change by the steps of `lifecycle`; no
    payment is made here. The switches are `outbound_paused`, `notifications_paused` and `ai_disabled`.
    `sms_number_since`: when the number was changed, None when it came with the client; likewise
    `messaging_service_since`. An archived one keeps its history and has no number.
    """

    __tablename__ = "clients"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text, server_default=FetchedValue())
    sms_number: Mapped[str | None] = mapped_column(Text, unique=True)
    sms_number_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    messaging_service_sid: Mapped[str | None] = mapped_column(Text)
    messaging_service_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    owner_name: Mapped[str | None] = mapped_column(Text)
    owner_phone: Mapped[str | None] = mapped_column(Text)
    owner_email: Mapped[str | None] = mapped_column(Text)
    # Neither role may write it; `onboarding.complete_onboarding` is the way.
    onboarding_complete: Mapped[bool] = mapped_column(server_default=FetchedValue(), server_onupdate=FetchedValue())
    booking_mode: Mapped[BookingMode] = mapped_column(Text, server_default=FetchedValue())
    booking_url: Mapped[str | None] = mapped_column(Text)
    billing_status: Mapped[BillingStatus] = mapped_column(Text, server_default=FetchedValue())
    payment_active: Mapped[bool] = mapped_column(server_default=FetchedValue())
    trial_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    trial_ends_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancel_requested_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancels_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    outbound_paused: Mapped[bool] = mapped_column(server_default=FetchedValue())
    notifications_paused: Mapped[bool] = mapped_column(server_default=FetchedValue())
    ai_disabled: Mapped[bool] = mapped_column(server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=FetchedValue(), onupdate=func.now()
    )


class ClientSettings(Base):
    """How a client wants things done. A client without a row has the defaults; a NULL is the platform's setting.

    Quiet hours are wall-clock times in the client's time zone, from the start up to (not including) the end, and may
    pass midnight. `answer_threshold` is the confidence (0 to 1) below which a reply asks or offers a call-back.
    `alert_kinds`: what the owner is told of, None for all; alerts are gathered for `alert_collapse_minutes`. A person
    who replies has the conversation for `takeover_minutes`. A text older than `sms_validity_minutes` is not sent.
    """

    __tablename__ = "client_settings"

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    quiet_hours_start: Mapped[time | None]
    quiet_hours_end: Mapped[time | None]
    notification_channel: Mapped[NotificationChannel] = mapped_column(Text, server_default=FetchedValue())
    fallback_text: Mapped[str | None] = mapped_column(Text)
    call_back_text: Mapped[str | None] = mapped_column(Text)
    answer_threshold: Mapped[float | None] = mapped_column(REAL)
    alert_kinds: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    alert_collapse_minutes: Mapped[int | None] = mapped_column(SmallInteger)
    takeover_minutes: Mapped[int | None] = mapped_column(SmallInteger)
    sms_validity_minutes: Mapped[int | None] = mapped_column(SmallInteger)
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=FetchedValue(), onupdate=func.now()
    )


class Bot(Base):
    """A chat widget of a client; it answers only on pages of `allowed_origins` (scheme, host and port)."""

    __tablename__ = "bots"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(Text)
    greeting: Mapped[str] = mapped_column(Text, server_default=FetchedValue())
    accent_color: Mapped[str] = mapped_column(Text, server_default=FetchedValue())
    allowed_origins: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=FetchedValue())
    enabled: Mapped[bool] = mapped_column(server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=FetchedValue(), onupdate=func.now()
    )
