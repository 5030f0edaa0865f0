"""The words by which a contact says whether it wants to be written to; pure.

Twilio's defaults: https://help.twilio.com/articles/223134027. A word counts when it is all of the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Consent = Literal["stop", "start", "help"]

_STOP: Final = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"})
_START: Final = frozenset({"START", "YES", "UNSTOP"})
_HELP: Final = frozenset({"HELP", "INFO"})
_BY_TYPE: Final[Mapping[str, Consent]] = {"STOP": "stop", "START": "start", "HELP": "help"}
_LONGEST: Final = 32


def keyword(body: str) -> Consent | None:
    """Return which of Twilio's keywords a text is: that word alone, in any case.

    Opting out is read generously ("Stop.", "STOP!"), since writing on would be the greater harm. "YES" is a `start`
    only to someone who opted out; to anyone else it is an answer.
    """
    if len(body) > _LONGEST:
        return None
    word = body.strip().upper()
    if word.strip(".!,;:'\" ") in _STOP:
        return "stop"
    if word in _START:
        return "start"
    return "help" if word in _HELP else None


def consent_of(body: str, opt_out_type: str | None = None) -> Consent | None:
    """Return what a text says of being written to, or None.

    `opt_out_type` is Twilio's `OptOutType`, by which it says how it took the text itself (Advanced Opt-Out, which may
    have other keywords in other languages); it wins over our own reading.
    """
    stated = _BY_TYPE.get(opt_out_type.strip().upper()) if opt_out_type else None
    return stated or keyword(body)
