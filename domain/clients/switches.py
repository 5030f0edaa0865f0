"""Throwing a client's kill switches. They are read by the gate, and by nothing else."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from domain.audit.record import Act, Actor, record
from domain.clients.locking import locked_client
from domain.clients.models import Client
from domain.kernel.errors import NotFoundError
from domain.kernel.reasons import fit_reason

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import InstrumentedAttribute, Session


class Switch(StrEnum):
    """What can be stopped for one client. The value is the column's name."""

    OUTBOUND = "outbound_paused"
    """Everything that would leave: texts to contacts and alerts to the owner."""
    NOTIFICATIONS = "notifications_paused"
    """Alerts to the owner."""
    AI = "ai_disabled"
    """Composed replies; contacts get the fallback text instead."""


_COLUMNS: Final[dict[Switch, InstrumentedAttribute[bool]]] = {
    Switch.OUTBOUND: Client.outbound_paused,
    Switch.NOTIFICATIONS: Client.notifications_paused,
    Switch.AI: Client.ai_disabled,
}


def throw_switch(
    session: Session, client_id: UUID, switch: Switch, actor: Actor, *, stopped: bool, reason: str
) -> Client:
    """Stop what a switch is for, or let it go on, on record, as `pause` and `resume` do. Twice is as good as once.

    Raises ClientNotFoundError, ReasonMissingError, and ArchivedError.
    """
    reason = fit_reason(reason)
    client = locked_client(session, client_id)
    if _throw(session, client_id, switch, stopped=stopped):
        session.refresh(client)
        record(
            session,
            actor,
            Act(
                "client.switch_thrown",
                "client",
                str(client_id),
                reason,
                before={switch.value: not stopped},
                after={switch.value: stopped},
                org_id=client.org_id,
                client_id=client_id,
            ),
        )
    return client


def pause(session: Session, client_id: UUID, switch: Switch) -> bool:
    """Stop what the switch is for, from the commit on; what is about to be sent asks the gate once more.

    Returns False when it was stopped already.

    Raises:
        NotFoundError: there is no such client in this scope.

    """
    return _throw(session, client_id, switch, stopped=True)


def resume(session: Session, client_id: UUID, switch: Switch) -> bool:
    """Let what the switch is for go on. What was suppressed in the meantime stays suppressed.

    Returns False when it was not stopped.

    Raises:
        NotFoundError: there is no such client in this scope.

    """
    return _throw(session, client_id, switch, stopped=False)


def _throw(session: Session, client_id: UUID, switch: Switch, *, stopped: bool) -> bool:
    column = _COLUMNS[switch]
    changed = session.execute(
        update(Client)
        .where(Client.id == client_id, column.is_not(stopped))
        .values({column: stopped})
        .returning(Client.id)
        .execution_options(synchronize_session="fetch")
    ).first()
    if changed is not None:
        return True
    if session.execute(select(Client.id).where(Client.id == client_id)).first() is None:
        raise NotFoundError("There is no such client in this organization.")
    return False
