"""What row-level security and the scopes cost on the hot paths: the same calls as a role that row-level security skips.

Each path is a transaction as production runs it, through `Database` and with the capability's own query. The role
without row-level security needs no scope, so its transaction has no `set_config` either: all of it is in the ratio.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg

from benchmarks.plan import Plan
from benchmarks.results import Aim, Result, at_most
from benchmarks.stage import Stage
from domain.conversations.accept import ACCEPT, Inbound, parameters
from domain.conversations.window import read_window
from domain.delivery.listing import Which, list_deliveries
from domain.delivery.repository import lock_delivery
from domain.gate.snapshot import load_snapshot
from domain.kernel.database import Database, raw_connection
from tests.support.databases import DatabaseUrls

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ORGANIZATIONS, CLIENTS = 20, 5
ROWS = 100_000
"""Deliveries, and as many messages, of all organizations together."""
TRANSACTIONS = 100
ROUNDS = 5
_WARM_UP = 5
_BYPASSING: Final = "gatehouse_bypassing"
_FREE: Final = "without row-level security"

# Ids that can be told from their number: `01930000-0000-7000-<kind>-<number>`.
_ID: Final = "('01930000-0000-7000-{kind}-' || lpad(({number})::text, 12, '0'))::uuid"
_FILL: Final = (
    "INSERT INTO organizations (id, slug, name) SELECT {org}, 'o' || o, 'An organization'"
    " FROM generate_series(1, {orgs}) o",
    "INSERT INTO clients (id, org_id, slug, name) SELECT {client}, {org}, 'c' || c, 'A client'"
    " FROM generate_series(1, {orgs}) o, generate_series(1, {clients}) c",
    "INSERT INTO client_settings (client_id, org_id) SELECT id, org_id FROM clients",
    "INSERT INTO contacts (id, org_id, client_id, channel, address) SELECT {client}, {org}, {client}, 'web', 'a'"
    " FROM generate_series(1, {orgs}) o, generate_series(1, {clients}) c",
    "INSERT INTO conversations (id, org_id, client_id, contact_id, channel)"
    " SELECT {client}, {org}, {client}, {client}, 'web'"
    " FROM generate_series(1, {orgs}) o, generate_series(1, {clients}) c",
    "INSERT INTO messages (id, org_id, client_id, conversation_id, direction, channel, address, author, body,"
    " correlation_id, processed_at) SELECT {row}, {org}, {client}, CASE WHEN n < {few} THEN {client} END, 'in', 'web',"
    " 'a', 'contact', 'A text', {row}, now() FROM {numbered}",
    "INSERT INTO deliveries (id, org_id, client_id, message_id, purpose, channel, to_address, body, state)"
    " SELECT {row}, {org}, {client}, {row}, 'reply', 'sms', '+15005550001', 'A text', 'delivered' FROM {numbered}",
)
_NUMBERED: Final = (
    "(SELECT n, 1 + n % {orgs} AS o, 1 + n / {orgs} % {clients} AS c FROM generate_series(0, {rows} - 1) n) t"
)

Scope = Callable[[], "AbstractContextManager[Session]"]


@dataclass(frozen=True, slots=True)
class _Path:
    """One hot path. `aim`: the highest ratio; a scope's own round trip is no matter of taste, so most have none."""

    name: str
    work: Callable[[Session], object]
    scopes: Mapping[str, Scope]
    aim: Aim | None = None


def measure(stage: Stage, plan: Plan) -> list[Result]:
    """Measure each path in all its scopes, on one database."""
    results: list[Result] = []
    with stage.fresh() as urls, ExitStack() as stack:
        fill(urls, int(ROWS * plan.scale))
        ours = stack.enter_context(closing(Database(urls.app, urls.platform, pool_size=1)))
        bypassing = stack.enter_context(closing(_bypassing(urls)))
        for path in _paths(ours, bypassing.platform_scope):
            print(f"    {path.name}", flush=True)
            figures = _rounds(path, max(plan.rounds, ROUNDS))
            results += [
                Result(f"{path.name}, {name}", "µs", figures[name], _FREE, figures[_FREE], path.aim)
                for name in path.scopes
                if name != _FREE
            ]
    return results


