"""`gatehouse organizations` and `gatehouse clients`: a tenant set up from nothing, and what can't be said in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest

from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


def test_a_tenant_is_set_up_from_nothing_and_lives_its_life(
    gatehouse: Run, environment: Environment, database_urls: DatabaseUrls
) -> None:
    def say(*arguments: str) -> str:
        ended = gatehouse(*arguments, settings=environment)
        assert ended.status == 0, ended.err
        return ended.out

    assert say("organizations", "create", "acme", "Acme").startswith("Organization ")
    say("organizations", "rename", "acme", "Acme Services")
    assert "Acme Services" in say("organizations", "list")
    client_id = say("clients", "create", "acme", "Acme Roofing", "--timezone", "America/Chicago").split()[1][:-1]
    assert "a phone number, an owner to alert" in say("clients", "show", client_id)
    refused = gatehouse("clients", "go-live", client_id)
    assert (refused.status, refused.err.strip()) == (1, "The client has no phone number yet.")
    say("clients", "change", client_id, "--number", "+1 500 555 0042", "--owner-email", "owner@acme.example")
    say("clients", "booking", client_id, "redirect", "--url", "https://book.example.com/acme")
    settings = say(
        *("clients", "settings", client_id, "--quiet-hours", "21:00-08:00", "--alerts-by", "both"),
        *("--alerts-of", "new_lead,call_back", "--takeover-minutes", "30", "--answer-threshold", "0.7"),
    )
    for words in ("21:00-08:00", "both", "new_lead, call_back", "30", "0.7"):
        assert words in settings
    assert "takeover minutes  the platform's" in say("clients", "settings", client_id, "--takeover-minutes", "none")
    bot = say("clients", "bots", "create", client_id, "Front door", "--origin", "https://acme.example").split()[1][:-1]
    say("clients", "bots", "change", client_id, bot, "--disable")
    assert json.loads(say("clients", "bots", "list", client_id, "--json"))[0]["enabled"] is False
    say("clients", "go-live", client_id)
    say("clients", "pause", client_id, "outbound", "--reason", "Wrong texts.")
    assert "no: Everything outbound is paused" in say("clients", "show", client_id)
    say("clients", "resume", client_id, "outbound", "--reason", "Put right.")
    assert "trial" in say("clients", "billing", "start-trial", client_id)
    assert "activate, request-cancellation" in say("clients", "billing", "show", client_id)
    say("clients", "billing", "request-cancellation", client_id, "--at", "2027-01-31T00:00:00")
    say("clients", "archive", client_id, "--reason", "Closed.")
    assert json.loads(say("clients", "list", "--json")) == []
    assert [row["id"] for row in json.loads(say("clients", "list", "--archived", "--json"))] == [client_id]
    say("organizations", "suspend", "acme", "--reason", "Does not answer.")
    assert json.loads(say("organizations", "show", "acme", "--json"))["reason"] == "Does not answer."
    say("organizations", "restore", "acme", "--reason", "It did.")

    with psycopg.connect(database_urls.platform) as connection:
        done = connection.execute("SELECT action FROM admin_audit_logs ORDER BY sequence").fetchall()
        roles = connection.execute("SELECT DISTINCT role FROM admin_audit_logs").fetchall()
    assert [action for (action,) in done] == [
        "organization.created",
        "organization.changed",
        "client.created",
        "client.changed",
        "client.booking_changed",
        "client.settings_changed",
        "client.settings_changed",
        "bot.created",
        "bot.changed",
        "client.went_live",
        "client.switch_thrown",
        "client.switch_thrown",
        "client.trial_started",
        "client.cancellation_requested",
        "client.archived",
        "organization.suspended",
        "organization.restored",
    ]
    assert roles == [("operator",)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("organizations", "create", "www", "Web"), "kept for the platform"),
        (("organizations", "show", "nobody"), "no such organization"),
        (("clients", "change", str(CLIENT_ID), "--number", "555"), "country code"),
        (("clients", "change", str(CLIENT_ID), "--number", "none"), "needs a number"),
        (("clients", "change", str(CLIENT_ID), "--timezone", "Mars/Base"), "time zone"),
        (("clients", "settings", str(CLIENT_ID), "--quiet-hours", "late"), "21:00-08:00"),
        (("clients", "settings", str(CLIENT_ID), "--takeover-minutes", "soon"), "not a number"),
        (("clients", "settings", str(CLIENT_ID), "--alerts-of", "gossip"), "new_lead"),
        (("clients", "booking", str(CLIENT_ID), "redirect"), "needs an address"),
        (("clients", "billing", "reactivate", str(CLIENT_ID)), "Possible now: payment_failed"),
        (("clients", "show", "01930000-0000-7000-8000-00000000ffff"), "no such client"),
    ],
)
def test_what_can_t_be_is_said_in_words(
    gatehouse: Run, environment: Environment, database_urls: DatabaseUrls, arguments: tuple[str, ...], words: str
) -> None:
    apply(database_urls.platform, "demo")
    ended = gatehouse(*arguments, settings=environment)
    assert ended.status == 1
    assert words in ended.err


def test_the_lifecycle_job_runs_by_cron(gatehouse: Run, environment: Environment, database_urls: DatabaseUrls) -> None:
    apply(database_urls.platform, "demo")
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        connection.execute("UPDATE clients SET cancels_at = now() - interval '1 second'")
        for left in (1, 0):
            ended = gatehouse("jobs", "run", "client-lifecycle", settings=environment)
            assert (ended.status, ended.out) == (0, f"client-lifecycle: {left} clients left, 0 trials ended.\n")
        assert connection.execute("SELECT billing_status FROM clients").fetchall() == [("canceled",)]
