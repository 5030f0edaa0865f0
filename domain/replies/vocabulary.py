"""Words that mean the same in any trade: what texting shortens, what carries no topic, what asks for a price or a time.

What belongs to one trade is a client's own: the keywords of its knowledge entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


SHORTHAND: Final[Mapping[str, str]] = {
    "2day": "today",
    "2moro": "tomorrow",
    "2morrow": "tomorrow",
    "2nite": "tonight",
    "addr": "address",
    "aint": "",
    "amt": "price",
    "appt": "appointment",
    "appts": "appointment",
    "asap": "asap urgent",
    "avail": "available",
    "cc": "credit card",
    "emerg": "emergency",
    "est": "estimate",
    "fri": "friday",
    "hrs": "hours",
    "hr": "hour",
    "info": "",
    "mon": "monday",
    "pymt": "payment",
    "resched": "reschedule",
    "sat": "saturday",
    "sun": "sunday",
    "thu": "thursday",
    "thur": "thursday",
    "thurs": "thursday",
    "tmr": "tomorrow",
    "tmrw": "tomorrow",
    "tmw": "tomorrow",
    "tom": "tomorrow",
    "tonite": "tonight",
    "tue": "tuesday",
    "tues": "tuesday",
    "wed": "wednesday",
    "weds": "wednesday",
    "wknd": "weekend",
    "wknds": "weekend",
    "wkend": "weekend",
}

PHRASES: Final[tuple[tuple[str, str], ...]] = (
    (r"\b24\s?/\s?7\b|\b24\s?-?\s?(?:hours?|hrs?)\b|\baround the clock\b", " overnight emergency "),
    (r"\bhow (?:much|expensive)\b|\bruns? me\b|\$", " price "),
    (r"\bwhat time\b|\bhow late\b|\bhow early\b", " hours "),
    (r"\b\d{1,4}\s?[ap]\.?m\b", " oclock "),
    (r"\bhow (?:soon|fast|quickly)\b", " soon "),
    (r"\bset up a (?:time|visit)\b|\bsign up\b", " book appointment "),
    (r"\bcome (?:out )?to\b|\btravel (?:out )?to\b|\bdrive (?:out )?to\b", " area "),
    (r"\bwhere (?:are|r) (?:you|u|ya)\b|\bwhere (?:is|s) your\b", " located "),
)
"""Regular expressions over the lower-case text, and the plain words that they stand for."""

SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "address": ("located", "location"),
    "appointment": ("book", "schedule"),
    "area": ("serve", "town"),
    "areas": ("area", "serve", "town"),
    "available": ("availability", "soon"),
    "book": ("appointment", "schedule"),
    "booking": ("appointment", "schedule"),
    "broke": ("broken", "repair", "fix"),
    "busted": ("broken", "repair", "burst"),
    "cover": ("area", "serve"),
    "fix": ("repair",),
    "fixed": ("repair",),
    "guarantee": ("warranty",),
    "guaranteed": ("warranty",),
    "located": ("location", "area"),
    "location": ("located", "area"),
    "pay": ("payment",),
    "quote": ("estimate",),
    "quotes": ("estimate",),
    "repair": ("fix",),
    "schedule": ("appointment", "book"),
    "serve": ("area",),
    "warranty": ("guarantee",),
}
"""A word, and further ones that an entry may use for it. Each is looked for by its stem."""

PRICE_WORDS: Final = _words(
    "charge charges charged cheap cost costs costing expensive fee fees free price prices pricing priced rate rates"
)
ESTIMATE_WORDS: Final = _words("estimate estimates quote quotes quotation")
HOURS_WORDS: Final = _words(
    "open opens opened opening openings close closes closed closing shut shuts hours hour until till til"
)
DAY_WORDS: Final = _words(
    "monday mondays tuesday tuesdays wednesday wednesdays thursday thursdays friday fridays saturday saturdays sunday "
    "sundays weekday weekdays weekend weekends today tonight tomorrow morning mornings afternoon evening evenings noon "
    "oclock"
)

FILLER: Final = _words(
    # The stop words of PostgreSQL's English dictionary, without "until".
    "me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it "
    "its itself they them their theirs themselves what which who whom this that these those am is are was were be "
    "been being have has had having do does did doing an the and but if or because as while of at by for with about "
    "against between into through during before after above below to from up down in out on off over under again "
    "further then once here there when where why how all any both each few more most other some such no nor not only "
    "own same so than too very can will just don should now "
    # Contractions without their apostrophe.
    "im ive id ill youre youve youll hes shes theyre theyve thats theres heres whats wheres whens whos hows isnt "
    "arent wasnt werent hasnt havent hadnt doesnt dont didnt wont wouldnt shouldnt cant couldnt cannot lets yall "
    "gonna wanna gotta lemme "
    # Texting.
    "ur pls plz please thx thanks thank ty hi hii hello hey heya yo ok okay lol omg btw fyi b4 bc cuz coz idk imo rn "
    "atm wat wut wen hw da tho thru ya yeah yes yep nope um uh hmm help "
    # Chat around the point.
    "able accept accepting accepts actually already alright also always another anybody anymore anyone anything "
    "anyway anyways around ask asked asking away back basically bit business call called calls came come comes coming "
    "company contact could currently day days dear either else even ever every everybody everyone everything exactly "
    "find first folks friend friends fully get gets getting give gives giving go goes going gone good got great guess "
    "guy guys happen happened happening happens hear home hope hopefully hoping house however inform information "
    "instead interested issue issues keep keeping keeps kept kind kindly know knows last least less let like likes "
    "literally little long look looking looks lot lots make makes making many matter may maybe mean might mind much "
    "must need needed needing needs next nice nobody nothing number offer offering offers one ones people per perhaps "
    "person place policy possible possibly pretty probably problem problems provide provides question questions quick "
    "quickly quite really regarding right said say saying says seem seems send several shall show since sir somebody "
    "somehow someone something somewhere sorry sort speak start started starting still stopped stuff super sure take "
    "takes taking talk tell telling text thing things think thinking though thought time times told trouble try "
    "trying two type use used using usually via wait want wanted wanting wants way ways week weeks weird well "
    "whatever whether whole within without wonder wondering work working works would yet"
)
"""Words that say nothing about what a text is about."""
