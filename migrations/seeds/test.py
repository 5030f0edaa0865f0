"""A second tenant for tests, beside the demo one: what belongs to the one must never be seen by the other."""

from __future__ import annotations

from datetime import time
from typing import Final
from uuid import UUID

from migrations.seeds.tenant import Entry, SeedBot, SeedClient, Tenant

ORGANIZATION_ID: Final = UUID("01930000-0000-7000-8000-000000000011")
CLIENT_ID: Final = UUID("01930000-0000-7000-8000-000000000012")
BOT_ID: Final = UUID("01930000-0000-7000-8000-000000000013")
SMS_NUMBER: Final = "+15005550016"
OWNER_PHONE: Final = "+15005550020"

_ENTRIES: Final = (
    Entry(
        key="furnace-tune-up",
        kind="service",
        title="Furnace tune-up",
        body="We clean the burners, change the filter, and measure the exhaust. It takes about 90 minutes.",
        price="$139",
        keywords="maintenance service check yearly annual clean filter boiler",
    ),
    Entry(
        key="furnace-repair",
        kind="service",
        title="Furnace repair",
        body="We repair gas and oil furnaces of all makes.",
        price="from $210",
        keywords="fix broken heat heating cold no heat",
    ),
    Entry(
        key="heat-pump-installation",
        kind="service",
        title="Heat pump installation",
        body="We size, supply and install air-source heat pumps, and handle the rebate forms.",
        price="from $6,900 installed",
        keywords="new install mini split ductless air conditioning ac cooling",
    ),
    Entry(
        key="opening-hours",
        kind="hours",
        title="Hours",
        body="Mon-Thu 7:30 am to 5 pm, Fri 7:30 am to 3 pm. Closed Sat and Sun.",
    ),
    Entry(
        key="service-area",
        kind="faq",
        title="Where do you work?",
        body="In all of Summit County.",
        keywords="area town cover serve come location",
    ),
    Entry(
        key="financing",
        kind="faq",
        title="Do you offer financing?",
        body="Yes, over 12 or 24 months for jobs above $2,000, subject to a credit check by our bank.",
        keywords="finance monthly payments installments credit loan pay",
    ),
)

TENANT: Final = Tenant(
    organization_id=ORGANIZATION_ID,
    organization_slug="summit-services",
    organization_name="Summit Services",
    client=SeedClient(
        id=CLIENT_ID,
        slug="summit-heating",
        name="Summit Heating",
        timezone="America/Denver",
        sms_number=SMS_NUMBER,
        owner_name="Robin Vale",
        owner_phone=OWNER_PHONE,
        owner_email="owner@summit-heating.example",
        booking_url="https://booking.example.com/summit-heating",
        quiet_hours=(time(20), time(7)),
        call_back_text="Send us your name and a good time to call, and Summit Heating will call you back.",
        fallback_text="Thanks for writing to Summit Heating. We will get back to you.",
        entries=_ENTRIES,
    ),
    bot=SeedBot(
        id=BOT_ID,
        name="Summit Heating",
        greeting="Hello! How can we help?",
        accent_color="#b3430e",
        allowed_origins=("https://summit-heating.example",),
    ),
)
