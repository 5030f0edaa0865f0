"""The scheduler's announcer: it tells of deaths until it is stopped, also after the database was away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from domain.queue.messages import JOB_DIED
from tests.support.eventually import eventually
from tests.support.queue_lab import ORG, Lab
from workers.announcer import Announcer

pytestmark = pytest.mark.integration


@contextmanager
def _running(announcer: Announcer) -> Iterator[None]:
    stopping = threading.Event()
    thread = threading.Thread(target=announcer.run, args=(stopping,))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(10)
        assert not thread.is_alive()


def _told(lab: Lab) -> int:
    told: int = lab.value("SELECT count(*) FROM jobs WHERE kind = %s", JOB_DIED)
    return told


def test_deaths_are_told_until_it_is_stopped(lab: Lab) -> None:
    lab.backlog(ORG, 1, state="dead")
    with _running(Announcer(lab.database)):
        eventually(lambda: _told(lab) == 1)
        lab.backlog(ORG, 1, state="dead")
        eventually(lambda: _told(lab) == 2)
    lab.backlog(ORG, 1, state="dead")
    assert lab.value("SELECT count(*) FROM jobs WHERE state = 'dead' AND announced_at IS NULL") == 1


def test_a_database_that_was_away_is_found_again(lab: Lab) -> None:
    with _running(Announcer(lab.database)):
        lab.backlog(ORG, 1, state="dead")
        eventually(lambda: _told(lab) == 1)
        with psycopg.connect(lab.urls.superuser, autocommit=True) as superuser:
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'gatehouse'"
            )
        lab.backlog(ORG, 1, state="dead")
        eventually(lambda: _told(lab) == 2)
