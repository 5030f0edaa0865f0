"""When the clock on the contact's wall says that unasked-for texts must wait, and until when.

The contact is taken to live in the client's time zone. A moment is quiet when the local wall clock then shows a time
from the start up to, not including, the end. A window whose start is later than its end passes midnight; a window that
starts when it ends is empty. Read this way, days on which clocks change need no rule of their own: an end that falls
into the hour that is skipped is reached when the clocks jump, and an hour that is repeated is judged each time.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

Window = tuple[time, time]
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


def is_quiet(at: datetime, window: Window, zone: ZoneInfo) -> bool:
    """Tell whether the instant `at` (timezone-aware) lies in the quiet hours."""
    start, end = window
    shown = at.astimezone(zone).time()
    if start <= end:
        return start <= shown < end
    return shown >= start or shown < end


def next_allowed(at: datetime, window: Window, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, from `at` on that isn't quiet: `at` itself when it is allowed."""
    at = at.astimezone(UTC)
    while is_quiet(at, window, zone):
        end = at + _until(window[1], at.astimezone(zone).time())
        # Unless the clocks change on the way, the wall clock shows the end when that much time has passed.
        at = end if _offset(end, zone) == _offset(at, zone) else _clock_change(at, end, zone)
    return at


def wall_clock(at: datetime, timezone: str) -> str:
    """Return an instant as people there read it, such as "14:05 in Europe/Paris"; in UTC for a zone nobody knows."""
    try:
        return f"{at.astimezone(ZoneInfo(timezone)):%H:%M} in {timezone}"
    except (KeyError, ValueError, OSError):
        return f"{at.astimezone(UTC):%H:%M} UTC"


def _until(end: time, shown: time) -> timedelta:
    """Return how long a clock that shows `shown` runs until it shows `end`: more than nothing, at most a day."""
    return (_since_midnight(end) - _since_midnight(shown)) % _DAY or _DAY


def _since_midnight(shown: time) -> timedelta:
    return timedelta(hours=shown.hour, minutes=shown.minute, seconds=shown.second, microseconds=shown.microsecond)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def _clock_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant between the two at which the zone's offset changes; clocks change on whole seconds."""
    low, high = before.replace(microsecond=0), after.replace(microsecond=0) + _SECOND
    earlier = _offset(low, zone)
    while high - low > _SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if _offset(middle, zone) == earlier:
            low = middle
        else:
            high = middle
    return high
