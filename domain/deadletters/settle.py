"""Resolve the notices of causes of which nothing is dead any more."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from domain.kernel.database import raw_connection
from domain.notices.raising import NoticeKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# What is still dead is gathered once, not looked for notice by notice: one cause may have a hundred thousand letters
# and a notice in each of many organizations.
_SETTLE: Final = """
    UPDATE operator_notices SET resolved_at = now(), resolved_by = %(by)s
    WHERE kind = %(kind)s AND resolved_at IS NULL AND subject = ANY(%(causes)s)
        AND (org_id, subject) NOT IN (
            SELECT DISTINCT org_id, fingerprint FROM jobs WHERE state = 'dead' AND fingerprint = ANY(%(causes)s))
"""
_SETTLE_ALL: Final = _SETTLE.replace("AND subject = ANY(%(causes)s)", "").replace(
    "fingerprint = ANY(%(causes)s)", "fingerprint IS NOT NULL"
)


def settle_notices(session: Session, causes: Collection[str] | None, by: str) -> int:
    """Resolve open notices of these fingerprints (None: all) of which no letter is left; return how many."""
    session.flush()
    statement = _SETTLE_ALL if causes is None else _SETTLE
    parameters = {"by": by, "kind": NoticeKind.DEAD_LETTER.value, "causes": list(causes or [])}
    return raw_connection(session).execute(statement, parameters).rowcount
