"""Maintenance for cron, one job's story, and dead letters, on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest

from domain.kernel.ids import PLATFORM_ORG_ID, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


@pytest.fixture
def dead(database_urls: DatabaseUrls) -> Sequence[UUID]:
    """Two dead letters that failed alike, and a third of another kind."""
    ids = [new_id() for _ in range(3)]
    rows = [
        (ids[0], "delivery.send", "f-1", "to +15005550006: 30007", "2026-01-01T00:00:00Z"),
        (ids[1], "delivery.send", "f-1", "to +15005550007: 30007", "2026-01-02T00:00:00Z"),
        (ids[2], "conversations.process", "f-2", "no such client", "2026-01-03T00:00:00Z"),
    ]
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        for job_id, kind, fingerprint, error, died in rows:
            connection.execute(
                """INSERT INTO jobs (id, org_id, kind, queue, args, state, priority, run_at, attempt, max_attempts,
                   last_error, fingerprint, finished_at)
                   VALUES (%s, %s, %s, 'default', '{"body": "my pipe burst"}', 'dead', 0, now(), 1, 1, %s, %s, %s)""",
                (job_id, PLATFORM_ORG_ID, kind, error, fingerprint, died),
            )
            connection.execute(
                """INSERT INTO job_attempts (job_id, attempt, started_at, org_id, finished_at, outcome, reason)
                   VALUES (%s, 1, now(), %s, now() + interval '12 ms', 'dead', %s)""",
                (job_id, PLATFORM_ORG_ID, error),
            )
    return ids


def states(urls: DatabaseUrls, ids: Sequence[UUID]) -> list[str]:
    with psycopg.connect(urls.superuser) as connection:
        found: dict[UUID, str] = dict(connection.execute("SELECT id, state FROM jobs").fetchall())
    return [found[job_id] for job_id in ids]


def test_maintenance_is_listed_and_run(gatehouse: Run, environment: Environment, database_urls: DatabaseUrls) -> None:
    listed = json.loads(gatehouse("jobs", "list", "--json").out)
    assert "queue-upkeep" in [job["name"] for job in listed]
    assert "queue-upkeep" in gatehouse("jobs", "list").out
    ended = gatehouse("jobs", "run", "queue-upkeep", settings=environment)
    assert ended.status == 0
    assert ended.out.startswith("queue-upkeep: ")
    with psycopg.connect(database_urls.superuser) as connection:
        rows = connection.execute("SELECT name, outcome, words FROM maintenance_runs").fetchall()
    assert [(name, outcome) for name, outcome, _ in rows] == [("queue.upkeep", "done")]
    assert ended.out.strip() == f"queue-upkeep: {rows[0][2]}"


def test_unknown_maintenance_fails_in_words(gatehouse: Run, environment: Environment) -> None:
    ended = gatehouse("jobs", "run", "nothing", settings=environment)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("There is no maintenance job 'nothing'. There are: ")


def test_dead_letters_are_listed_redacted_and_filtered(
    gatehouse: Run, environment: Environment, dead: Sequence[UUID]
) -> None:
    shown = gatehouse("dead", "list", settings=environment).out
    assert all(str(job_id) in shown for job_id in dead)
    assert "5550006" not in shown
    rows = json.loads(gatehouse("dead", "list", "--kind", "delivery.send", "--before", "2026-01-02", "--json").out)
    assert [row["id"] for row in rows] == [str(dead[0])]
    assert gatehouse("dead", "list", "--fingerprint", "f-3").out == "Nothing is dead.\n"
    assert gatehouse("dead", "list", "--limit", "1").out.endswith("1 of 3.\n")


def test_a_job_is_shown_with_its_attempts(gatehouse: Run, environment: Environment, dead: Sequence[UUID]) -> None:
    for command in ("dead", "jobs"):
        shown = gatehouse(command, "show", str(dead[0]), settings=environment).out
        assert "delivery.send" in shown
        assert "12 ms" in shown
        assert "my pipe burst" not in shown
        assert "5550006" not in shown
    missing = gatehouse("jobs", "show", str(new_id()))
    assert missing.status == 1
    assert missing.err.startswith("There is no job ")


def test_requeue_needs_to_be_told_which(gatehouse: Run, environment: Environment, dead: Sequence[UUID]) -> None:
    ended = gatehouse("dead", "requeue", "--yes", settings=environment)
    assert ended.status == 1
    assert ended.err.startswith("Say which: ")
    assert gatehouse("dead", "requeue", "--kind", "nothing", "--yes").err == "No dead letter fits that.\n"
    assert len(dead) == 3


def test_requeue_runs_those_that_are_meant_again(
    gatehouse: Run, environment: Environment, dead: Sequence[UUID], database_urls: DatabaseUrls
) -> None:
    ended = gatehouse("dead", "requeue", "--fingerprint", "f-1", "--reason", "fixed", "--yes", settings=environment)
    assert (ended.status, ended.out) == (0, "2 queued again.\n")
    assert states(database_urls, dead) == ["available", "available", "dead"]


def test_discard_keeps_the_reason(
    gatehouse: Run, environment: Environment, dead: Sequence[UUID], database_urls: DatabaseUrls
) -> None:
    ended = gatehouse("dead", "discard", str(dead[2]), "--reason", "client left", "--yes", settings=environment)
    assert (ended.status, ended.out) == (0, "1 discarded.\n")
    assert states(database_urls, dead) == ["dead", "dead", "cancelled"]
    assert "client left" in gatehouse("jobs", "show", str(dead[2])).out


def test_a_doubtful_person_changes_nothing(
    gatehouse: Run, environment: Environment, dead: Sequence[UUID], database_urls: DatabaseUrls
) -> None:
    ended = gatehouse("dead", "requeue", "--all", "--reason", "why not", settings=environment)
    assert (ended.status, ended.err) == (2, "Give --yes.\n")
    assert states(database_urls, dead) == ["dead", "dead", "dead"]
