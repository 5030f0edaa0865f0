"""How a text is encoded and in how many segments it goes over the air; each segment is charged.

By GSM 03.38 and 23.040: 160 septets in one segment or 153 in each of several, or in UCS-2 70 and 67 units of 16 bits.
The characters of the extension table take two septets, those beyond the Basic Multilingual Plane two units, and neither
pair is split. Twilio may do better than this count, where a Messaging Service replaces characters ("smart encoding").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import smsutil

Encoding = Literal["gsm7", "ucs2"]
_ESCAPE: Final = "\x1b"


@dataclass(frozen=True, slots=True)
class Segments:
    """A text's encoding and the number of its segments, at least 1."""

    encoding: Encoding
    count: int


def segments_of(text: str) -> Segments:
    """Return how a text, which is not empty, goes over the air."""
    # The library takes the code that announces an extended character for a character of its own.
    if _ESCAPE in text or not smsutil.is_valid_gsm(text):
        return Segments("ucs2", len(smsutil.unicode_split(text).parts))
    # Most texts fit into one segment, which is found out at a tenth of the cost.
    extended = sum(map(text.count, smsutil.GSM_EXT_CHARSET))
    single = len(text) + extended <= smsutil.GSM_SINGLE_PART_BYTES
    return Segments("gsm7", 1 if single else len(smsutil.gsm_split(text).parts))
