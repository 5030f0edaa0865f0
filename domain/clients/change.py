"""Change who a client is, and how its customers book."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func

from domain.audit.record import Act, Actor, record
from domain.clients.booking import BookingUrl, check_booking_url
from domain.clients.details import Details, check_reachable, fit_details, store
from domain.clients.errors import UnfitClientError
from domain.clients.locking import locked_client
from domain.clients.models import BookingMode, Client

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_UNFIT: Final = {
    BookingUrl.MISSING: "Booking by link needs an address.",
    BookingUrl.MALFORMED: "The booking address is not a usable web address.",
    BookingUrl.NOT_HTTPS: "The booking address has to begin with https://.",
    BookingUrl.NO_PUBLIC_HOST: "The booking address does not lead to a public web site.",
    BookingUrl.HAS_CREDENTIALS: "The booking address must not contain a user name or password.",
}


def change_client(
    session: Session, client_id: UUID, details: Details, actor: Actor, *, version: datetime | None = None
) -> Client:
    """Change details of a client, on record; what is left out stays.

    Raises:
        ClientNotFoundError, ChangedMeanwhileError, ArchivedError: as `locked_client`.
        UnfitClientError, InvalidNumberError, UnfitNameError: something can't be as it was given.
        TakenError: another client has its number or its Messaging Service.
        StillNeededError: a live client would be left without a number or an owner.

    """
    fit = fit_details(details)
    client = locked_client(session, client_id, version=version)
    before = {name: getattr(client, name) for name in fit}
    changed = {name: value for name, value in fit.items() if value != before[name]}
    if changed:
        check_reachable(client, changed)
        for name, value in changed.items():
            setattr(client, name, value)
        if "sms_number" in changed:
            client.sms_number_since = func.clock_timestamp()
        if "messaging_service_sid" in changed:
            client.messaging_service_since = func.clock_timestamp()
        store(session, client)
        _audit(session, actor, "client.changed", client, {name: before[name] for name in changed}, changed)
    return client


def change_booking(
    session: Session,
    client_id: UUID,
    mode: BookingMode,
    url: str | None,
    actor: Actor,
    *,
    version: datetime | None = None,
) -> Client:
    """Change how a client's customers book, on record: not at all, by an outside page, or by leaving a request.

    An address that is given has to be fit for use whatever the mode, so that nobody finds out when it is switched on.

    Raises ClientNotFoundError, ChangedMeanwhileError, ArchivedError, and UnfitClientError, which says what is wrong.
    """
    url = (url or "").strip() or None
    found = check_booking_url(url)
    if found is not BookingUrl.VALID and (url is not None or mode == "redirect"):
        raise UnfitClientError(_UNFIT[found])
    client = locked_client(session, client_id, version=version)
    before = {"booking_mode": client.booking_mode, "booking_url": _place(client.booking_url)}
    if (client.booking_mode, client.booking_url) != (mode, url):
        client.booking_mode, client.booking_url = mode, url
        store(session, client)
        after = {"booking_mode": mode, "booking_url": _place(url)}
        _audit(session, actor, "client.booking_changed", client, before, after)
    return client


def _place(url: str | None) -> str | None:
    """Return an address without its path and query, which may hold a token."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not an address)"
    return f"{parts.scheme}://{parts.hostname or ''}/…"


def _audit(
    session: Session, actor: Actor, action: str, client: Client, before: dict[str, Any], after: dict[str, Any]
) -> None:
    org_id, client_id = client.org_id, client.id
    act = Act(action, "client", str(client_id), before=before, after=after, org_id=org_id, client_id=client_id)
    record(session, actor, act)
