"""Tell operators of circuits that stay open, and that they have closed again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from domain.clients.models import Client
from domain.notices.models import Notice
from domain.notices.raising import NoticeKind, raise_notice, resolve_notice

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TOLD_AFTER: Final = 60.0
"""Seconds. A provider that is away for a moment is nobody's business."""
_BY: Final = "the circuit, which closed or is not used any more"
_WORDS: Final = (
    "Calls to {provider} fail for {client}, so its texts and e-mails wait and use up no tries. One call tries it every"
    " few seconds; the circuit closes by itself."
)


def tell_of_circuits(session: Session, open_since: Mapping[tuple[str, UUID], float], now: float) -> None:
    """Raise a notice for each circuit that has been open for a while, once, and resolve those of closed ones.

    `open_since` has the open circuits of providers in use, by provider and client; times are Unix times. Needs the
    platform scope.
    """
    told = {
        notice.subject: notice
        for notice in session.scalars(
            select(Notice).where(Notice.kind == NoticeKind.CIRCUIT_OPEN.value, Notice.resolved_at.is_(None))
        )
    }
    lasting = {
        f"{provider}:{client_id}": client_id
        for (provider, client_id), since in open_since.items()
        if now - since >= TOLD_AFTER
    }
    new = {subject: client_id for subject, client_id in lasting.items() if subject not in told}
    if new:
        clients = session.execute(select(Client.id, Client.org_id, Client.name).where(Client.id.in_(new.values())))
        known = {client_id: (org_id, name) for client_id, org_id, name in clients}
        for subject, client_id in new.items():
            if client_id in known:
                org_id, name = known[client_id]
                words = _WORDS.format(provider=subject.partition(":")[0], client=name)
                raise_notice(session, NoticeKind.CIRCUIT_OPEN, subject, words, org_id=org_id, client_id=client_id)
    still_open = {f"{provider}:{client_id}" for provider, client_id in open_since}
    for subject, notice in told.items():
        if subject not in still_open:
            resolve_notice(session, NoticeKind.CIRCUIT_OPEN, subject, org_id=notice.org_id, by=_BY)
