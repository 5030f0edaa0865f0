"""The fixed phrases of the extractive composer, and the courtesies that it knows.

The phrases state nothing about a business. Plain ASCII keeps a text in the alphabet of which a segment holds 160.
"""

from __future__ import annotations

import re
from typing import Final, Literal

GREETING: Final = "Hi! This is {client}. How can we help?"
WELCOME: Final = "You're welcome!"
ACKNOWLEDGED: Final = "Sounds good. Just write to us if there is anything else."
PRICE: Final = "Price: {price}"
WHICH: Final = "Do you mean {titles}?"
ABOUT: Final = "I want to get this right. Is your question about one of these? {titles}"
REPHRASE: Final = (
    "I'm not sure I understood. Could you say in other words what you need?"
    " I can help with our services, prices and opening hours."
)
CALL_BACK: Final = (
    "I don't want to guess. Send us your name and a good time, and somebody from {client} will call you back."
)
CALL_BACK_CONFIRMED: Final = "Thank you, we have your message. Somebody from {client} will call you back."
BOOK: Final = "Book a time: {url}"

_ASKED: Final = tuple(phrase.split("{", 1)[0] for phrase in (WHICH, ABOUT, REPHRASE))

Courtesy = Literal["greeting", "thanks", "agreement"]


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_THANKS: Final = _words("thanks thank thx thnx thankyou ty tysm cheers appreciated appreciate")
_GREETINGS: Final = _words("hi hii hiya hello helo hey heya yo sup howdy greetings morning afternoon evening")
_AGREEMENT: Final = _words(
    "ok okay okey k kk alright cool great perfect awesome nice sounds sure got gotcha yes yep yeah yup no nope np bye "
    "goodbye cya later good fine lol haha noted understood welcome correct right exactly"
)
_REFUSAL: Final = _words("no nope np bye goodbye cya later")
_ORDINALS: Final = (_words("first 1st 1 former"), _words("second 2nd 2 latter"), _words("third 3rd 3"))
_AROUND: Final = _words(
    "it you u so much very a lot there all day again for the your help time that s is was have one sir madam everyone "
    "and i will do to see then well too this me my thats its youre guys please"
)
_WORD: Final = re.compile(r"[^\W_]+")


def courtesy(text: str) -> Courtesy | None:
    """Tell whether a text only greets, thanks or agrees; None when it says more, asks, or is empty."""
    words = _WORD.findall(re.sub(r"['\u2019]", "", text.casefold()))
    if not words:
        return "agreement" if text.strip() and "?" not in text else None
    if not {*words} <= _THANKS | _GREETINGS | _AGREEMENT | _AROUND:
        return None
    if _THANKS & {*words}:
        return "thanks"
    if _GREETINGS & {*words}:
        return "greeting"
    return "agreement" if _AGREEMENT & {*words} else None


def picked(text: str, offered: int) -> int | None:
    """Tell which of the choices offered, counted from 0, an answer takes: "yes" to a single one, "the second", "2"."""
    words = {*_WORD.findall(text.casefold())}
    if offered == 1 and courtesy(text) == "agreement" and not words & _REFUSAL:
        return 0
    if not words <= _AROUND.union(*_ORDINALS):
        return None
    named = [place for place, ordinal in enumerate(_ORDINALS[:offered]) if words & ordinal]
    return named[0] if len(named) == 1 else None


def asks_back(text: str) -> bool:
    """Tell whether a text of ours is one of the clarifying questions above."""
    return any(opening in text for opening in _ASKED)
