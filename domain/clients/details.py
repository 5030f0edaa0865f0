"""Who a client is: the details that a person gives, as they are stored and as the audit log shows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypedDict

from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from domain.clients.emails import is_email
from domain.clients.errors import StillNeededError, TakenError, UnfitClientError
from domain.clients.models import Client
from domain.clients.numbers import parse_number
from domain.clients.words import fit_text, fit_timezone
from domain.tenancy.words import fit_name

_SERVICE: Final = re.compile(r"MG[0-9a-f]{32}")
_LONGEST_NAME: Final = 200


class Details(TypedDict, total=False):
    """Details of a client; one that is left out stays, None takes it away. Numbers as a person writes them."""

    name: str
    timezone: str
    sms_number: str | None
    messaging_service_sid: str | None
    owner_name: str | None
    owner_phone: str | None
    owner_email: str | None


def fit_details(details: Details) -> dict[str, Any]:
    """Return details as they are stored. Raises UnfitClientError, InvalidNumberError and UnfitNameError."""
    return {name: _FIT[name](value) for name, value in details.items()}


def check_reachable(client: Client, changed: Mapping[str, Any]) -> None:
    """Refuse to leave a live client without a number, or without an owner to alert. Raises StillNeededError."""
    if not client.onboarding_complete:
        return

    def lacks(*names: str) -> bool:
        return all(changed.get(name, getattr(client, name)) is None for name in names)

    if lacks("sms_number", "messaging_service_sid"):
        raise StillNeededError("The client is live, so it needs a number or a Messaging Service. Give another instead.")
    if lacks("owner_phone", "owner_email"):
        raise StillNeededError("The client is live, so it needs an owner to alert: a mobile number or an address.")


def store(session: Session, client: Client) -> None:
    """Write what was set on a client. Raises TakenError for a number, service or slug that another client has."""
    try:
        with session.begin_nested():
            session.add(client)
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise TakenError(_TAKEN.get(error.orig.diag.constraint_name or "")) from None
        raise
    session.refresh(client)


def _number(text: str | None) -> str | None:
    return parse_number(text) if text else None


def _service(sid: str | None) -> str | None:
    if sid and _SERVICE.fullmatch(sid) is None:
        raise UnfitClientError("A Messaging Service's id is MG and 32 digits or letters from a to f.")
    return sid or None


def _email(address: str | None) -> str | None:
    if address and not is_email(address):
        raise UnfitClientError("That is not an e-mail address that can be written to.")
    return address or None


_FIT: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "name": fit_name,
    "timezone": fit_timezone,
    "sms_number": _number,
    "messaging_service_sid": _service,
    "owner_name": lambda text: fit_text(text, "owner's name", _LONGEST_NAME),
    "owner_phone": _number,
    "owner_email": _email,
}
_TAKEN: Final[Mapping[str, str]] = {
    "clients_sms_number_key": "Another client has this number. Archive that one, or give it another number, first.",
    "clients_messaging_service_of_one_organization": "This Messaging Service is another organization's.",
    "clients_org_id_slug_key": "Another client of this organization has this slug. Give one yourself.",
}
