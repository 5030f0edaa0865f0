"""The finder of people: by id, name and address, among those whose roles are within reach."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from api.dashboard.finder import FEW, Asked, Hit
from api.dashboard.finders import is_name, joined
from domain.access.users import UserFilter, list_users, show_user
from domain.access.within import Within
from domain.kernel.errors import NotFoundError

if TYPE_CHECKING:
    from api.access.requires import Access
    from domain.access.users import ListedUser
    from domain.kernel.database import Database


class UserFinder:
    """People by id, address and name."""

    title = "People"
    takes = "a person's name, e-mail address or id"
    permission = "users.view"

    def find(self, access: Access, asked: Asked, database: Database) -> Sequence[Hit]:
        """Return the people within reach with this id, or with these letters in their name or address."""
        within = Within.reach(access.org_id, access.reach)
        with database.platform_scope() as session:
            found: Sequence[ListedUser] = []
            if asked.uuid is not None:
                with suppress(NotFoundError):
                    found = [show_user(session, asked.uuid, within)]
            elif is_name(asked):
                found = list_users(session, UserFilter(asked.words), within, limit=FEW)
            return [
                Hit(
                    one.user.name or one.user.email,
                    f"/dashboard/users/{one.user.id}",
                    joined(one.user.email, one.state),
                )
                for one in found
            ]
