"""An application with rows of every kind, behind a real port of this process, for looking at its pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg

from api.app import create_app
from domain.kernel.ids import PLATFORM_ORG_ID
from migrations.seeds import apply
from tests.support.app_settings import app_settings
from tests.support.counted import count_a_day
from tests.support.live_app import LiveApp
from tests.support.signing_in import PASSWORD, add_person
from tests.support.whose import fill

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.support.databases import DatabaseUrls

OPERATOR: Final = "ada@example.com"
# What stands for a parameter of a path besides the rows that every tenant table has.
_IDS: Final[Mapping[str, LiteralString]] = {
    "job_id": "SELECT id FROM jobs WHERE state = 'dead' ORDER BY id LIMIT 1",
    "fingerprint": "SELECT fingerprint FROM jobs WHERE state = 'dead' ORDER BY id LIMIT 1",
    "operation_id": "SELECT id FROM dead_operations LIMIT 1",
    "org_id": "SELECT org_id FROM jobs WHERE state = 'dead' ORDER BY id LIMIT 1",
}
_JOBS: Final = """
    INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts, attempt, created_at, run_at, finished_at,
        attempted_at, last_error, error_class, fingerprint)
    SELECT (lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
            || '8' || substr(md5(random()::text), 1, 15))::uuid,
        c.org_id, kind, queue, '{}', state, 5, 1, made, made,
        CASE WHEN state IN ('completed', 'dead') THEN now() - n * interval '6 minutes' END,
        now() - n * interval '6 minutes', error, CASE WHEN error IS NOT NULL THEN 'ProviderError' END,
        CASE WHEN error IS NOT NULL THEN md5(error) END
    FROM (SELECT org_id FROM clients ORDER BY id LIMIT 1) c, generate_series(1, 6) n,
        LATERAL (SELECT now() - n * interval '7 minutes' AS made) AS times,
        (VALUES ('delivery.send', 'outbound', 'completed', NULL),
            ('delivery.send', 'outbound', 'dead', 'The provider answered 500.'),
            ('conversations.process', 'inbound', 'available', NULL),
            ('webhooks.send', 'default', 'retryable', 'The endpoint answered 503.')) AS k (kind, queue, state, error)
"""


_OPERATION: Final = """
    INSERT INTO dead_operations (id, action, filter, per_minute, actor, reason, state, total, done, skipped)
    VALUES (gen_random_uuid(), 'requeue', '{"kind": "delivery.send"}', 60, 'ada@example.com', 'The provider is back',
        'running', 128, 40, 3)
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the application answers, and ids of its rows by the names of paths' parameters."""

    url: str
    ids: Mapping[str, str]


@contextmanager
def staged(urls: DatabaseUrls, redis_url: str, directory: Path) -> Iterator[Stage]:
    """Serve an application with rows; `OPERATOR` with the password `PASSWORD` may see and do everything."""
    given = {"database_url": urls.app, "platform_database_url": urls.platform}
    settings = app_settings(
        directory, redis_url=redis_url, broker_url=redis_url, allowed_hosts="", sms_provider="sandbox", **given
    )
    places = fill(urls.superuser, settings)
    apply(urls.platform, "demo")
    add_person(urls.platform, OPERATOR, ("super_admin", PLATFORM_ORG_ID, None), name="Ada Byron")
    with psycopg.connect(urls.superuser) as connection:
        connection.execute(_JOBS)
        connection.execute(_OPERATION)
        rows = {name: connection.execute(query).fetchone() for name, query in _IDS.items()}
        row = connection.execute("SELECT org_id, id FROM clients ORDER BY id LIMIT 1").fetchone()
    assert row is not None
    count_a_day(urls, *row)
    ids = places.here.ids | {name: str(row[0]) for name, row in rows.items() if row is not None}
    with LiveApp(lambda url: create_app(settings.model_copy(update={"public_url": url}))) as app:
        yield Stage(app.url, ids)


def sign_in(page: Page, stage: Stage) -> None:
    """Sign the operator in."""
    page.goto(f"{stage.url}/sign-in")
    page.get_by_label("E-mail address").fill(OPERATOR)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/sign-in" not in address)
