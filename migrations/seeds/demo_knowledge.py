"""What the demo business tells its customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from migrations.seeds.tenant import Entry

_SERVICES: Sequence[Entry] = (
    Entry(
        key="drain-cleaning",
        kind="service",
        title="Drain cleaning",
        body="We clear a blocked kitchen, bathroom or laundry drain with a cable machine and test the flow before we"
        " leave. Most jobs take about an hour.",
        price="$149 for one drain, $89 for each further one on the same visit",
        keywords="clog clogged unclog blocked unblock blockage backed up slow draining snake sink tub bathtub shower"
        " toilet plugged stuck standing water overflowing",
    ),
    Entry(
        key="water-heater-repair",
        kind="service",
        title="Water heater repair",
        body="We repair gas and electric tank heaters: no hot water, water not hot enough, pilot light out, strange"
        " noises. Parts are extra and agreed with you first.",
        price="from $189",
        keywords="fix broken lukewarm cold hot tank pilot thermostat element",
    ),
    Entry(
        key="water-heater-replacement",
        kind="service",
        title="Water heater replacement",
        body="We supply and install a new 40 or 50 gallon tank heater and take the old one away, usually within two"
        " working days.",
        price="from $1,450 installed",
        keywords="new install installation replace swap tank",
    ),
    Entry(
        key="leak-repair",
        kind="service",
        title="Leak repair",
        body="We find and repair leaking or burst pipes under sinks, in walls and in basements.",
        price="from $175",
        keywords="leaky leaking drip dripping pipe pipes burst water damage ceiling basement wet",
    ),
    Entry(
        key="toilet-repair",
        kind="service",
        title="Toilet repair",
        body="We fix toilets that run, rock, leak or don't flush properly. A new flush valve and fill valve are"
        " included.",
        price="$129",
        keywords="commode running flushing handle tank wobbly bathroom",
    ),
    Entry(
        key="faucet-installation",
        kind="service",
        title="Faucet installation",
        body="We fit a kitchen or bathroom faucet that you have bought, and seal and test it. We take the old one out.",
        price="$165",
        keywords="tap taps install replace new fit fixture kitchen bathroom sink mixer",
    ),
    Entry(
        key="sewer-camera",
        kind="service",
        title="Sewer camera inspection",
        body="We run a camera through your sewer line and send you the video with a written report the same day.",
        price="$225",
        keywords="inspect video scope main line roots house buying",
    ),
)

_HOURS: Sequence[Entry] = (
    Entry(
        key="opening-hours",
        kind="hours",
        title="Opening hours",
        body="We are open Monday to Friday from 8 am to 6 pm and Saturday from 9 am to 2 pm. We are closed on Sunday.",
        keywords="open close closed closing hours times weekday weekdays weekend week daily today tomorrow morning"
        " evening late early until office",
    ),
)

_FAQS: Sequence[Entry] = (
    Entry(
        key="emergency",
        kind="faq",
        title="Do you handle emergencies?",
        body="Yes, for burst pipes, flooding and sewage we come day and night, also on Sundays and holidays. Call this"
        " number; the emergency visit costs $95 on top of the work.",
        keywords="emergency urgent asap immediately night midnight after hours 24/7 flood flooded gushing sewage"
        " overnight call-out",
    ),
    Entry(
        key="burst-pipe-first-aid",
        kind="faq",
        title="What should I do until you arrive?",
        body="Turn the main water valve clockwise until it stops (it is usually where the pipe enters the house),"
        " switch off the water heater and open the lowest faucet.",
        keywords="shut turn off shutoff stop water main valve meanwhile wait",
    ),
    Entry(
        key="service-area",
        kind="faq",
        title="Which area do you serve?",
        body="We work in Portland, South Portland, Westbrook, Scarborough, Falmouth and Cape Elizabeth. Ask us about"
        " other towns within 20 miles.",
        keywords="service area cover serve travel come out town towns city zip location located near local region",
    ),
    Entry(
        key="estimates",
        kind="faq",
        title="Do you give free estimates?",
        body="Yes. Tell us what is wrong, or send a photo, and you get an estimate at no charge. A visit to look at"
        " the job costs $59, which we take off the bill when you hire us.",
        keywords="estimate quote quotation free price visit diagnostic fee trip charge look",
    ),
    Entry(
        key="payment",
        kind="faq",
        title="How can I pay?",
        body="We take cash, checks and all major credit and debit cards once the work is done.",
        keywords="pay payment card cards credit debit visa mastercard amex cash check cheque invoice bill venmo zelle"
        " apple",
    ),
    Entry(
        key="warranty",
        kind="faq",
        title="Is the work guaranteed?",
        body="Yes, our labor is guaranteed for one year, and parts carry their manufacturer's warranty.",
        keywords="warranty guarantee guaranteed again broke refund",
    ),
    Entry(
        key="licensed",
        kind="faq",
        title="Are you licensed and insured?",
        body="Yes, every plumber of ours is a licensed master or journeyman plumber, and we carry liability insurance.",
        keywords="license licensed insured insurance certified bonded qualified background",
    ),
    Entry(
        key="booking",
        kind="faq",
        title="How do I make an appointment?",
        body="Tell us here what you need and which day suits you, or pick a time on our booking page. We come within a"
        " two-hour window and text you when we are on the way.",
        keywords="appointment book booking schedule reserve slot window arrive",
    ),
    Entry(
        key="same-day",
        kind="faq",
        title="How soon can you come?",
        body="Call before noon on a working day and we can usually come the same day; otherwise it is the next working"
        " day.",
        keywords="soon quickly fast today same day availability available earliest wait",
    ),
    Entry(
        key="cancellation",
        kind="faq",
        title="Can I cancel or move my appointment?",
        body="Yes, at no charge up to 24 hours before. After that we charge $45.",
        keywords="cancel cancellation reschedule move change postpone appointment",
    ),
    Entry(
        key="discounts",
        kind="faq",
        title="Do you have discounts?",
        body="Seniors and veterans get 10% off labor.",
        keywords="discount discounts coupon coupons senior seniors veteran veterans military deal special promo",
    ),
)

ENTRIES: Final[Sequence[Entry]] = (*_SERVICES, *_HOURS, *_FAQS)
