"""Clients as documents."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.schemas.bots import BotDocument
from api.schemas.changes import LEFT_OUT, Given
from domain.clients.alert_kinds import AlertKind
from domain.clients.lifecycle import Step
from domain.clients.models import BillingStatus, BookingMode, ClientSettings, NotificationChannel
from domain.clients.settings import COLLAPSE_MINUTES, TAKEOVER_MINUTES, VALIDITY_MINUTES
from domain.clients.words import LONGEST_TEXT

Name = Annotated[str, Field(min_length=1, max_length=200, examples=["Harbor Plumbing"])]
Timezone = Annotated[str, Field(max_length=64, examples=["America/New_York"])]
Number = Annotated[
    str, Field(max_length=40, description="With its country code; stored in E.164.", examples=["+1 500 555 0006"])
]
ServiceSid = Annotated[str, Field(pattern="^MG[0-9a-f]{32}$")]
Email = Annotated[str, Field(max_length=254, examples=["owner@harbor-plumbing.example"])]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


class ClientChanges(Given):
    """What is to be another; what is left out stays, and null takes it away."""

    name: Name = LEFT_OUT
    timezone: Timezone = LEFT_OUT
    sms_number: Number | None = LEFT_OUT
    messaging_service_sid: ServiceSid | None = LEFT_OUT
    owner_name: Annotated[str, Field(max_length=200, examples=["Dana Reyes"])] | None = LEFT_OUT
    owner_phone: Number | None = LEFT_OUT
    owner_email: Email | None = LEFT_OUT


class NewClientDocument(ClientChanges):
    """A client to take on. It answers nobody before it goes live.

    Whoever works for several organizations names one, here or in `X-Org-Id`. `slug`: made of the name when left out.
    """

    org_id: UUID | None = None
    name: Name
    slug: Annotated[str, Field(min_length=2, max_length=63, examples=["harbor-plumbing"])] | None = None


class QuietHours(Given):
    """From the start up to, not including, the end, by the wall clock in the client's time zone; may pass midnight."""

    start: Annotated[time, Field(examples=["21:00"])]
    end: Annotated[time, Field(examples=["08:00"])]


class SettingsChanges(Given):
    """How a client wants things done; what is left out stays, and null is the platform's setting, or none."""

    quiet_hours: QuietHours | None = LEFT_OUT
    notification_channel: NotificationChannel = LEFT_OUT
    alert_kinds: list[AlertKind] | None = LEFT_OUT
    alert_collapse_minutes: Annotated[int, Field(ge=COLLAPSE_MINUTES[0], le=COLLAPSE_MINUTES[1])] | None = LEFT_OUT
    takeover_minutes: Annotated[int, Field(ge=TAKEOVER_MINUTES[0], le=TAKEOVER_MINUTES[1])] | None = LEFT_OUT
    sms_validity_minutes: Annotated[int, Field(ge=VALIDITY_MINUTES[0], le=VALIDITY_MINUTES[1])] | None = LEFT_OUT
    fallback_text: Text | None = LEFT_OUT
    call_back_text: Text | None = LEFT_OUT
    answer_threshold: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = LEFT_OUT


class BookingDocument(Given):
    """How customers book: not at all, by an outside page, or by leaving a request. The page is never fetched."""

    mode: BookingMode
    url: Annotated[str, Field(max_length=2048, examples=["https://booking.example.com/harbor"])] | None = None


class BillingStep(Given):
    """A step in a client's billing. No payment is made here: this tells us what a payment provider knows.

    `at`: when a trial ends (in 14 days if left out), or a cancellation is carried out (now if left out).
    """

    step: Step
    at: AwareDatetime | None = None
    reason: Annotated[str, Field(max_length=500)] | None = None


class SettingsDocument(BaseModel):
    """How a client wants things done. Null: the platform's setting, no limit, all kinds, or no text of its own.

    A text older than `sms_validity_minutes` is not sent; alerts are gathered for `alert_collapse_minutes`; a person who
    answers has a conversation for `takeover_minutes`; a reply that is less sure than `answer_threshold` asks back.
    """

    quiet_hours: QuietHours | None = None
    notification_channel: NotificationChannel = "sms"
    alert_kinds: list[str] | None = None
    alert_collapse_minutes: int | None = None
    takeover_minutes: int | None = None
    sms_validity_minutes: int | None = None
    fallback_text: str | None = None
    call_back_text: str | None = None
    answer_threshold: float | None = None
    updated_at: datetime | None = None

    @classmethod
    def of(cls, settings: ClientSettings | None) -> SettingsDocument:
        """Return settings, or the defaults of a client that has none."""
        if settings is None:
            return cls()
        start, end = settings.quiet_hours_start, settings.quiet_hours_end
        threshold = settings.answer_threshold
        return cls(
            quiet_hours=None if start is None or end is None else QuietHours(start=start, end=end),
            notification_channel=settings.notification_channel,
            alert_kinds=settings.alert_kinds,
            alert_collapse_minutes=settings.alert_collapse_minutes,
            takeover_minutes=settings.takeover_minutes,
            sms_validity_minutes=settings.sms_validity_minutes,
            fallback_text=settings.fallback_text,
            call_back_text=settings.call_back_text,
            answer_threshold=None if threshold is None else round(threshold, 3),
            updated_at=settings.updated_at,
        )


class BillingDocument(BaseModel):
    """Where a client's billing stands, and which steps can follow."""

    billing_status: BillingStatus
    payment_active: bool
    trial_used_at: datetime | None
    trial_ends_at: datetime | None
    cancel_requested_at: datetime | None
    cancels_at: datetime | None
    possible: list[Step]


class SwitchesDocument(BaseModel):
    """What is stopped for a client."""

    model_config = ConfigDict(from_attributes=True)

    outbound_paused: bool
    notifications_paused: bool
    ai_disabled: bool


class StandingDocument(BaseModel):
    """What the gate would say now. `outcome`: allow, soft (a fallback, or waiting) or hard (nothing is sent)."""

    outcome: str
    guard: str
    reason: str


class ListedClientDocument(BaseModel):
    """A client as it is listed. `live`: its onboarding is complete."""

    id: UUID
    org_id: UUID
    organization: str
    slug: str
    name: str
    sms_number: str | None
    live: bool
    billing_status: BillingStatus
    outbound_paused: bool
    archived_at: datetime | None
    updated_at: datetime


class ClientDocument(ListedClientDocument):
    """A client with all that an administrator needs.

    `missing`: what it lacks before it can go live. `customers_are_answered` and `owner_is_alerted` are what the gate
    would decide now. The version of details, booking and switches is `updated_at`, that of the settings their own.
    """

    timezone: str
    messaging_service_sid: str | None
    owner_name: str | None
    owner_phone: str | None
    owner_email: str | None
    booking: BookingDocument
    switches: SwitchesDocument
    billing: BillingDocument
    settings: SettingsDocument
    bots: list[BotDocument]
    missing: list[str]
    customers_are_answered: StandingDocument
    owner_is_alerted: StandingDocument
    created_at: datetime
