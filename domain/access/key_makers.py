"""Whether those who made API keys are still there. A key is its organization's and works on without them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from sqlalchemy import select

from domain.access.models import ApiKey, Membership, User
from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Maker = Literal["here", "left", "nobody"]
"""Of a key's maker: has a role in its organization or on the platform; has none any more; was no person with an account
(a command on the server, the admin token, another key)."""


def makers_of(session: Session, keys: Iterable[ApiKey], *, sees_accounts: bool) -> Mapping[UUID, Maker]:
    """Return by the ids of keys how their makers stand. Needs a platform scope.

    `sees_accounts`: whoever asks may know that an account is disabled (`Within.sees_accounts`), which is as good as
    having left. To all others its person is where their roles are.
    """
    made_by = {key.id: (key.created_by_user, key.org_id) for key in keys}
    people = {user_id for user_id, _ in made_by.values() if user_id is not None}
    query = (
        select(Membership.user_id, Membership.org_id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.user_id.in_(people), Membership.accepted_at.is_not(None))
    )
    if sees_accounts:
        query = query.where(User.disabled_at.is_(None))
    there = {(user_id, org_id) for user_id, org_id in session.execute(query)} if people else set()

    def standing(user_id: UUID | None, org_id: UUID) -> Maker:
        if user_id is None:
            return "nobody"
        return "here" if there & {(user_id, org_id), (user_id, PLATFORM_ORG_ID)} else "left"

    return {key_id: standing(*made) for key_id, made in made_by.items()}
