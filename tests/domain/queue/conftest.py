"""A lab for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import Databases, DatabaseUrls
from tests.support.queue_lab import Lab
from tests.support.queue_lab import lab as open_lab


@pytest.fixture(scope="session")
def lab_urls(databases: Databases) -> Iterator[DatabaseUrls]:
    """Give the database that the labs of this directory use one after the other."""
    with databases.migrated() as urls:
        yield urls


@pytest.fixture
def lab(lab_urls: DatabaseUrls) -> Iterator[Lab]:
    """Give an empty queue with one worker."""
    with open_lab(lab_urls) as opened:
        yield opened
