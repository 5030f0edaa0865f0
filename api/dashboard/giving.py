"""Forms that give something, a role or a key: in which organization, and for all of it or for one of its clients.

What they give counts in the organization that stood on the page. Another one may have been chosen since, in another
tab: so such a form says which one it was drawn for, in the field `org`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from api.dashboard.deliveries import client_options
from api.errors import ProblemError

if TYPE_CHECKING:
    from api.access.requires import Access

FIELD: Final = "org"


def organization_of(access: Access, sent: Mapping[str, str]) -> UUID:
    """Return the organization in which a form gives something: the request's, for which it was drawn.

    Raises ProblemError: 409 when another one was chosen since, 422 while none is.
    """
    drawn_for = sent.get(FIELD, "")
    if access.org_id is None and not drawn_for:
        raise ProblemError(422, "Choose the organization first: its name stands at the top of each page.")
    if access.org_id is None or drawn_for != str(access.org_id):
        raise ProblemError(
            409,
            "Nothing was changed: another organization was chosen since this form was opened. Open its page again, see"
            " which organization it names, and send it from there.",
        )
    return access.org_id


def places(access: Access, permission: str) -> Sequence[tuple[str, str]]:
    """Return what somebody may give with a permission, as the options of `client`; none before they may give at all."""
    giving = access.by(permission)
    if giving is None or giving.organization is None:
        return []
    with giving.scope() as session:
        clients = client_options(session)[1:]
    return clients if giving.reach.clients is not None else [("", f"All of {giving.organization.name}"), *clients]


def client_of(sent: Mapping[str, str]) -> UUID | None:
    """Return the client that a form names, None for all of the organization. Raises ValueError."""
    written = sent.get("client", "")
    return UUID(written) if written else None
