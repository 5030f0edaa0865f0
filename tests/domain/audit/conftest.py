"""A lab of audit entries for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.audit_lab import AuditLab, audit_lab

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls


@pytest.fixture
def lab(database_urls: DatabaseUrls) -> Iterator[AuditLab]:
    """Give a lab on a database of its own."""
    with audit_lab(database_urls) as lab:
        yield lab
