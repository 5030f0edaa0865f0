"""A tenant with endpoints, and a receiver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import DatabaseUrls
from tests.support.webhook_house import House, webhook_house
from tests.support.webhook_receiver import Receiver


@pytest.fixture
def house(database_urls: DatabaseUrls) -> Iterator[House]:
    """Give the demo tenant without any endpoint."""
    with webhook_house(database_urls) as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a receiver that answers 204."""
    with Receiver() as started:
        yield started
