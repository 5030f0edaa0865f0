"""Tell a person of roles that are wrong, and that they are right again. In platform scopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from domain.access.roles.narrow import override
from domain.access.roles.overrides import stored_overrides
from domain.access.roles.words import sentences
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.notices.models import Notice
from domain.notices.raising import NoticeKind, raise_notice, resolve_notice

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.access.roles.book import Roles

FILES: Final = "role files"
_BY: Final = "gatehouse"
_SHOWN: Final = 3


def tell_of_files(session: Session, mistakes: Sequence[str]) -> None:
    """Raise the notice of wrong role files, or resolve it when there are no mistakes."""
    if mistakes:
        words = f"Changed role files are not taken up, the ones before stay in force. {_listed(mistakes)}"
        raise_notice(session, NoticeKind.ROLE_WRONG, FILES, words, org_id=PLATFORM_ORG_ID)
    else:
        resolve_notice(session, NoticeKind.ROLE_WRONG, FILES, org_id=PLATFORM_ORG_ID, by=_BY)


def tell_of_overrides(session: Session, roles: Roles) -> None:
    """Bring the notices up to date of what organizations changed of roles and is wrong, as in files of a later release.

    A notice that is open already is not counted on.
    """
    open_now = select(Notice.org_id, Notice.subject).where(
        Notice.kind == NoticeKind.ROLE_WRONG.value, Notice.resolved_at.is_(None), Notice.org_id != PLATFORM_ORG_ID
    )
    told = {(org_id, subject) for org_id, subject in session.execute(open_now)}
    wrong = _wrong(session, roles)
    for org_id, role in wrong.keys() - told:
        raise_notice(session, NoticeKind.ROLE_WRONG, role, wrong[org_id, role], org_id=org_id)
    for org_id, role in told - wrong.keys():
        resolve_notice(session, NoticeKind.ROLE_WRONG, role, org_id=org_id, by=_BY)


def _wrong(session: Session, roles: Roles) -> dict[tuple[UUID, str], str]:
    found = {}
    for org_id, stored in stored_overrides(session).items():
        for name, document in stored.items():
            role = roles.roles.get(name)
            if role is None:
                found[org_id, name] = f"The organization changed the role {name}, which no file knows any more."
                continue
            mistakes = override(role, roles.permissions, document).mistakes
            if mistakes:
                kept = "the role looks as its file says, and what it takes away stays away"
                found[org_id, name] = f"What the organization changed of {name} is wrong: {kept}. {_listed(mistakes)}"
    return found


def _listed(mistakes: Sequence[str]) -> str:
    shown = sentences(mistakes[:_SHOWN])
    more = len(mistakes) - _SHOWN
    return f"{shown} And {more} more: gatehouse roles validate." if more > 0 else shown
