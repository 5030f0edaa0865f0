"""A notice is one, however often it happens, and comes again after it was resolved."""

from __future__ import annotations

from contextlib import closing

import pytest

from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.notices.raising import NoticeKind, open_notices, raise_notice, resolve_notice
from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
_KIND, _SUBJECT = NoticeKind.CIRCUIT_OPEN, "twilio"


def test_a_notice_is_counted_while_it_is_open_and_new_after_it_was_resolved(database_urls: DatabaseUrls) -> None:
    with closing(Database(database_urls.app, database_urls.platform)) as database, database.platform_scope() as session:
        raised = [raise_notice(session, _KIND, _SUBJECT, "Ask +15005550006.", org_id=PLATFORM_ORG_ID) for _ in range(2)]
        (notice,) = open_notices(session)
        assert (notice.count, "5550006" in notice.words) == (2, False)
        assert resolve_notice(session, _KIND, _SUBJECT, org_id=PLATFORM_ORG_ID, by="a test")
        assert not open_notices(session)
        raised.append(raise_notice(session, _KIND, _SUBJECT, "Again.", org_id=PLATFORM_ORG_ID))
    assert raised == [True, False, True]


def test_there_is_nothing_to_resolve_twice(database_urls: DatabaseUrls) -> None:
    with closing(Database(database_urls.app, database_urls.platform)) as database, database.platform_scope() as session:
        assert not resolve_notice(session, _KIND, _SUBJECT, org_id=PLATFORM_ORG_ID, by="a test")
