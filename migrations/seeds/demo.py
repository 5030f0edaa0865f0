"""The demo tenant: Harbor Services, whose one business is Harbor Plumbing. Names, numbers and prices are made up."""

from __future__ import annotations

from datetime import time
from typing import Final
from uuid import UUID

from migrations.seeds.demo_knowledge import ENTRIES
from migrations.seeds.tenant import SeedBot, SeedClient, Tenant

ORGANIZATION_ID: Final = UUID("01930000-0000-7000-8000-000000000001")
CLIENT_ID: Final = UUID("01930000-0000-7000-8000-000000000002")
BOT_ID: Final = UUID("01930000-0000-7000-8000-000000000003")
SMS_NUMBER: Final = "+15005550006"
OWNER_PHONE: Final = "+15005550010"

TENANT: Final = Tenant(
    organization_id=ORGANIZATION_ID,
    organization_slug="harbor-services",
    organization_name="Harbor Services",
    client=SeedClient(
        id=CLIENT_ID,
        slug="harbor-plumbing",
        name="Harbor Plumbing",
        timezone="America/New_York",
        sms_number=SMS_NUMBER,
        owner_name="Dana Reyes",
        owner_phone=OWNER_PHONE,
        owner_email="owner@harbor-plumbing.example",
        booking_url="https://booking.example.com/harbor-plumbing",
        quiet_hours=(time(21), time(8)),
        call_back_text="I don't want to guess. Send me your name and a good time, and somebody from Harbor Plumbing"
        " will call you back.",
        fallback_text="Thanks for your message! We can't answer right now; somebody from Harbor Plumbing will get back"
        " to you.",
        entries=ENTRIES,
    ),
    bot=SeedBot(
        id=BOT_ID,
        name="Harbor Plumbing",
        greeting="Hi! Ask me about our services, prices or opening hours.",
        accent_color="#0b5fff",
        allowed_origins=("self", "http://127.0.0.1:8000", "http://localhost:8000"),
    ),
)
