"""Database scopes: the only places that open a transaction.

`tenant_scope(org_id)` works as role `gatehouse_app` under row-level security; `platform_scope()` works as role
`gatehouse_platform`, for the dispatcher, maintenance and super admins. Both commit when the block ends and roll back
when it raises. What must happen only once the commit is durable (handing job ids to the broker) is a commit hook.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import DeclarativeBase, Session

if TYPE_CHECKING:
    from uuid import UUID

    import psycopg

CommitHook = Callable[[MutableMapping[Any, Any]], None]
"""Called with `session.info` after a commit. It must not raise: the change it follows is already made."""

_AFTER_COMMIT: Final = "after_commit"

# A process that hangs, or whose machine is gone, must not keep its locks: others wait for the same conversation or
# delivery. The other way round, a server that is gone without a word must not keep a thread for hours.
_GIVE_UP: Mapping[str, str | int] = {
    "options": "-c idle_in_transaction_session_timeout=30s",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
# Both are set each time: what a session was left with by mistake counts for no transaction after it.
_SET_SCOPE = text(
    "SELECT set_config('gatehouse.org_id', :org_id, true), set_config('gatehouse.client_ids', :client_ids, true)"
)


class Base(DeclarativeBase):
    """The declarative base of every table; relationships are declared `lazy="raise"`."""


def sqlalchemy_url(url: str) -> str:
    """Return `url` with the driver that this project uses (psycopg 3)."""
    return url.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+psycopg://", 1)


def psycopg_url(url: str) -> str:
    """Return `url` as libpq reads it: without SQLAlchemy's driver name."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


class Database:
    """Both roles' connections and the scopes over them. Make one a process; threads share it.

    `pre_ping` asks each connection whether it still lives before it is used. A worker goes without: a scope that fails
    on a dead connection is a try that failed, all other pooled connections are then dropped, and the round trip saved
    on every scope is worth more.
    """

    def __init__(
        self, app_url: str, platform_url: str, *, pool_size: int = 10, name: str = "gatehouse", pre_ping: bool = True
    ) -> None:
        self._info: dict[Any, Any] = {}
        self._app = _engine(app_url, pool_size, name, pre_ping=pre_ping)
        self._platform = _engine(platform_url, pool_size, name, pre_ping=pre_ping)
        self._hooks: list[CommitHook] = []

    def on_commit(self, hook: CommitHook, **info: object) -> None:
        """Call `hook` after every commit of a scope; `info` is put into `session.info` of every session."""
        self._hooks.append(hook)
        self._info.update(info)

    def inform(self, **info: object) -> None:
        """Put `info` into `session.info` of every session: what all of a process's transactions go by."""
        self._info.update(info)

    @contextmanager
    def tenant_scope(self, org_id: UUID, clients: Collection[UUID] | None = None) -> Iterator[Session]:
        """Open a transaction that sees and writes only the rows of one organization, or of some of its clients.

        With `clients` (an empty one: of none), rows that belong to no client are hidden as well.
        """
        with self._scope(self._app) as session:
            session.info["org_id"] = org_id
            ids = ""
            if clients is not None:
                ids = "{" + ",".join(str(client_id) for client_id in clients) + "}"
                session.info["client_ids"] = frozenset(clients)
            session.execute(_SET_SCOPE, {"org_id": str(org_id), "client_ids": ids})
            yield session

    @contextmanager
    def platform_scope(self) -> Iterator[Session]:
        """Open a transaction that sees all organizations' rows."""
        with self._scope(self._platform) as session:
            yield session

    @contextmanager
    def _scope(self, engine: Engine) -> Iterator[Session]:
        with Session(engine, expire_on_commit=False, info=dict(self._info)) as session:
            with session.begin():
                yield session
            for act in session.info.get(_AFTER_COMMIT, ()):
                act()
            for hook in self._hooks:
                hook(session.info)

    def close(self) -> None:
        """Close all pooled connections."""
        self._app.dispose()
        self._platform.dispose()


def after_commit(session: Session, act: Callable[[], object]) -> None:
    """Call `act` once the scope of `session` has committed; not at all when it rolls back. It must not raise."""
    session.info.setdefault(_AFTER_COMMIT, []).append(act)


def raw_connection(session: Session) -> psycopg.Connection[Any]:
    """Return the psycopg connection under a session, inside its transaction, for statements on a hot path."""
    return cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)


def _engine(url: str, pool_size: int, name: str, *, pre_ping: bool) -> Engine:
    return create_engine(
        make_url(sqlalchemy_url(url)),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=pre_ping,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={"application_name": name, "connect_timeout": 5, "prepare_threshold": 2, **_GIVE_UP},
    )
