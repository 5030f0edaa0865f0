"""A queue with dead letters in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.audit.record import Actor
from tests.support.databases import Databases, DatabaseUrls
from tests.support.queue_lab import Lab
from tests.support.queue_lab import lab as open_lab

OPERATOR = Actor("night", "operator")


@pytest.fixture(scope="module")
def lab_urls(databases: Databases) -> Iterator[DatabaseUrls]:
    """Give the database that the labs of a module use one after the other."""
    with databases.migrated() as urls:
        yield urls


@pytest.fixture
def lab(lab_urls: DatabaseUrls) -> Iterator[Lab]:
    """Give an empty queue with one worker."""
    with open_lab(lab_urls) as opened:
        opened.execute("DELETE FROM dead_operations")
        opened.execute("DELETE FROM operator_notices")
        yield opened
