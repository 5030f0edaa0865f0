"""`gatehouse suppressions`: the list, and a removal that says why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest

from domain.kernel.ids import new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


def test_a_keyword_is_obeyed_until_somebody_says_why_not(
    gatehouse: Run, environment: Environment, database_urls: DatabaseUrls
) -> None:
    apply(database_urls.platform, "demo")
    suppression = new_id()
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO opt_outs (id, org_id, client_id, channel, address, source)"
            " VALUES (%s, %s, %s, 'sms', '+15005550001', 'keyword')",
            [suppression, ORGANIZATION_ID, CLIENT_ID],
        )
        listed = gatehouse("suppressions", "list", "--json", settings=environment)
        assert [(row["id"], row["source"]) for row in json.loads(listed.out)] == [(str(suppression), "keyword")]
        assert "Everybody may be written to." in gatehouse("suppressions", "list", "--channel", "email").out

        refused = gatehouse("suppressions", "remove", str(suppression))
        assert refused.status == 1
        assert "--because" in refused.err

        lifted = gatehouse("suppressions", "remove", str(suppression), "--because", "Asked by phone.")
        assert (lifted.status, lifted.out.strip()) == (0, "It may be written to again.")
        assert connection.execute("SELECT role, reason FROM admin_audit_logs").fetchall() == [
            ("operator", "Asked by phone.")
        ]
        assert gatehouse("suppressions", "remove", str(suppression)).status == 1
