"""When an endpoint is called again, and when no more. Pure decisions."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

RETRY_WAITS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
)
"""The least wait after each failed try; the queue adds up to a tenth. Some 23 hours altogether."""
SEND_TRIES: Final = len(RETRY_WAITS) + 1
