"""How a client wants things done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import TYPE_CHECKING, Any, Final, TypedDict
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.audit.record import Act, Actor, record
from domain.clients.alert_kinds import AlertKind
from domain.clients.errors import UnfitClientError
from domain.clients.locking import check_version, locked_client
from domain.clients.models import ClientSettings, NotificationChannel
from domain.clients.words import LONGEST_TEXT, fit_text

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

COLLAPSE_MINUTES: Final = (0, 1_440)
TAKEOVER_MINUTES: Final = (1, 10_080)
VALIDITY_MINUTES: Final = (1, 10_080)
_DIGITS: Final = 3
"""Of a threshold: the column is a `real`, which does not hold 0.7 exactly."""
_CHANNELS: Final = ("none", "sms", "email", "both")


class GivenSettings(TypedDict, total=False):
    """Settings of a client, as `ClientSettings` explains them; one that is left out stays.

    None is the platform's setting, no limit, all kinds, or no text of the client's own. `quiet_hours`: start and end by
    the wall clock in the client's time zone, None for none.
    """

    quiet_hours: tuple[time, time] | None
    notification_channel: NotificationChannel
    alert_kinds: Sequence[str] | None
    alert_collapse_minutes: int | None
    takeover_minutes: int | None
    sms_validity_minutes: int | None
    fallback_text: str | None
    call_back_text: str | None
    answer_threshold: float | None


def read_settings(session: Session, client_id: UUID) -> ClientSettings | None:
    """Return a client's settings; None when it has no row, and so the defaults."""
    return session.get(ClientSettings, client_id)


def change_settings(
    session: Session, client_id: UUID, settings: GivenSettings, actor: Actor, *, version: datetime | None = None
) -> ClientSettings:
    """Change settings of a client, on record; they hold from the commit on.

    Raises ClientNotFoundError, ArchivedError, ChangedMeanwhileError (`version`: `updated_at` of the settings), and
    UnfitClientError for what can't be.
    """
    fit = fit_settings(settings)
    client = locked_client(session, client_id)
    missing = insert(ClientSettings).values(client_id=client_id, org_id=client.org_id)
    session.execute(missing.on_conflict_do_nothing())
    query = select(ClientSettings).where(ClientSettings.client_id == client_id)
    stored = session.scalars(query.execution_options(populate_existing=True)).one()
    check_version(stored.updated_at, version)
    before = {name: getattr(stored, name) for name in fit}
    if stored.answer_threshold is not None and "answer_threshold" in before:
        before["answer_threshold"] = round(stored.answer_threshold, _DIGITS)
    changed = {name: value for name, value in fit.items() if value != before[name]}
    if changed:
        for name, value in changed.items():
            setattr(stored, name, value)
        session.flush()
        session.refresh(stored)
        act = Act(
            "client.settings_changed",
            "client",
            str(client_id),
            before=_shown({name: before[name] for name in changed}),
            after=_shown(changed),
            org_id=client.org_id,
            client_id=client_id,
        )
        record(session, actor, act)
    return stored


def fit_settings(settings: GivenSettings) -> dict[str, Any]:
    """Return settings by the columns that hold them. Raises UnfitClientError."""
    fit: dict[str, Any] = {name: value for name, value in settings.items() if name != "quiet_hours"}
    if "quiet_hours" in settings:
        fit["quiet_hours_start"], fit["quiet_hours_end"] = _quiet_hours(settings["quiet_hours"])
    if fit.get("notification_channel", "none") not in _CHANNELS:
        raise UnfitClientError(f"Owners are alerted by one of: {', '.join(_CHANNELS)}.")
    if settings.get("alert_kinds") is not None:
        fit["alert_kinds"] = _alert_kinds(settings["alert_kinds"] or ())
    threshold = settings.get("answer_threshold")
    if threshold is not None:
        if not 0 <= threshold <= 1:
            raise UnfitClientError("The answer threshold is a number from 0 to 1.")
        fit["answer_threshold"] = round(threshold, _DIGITS)
    for name, (least, most) in _MINUTES.items():
        minutes = fit.get(name)
        if minutes is not None and not least <= minutes <= most:
            raise UnfitClientError(f"{name.replace('_', ' ').capitalize()}: from {least} to {most}.")
    for name in ("fallback_text", "call_back_text"):
        if name in fit:
            fit[name] = fit_text(fit[name], name.replace("_", " "), LONGEST_TEXT, lines=True)
    return fit


_MINUTES: Final = {
    "alert_collapse_minutes": COLLAPSE_MINUTES,
    "takeover_minutes": TAKEOVER_MINUTES,
    "sms_validity_minutes": VALIDITY_MINUTES,
}


def _quiet_hours(hours: tuple[time, time] | None) -> tuple[time | None, time | None]:
    if hours is None:
        return None, None
    start, end = hours
    if start.tzinfo is not None or end.tzinfo is not None:
        raise UnfitClientError("Quiet hours are times on the wall clock in the client's own time zone: give no other.")
    if start == end:
        raise UnfitClientError("Quiet hours that end when they start are none. Take them away instead.")
    return start, end


def _alert_kinds(kinds: Sequence[str]) -> list[str]:
    known = [kind.value for kind in AlertKind]
    unknown = sorted(set(kinds) - set(known))
    if unknown:
        raise UnfitClientError(f"There is no alert of that kind. There are: {', '.join(known)}.")
    return [kind for kind in known if kind in kinds]


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, time) else value for name, value in values.items()}