def fill(urls: DatabaseUrls, rows: int) -> None:
    """Write the rows of all organizations, and the role that row-level security skips but that may do as much."""
    numbers = {"orgs": ORGANIZATIONS, "clients": CLIENTS, "rows": rows, "few": 1_000}
    names = {
        "org": _ID.format(kind="8001", number="o"),
        "client": _ID.format(kind="8002", number=f"o * {CLIENTS} + c"),
        "row": _ID.format(kind="8003", number="n"),
        "numbered": _NUMBERED.format(**numbers),
    }
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        for statement in _FILL:
            connection.execute(statement.format(**names, **numbers).encode())
        connection.execute("VACUUM (ANALYZE)")
        connection.execute(f"DROP ROLE IF EXISTS {_BYPASSING}")
        connection.execute(
            f"CREATE ROLE {_BYPASSING} LOGIN BYPASSRLS PASSWORD '{_BYPASSING}'"
            " IN ROLE gatehouse_app, gatehouse_platform"
        )


def _paths(ours: Database, free: Scope) -> list[_Path]:
    org_id, client_id = _id("8001", 3), _id("8002", 3 * CLIENTS + 2)
    delivery_id = _id("8003", 2 + ORGANIZATIONS)
    tenant: Mapping[str, Scope] = {
        _FREE: free,
        "in a tenant's scope": partial(ours.tenant_scope, org_id),
        "narrowed to a client": partial(ours.tenant_scope, org_id, [client_id]),
    }
    platform: Mapping[str, Scope] = {_FREE: free, "in a platform scope": ours.platform_scope}

    def accept(session: Session) -> object:
        inbound = Inbound(org_id, client_id, "sms", "+15005550001", "A text", f"SM{time.monotonic_ns()}")
        return raw_connection(session).execute(ACCEPT, parameters([inbound], direct=True)).fetchall()

    return [
        _Path("webhook accepted (one message and its job)", accept, platform, at_most(1.25)),
        _Path(
            "the gate's snapshot",
            lambda session: load_snapshot(session, client_id, now=datetime.now(UTC)),
            tenant,
        ),
        _Path("delivery loaded to be sent", lambda session: lock_delivery(session, delivery_id), tenant),
        _Path(
            "50 deliveries listed",
            lambda session: list_deliveries(session, Which(client_id=client_id), limit=50),
            tenant,
        ),
        _Path("a thread read", lambda session: read_window(session, client_id, None), tenant),
    ]


def _rounds(path: _Path, rounds: int) -> Mapping[str, Sequence[float]]:
    """Return the median microseconds of a transaction in each scope and round.

    The scopes take turns with every transaction, so that whatever else the machine does meets all of them alike.
    """
    figures: dict[str, list[float]] = {name: [] for name in path.scopes}
    for number in range(rounds):
        times: dict[str, list[float]] = {name: [] for name in path.scopes}
        for _ in range(_WARM_UP + TRANSACTIONS):
            for name, scope in path.scopes.items():
                started = time.perf_counter()
                with scope() as session:
                    assert path.work(session)
                times[name].append(time.perf_counter() - started)
        for name, taken in times.items():
            figures[name].append(statistics.median(taken[_WARM_UP:]) * 1e6)
        shown = ", ".join(f"{name} {all_[-1]:,.0f}" for name, all_ in figures.items())
        print(f"    round {number + 1}: {shown}", flush=True)
    return figures


def _bypassing(urls: DatabaseUrls) -> Database:
    parts = urlsplit(urls.app)
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=f"{_BYPASSING}:{_BYPASSING}@{host}"))
    return Database(url, url, pool_size=1)


def _id(kind: str, number: int) -> UUID:
    return UUID(f"01930000-0000-7000-{kind}-{number:012d}")
