"""Housekeeping: room for the coming months, also where attempts came before the room did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from domain.kernel.ids import new_id
from domain.queue.upkeep import keep_up

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
_PLACE = "SELECT tableoid::regclass::text FROM job_attempts WHERE job_id = %s"


def test_room_is_made_once(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        assert keep_up(connection)["partitions_made"] == 0
        assert connection.execute("SELECT ensure_job_attempt_partitions(5)").fetchone() == (3,)
        assert connection.execute("SELECT ensure_job_attempt_partitions(5)").fetchone() == (0,)


def test_attempts_without_a_partition_move_into_it_once_there_is_one(database_urls: DatabaseUrls) -> None:
    job_id = new_id()
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO job_attempts (job_id, attempt, org_id, started_at)"
            " VALUES (%s, 1, %s, now() + interval '8 months')",
            (job_id, new_id()),
        )
        assert connection.execute(_PLACE, (job_id,)).fetchone() == ("job_attempts_default",)

        connection.execute("SELECT ensure_job_attempt_partitions(9)")

        place = connection.execute(_PLACE, (job_id,)).fetchone()
        assert place is not None
        assert place[0].startswith("job_attempts_20")
