"""How pages write times, durations and figures: filters of the templates.

Times are shown in the viewer's zone and say in a tooltip what that is in UTC. Of somebody whose zone is not known the
browser writes them in its own (`assets/shell.js`, which goes by the same rules); without scripts they stand in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from markupsafe import Markup

from api.dashboard.viewer import viewer

NOTHING: Final = Markup('<span class="quiet">&ndash;</span>')
"""What stands where there is nothing."""
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400
_SOON: Final = 10
_STEP: Final = 1000
_FEW: Final = 10


def time(at: datetime | None) -> Markup:
    """Return a time to the second as an element; the day stands with it unless it is today's."""
    if at is None:
        return NOTHING
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
        at.astimezone(UTC).isoformat(), exact(at), _left_to_browser("time"), time_text(at)
    )


def ago(at: datetime | None) -> Markup:
    """Return how long ago something was, or in how long it will be; the time itself on hover and on focus."""
    if at is None:
        return NOTHING
    words = Markup('<time class="ago" tabindex="0" datetime="{}" data-exact="{}" data-as="ago"{}>{}</time>')
    zone = Markup("") if viewer().zone else Markup(" data-zone")
    return words.format(at.astimezone(UTC).isoformat(), exact(at), zone, ago_text(at))


def time_text(at: datetime) -> str:
    """Return a time in the viewer's zone as text."""
    one = viewer()
    local, today = at.astimezone(one.zone or UTC), one.now.astimezone(one.zone or UTC)
    suffix = "" if one.zone else " UTC"
    clock = local.strftime("%H:%M:%S")
    if local.date() == today.date():
        return f"{clock}{suffix}"
    year = f" {local.year}" if local.year != today.year else ""
    return f"{local.day} {local.strftime('%b')}{year}, {clock}{suffix}"


def ago_text(at: datetime) -> str:
    """Return the distance of a time from now in words: "3 min ago", "in 2 h", "just now"."""
    seconds = (viewer().now - at).total_seconds()
    if abs(seconds) < _SOON:
        return "just now"
    words = rough(abs(seconds))
    return f"{words} ago" if seconds > 0 else f"in {words}"


def day(at: date | None) -> Markup:
    """Return a day."""
    if at is None:
        return NOTHING
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), f"{at.day} {at.strftime('%b %Y')}")


def exact(at: datetime) -> str:
    """Return a time in UTC to the millisecond, as a log line has it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d} UTC"


def rough(seconds: float) -> str:
    """Return a duration in its largest unit."""
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def duration(length: timedelta | float | None) -> Markup | str:
    """Return a length of time, a number being seconds, to two units: "235 ms", "1.2 s", "4 min 5 s", "2 d 4 h"."""
    if length is None:
        return NOTHING
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s" if seconds < _FEW else f"{seconds:.0f} s"
    for size, unit, smaller, below in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min"), (_MINUTE, "min", 1, "s")):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            return f"{whole:.0f} {unit} {rest // smaller:.0f} {below}" if rest >= smaller else f"{whole:.0f} {unit}"
    return ""


def number(figure: float | None) -> Markup | str:
    """Return a figure with its thousands apart; fractions have two digits at most."""
    if figure is None:
        return NOTHING
    if isinstance(figure, int) or float(figure).is_integer():
        return f"{int(figure):,}"
    return f"{figure:,.2f}".rstrip("0").rstrip(".")


def size(count: float | None) -> Markup | str:
    """Return a count of bytes in its unit, of which each has a thousand of the one below: "1.5 MB"."""
    if count is None:
        return NOTHING
    left = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(left) < _STEP:
            return f"{left:.0f} {unit}" if unit == "B" or left >= _FEW * _FEW else f"{left:.1f} {unit}"
        left /= _STEP
    return f"{left:.1f} TB"


def _left_to_browser(how: str) -> Markup:
    return Markup("") if viewer().zone else Markup(' data-zone data-as="{}"').format(how)


FILTERS: Final = {
    "time": time,
    "ago": ago,
    "day": day,
    "exact": exact,
    "duration": duration,
    "number": number,
    "size": size,
}
