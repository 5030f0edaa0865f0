"""Clients are taken on, changed, taken live and archived: what can't be is refused, and the rest is on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.clients.archive import archive_client
from domain.clients.change import change_booking, change_client
from domain.clients.create import create_client
from domain.clients.details import Details, fit_details
from domain.clients.errors import (
    ArchivedError,
    ChangedMeanwhileError,
    OnboardingIncompleteError,
    StillNeededError,
    TakenError,
    UnfitClientError,
)
from domain.clients.listing import Which, get_client, list_with_organizations
from domain.clients.models import Client, ClientSettings
from domain.clients.onboarding import go_live, missing
from domain.clients.switches import Switch, throw_switch
from domain.gate.guards import Guard
from domain.gate.policy import RULES
from domain.gate.snapshot import load_snapshot
from domain.kernel.database import Database
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.reasons import ReasonMissingError
from tests.domain.clients.acts import DANA, actions, entries
from tests.domain.clients.rows import NUMBER, READY, add_client, add_organization

SERVICE = "MG" + "0a" * 16


@pytest.fixture
def org_id(database: Database) -> UUID:
    return add_organization(database)


@pytest.mark.integration
def test_a_new_client_has_what_was_given_and_the_defaults_for_the_rest(database: Database, org_id: UUID) -> None:
    details: Details = {"name": " Harbor Plumbing ", "sms_number": "+1 (500) 555-0006", "timezone": "Europe/Berlin"}
    with database.tenant_scope(org_id) as session:
        client_id = create_client(session, org_id, details, DANA).id
    with database.tenant_scope(org_id) as session:
        view = get_client(session, client_id)
        assert (view.client.slug, view.client.name, view.client.sms_number) == (
            "harbor-plumbing",
            "Harbor Plumbing",
            "+15005550006",
        )
        assert (view.client.timezone, view.client.onboarding_complete) == ("Europe/Berlin", False)
        assert view.organization.id == org_id
        assert view.settings is not None
        assert (view.settings.notification_channel, view.bots) == ("sms", [])
    (entry,) = entries(database, client_id)
    assert entry.action == "client.created"
    assert entry.after is not None
    assert "5550006" not in str(entry.after)


@pytest.mark.parametrize(
    "details",
    [
        {"name": ""},
        {"name": "a\x00b"},
        {"name": "x" * 201},
        {"name": "A", "timezone": "Mars/Base"},
        {"name": "Harbor", "timezone": "../../etc/passwd"},
        {"name": "Harbor", "sms_number": "555 0006"},
        {"name": "Harbor", "owner_phone": "+1"},
        {"name": "Harbor", "owner_email": "nobody"},
        {"name": "Harbor", "owner_name": "x" * 201},
        {"name": "Harbor", "messaging_service_sid": "MGxyz"},
    ],
)
def test_what_can_t_be_is_refused(details: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        fit_details(cast("Details", details))


@pytest.mark.integration
def test_a_client_needs_a_name_of_which_a_slug_can_be_made_or_a_slug(database: Database, org_id: UUID) -> None:
    with database.tenant_scope(org_id) as session:
        for details in ({}, {"name": "水道屋"}):
            with pytest.raises(UnfitClientError):
                create_client(session, org_id, cast("Details", details), DANA)
        assert create_client(session, org_id, {"name": "水道屋"}, DANA, slug="suidoya").slug == "suidoya"
        with pytest.raises(TakenError, match="slug"):
            create_client(session, org_id, {"name": "Suidoya"}, DANA)


@pytest.mark.integration
def test_a_number_is_one_client_s_and_free_again_when_that_one_is_archived(database: Database, org_id: UUID) -> None:
    theirs = add_organization(database, "theirs")
    client_id = add_client(database, org_id, sms_number=NUMBER)
    with database.tenant_scope(theirs) as session:
        with pytest.raises(TakenError, match="Another client has this number"):
            create_client(session, theirs, {"name": "Thief", "sms_number": NUMBER}, DANA)
        create_client(session, theirs, {"name": "Thief"}, DANA)
    with database.tenant_scope(org_id) as session:
        archive_client(session, client_id, "Closed.", DANA)
    with database.tenant_scope(theirs) as session:
        create_client(session, theirs, {"name": "Heir", "sms_number": NUMBER}, DANA)


@pytest.mark.integration
def test_a_messaging_service_is_shared_within_an_organization_and_with_no_other(
    database: Database, org_id: UUID
) -> None:
    theirs = add_organization(database, "theirs")
    add_client(database, org_id, "one", messaging_service_sid=SERVICE)
    add_client(database, org_id, "two", messaging_service_sid=SERVICE)
    thief = add_client(database, theirs, "thief")
    with database.tenant_scope(theirs) as session:
        with pytest.raises(TakenError, match="another organization's"):
            create_client(session, theirs, {"name": "New", "messaging_service_sid": SERVICE}, DANA)
        with pytest.raises(TakenError, match="another organization's"):
            change_client(session, thief, {"messaging_service_sid": SERVICE}, DANA)


@pytest.mark.integration
def test_details_change_on_record_and_what_is_left_out_stays(database: Database, org_id: UUID) -> None:
    client_id = add_client(database, org_id, sms_number=NUMBER, owner_name="Dana Reyes")
    with database.tenant_scope(org_id) as session:
        before = session.get_one(Client, client_id).updated_at
        changed = change_client(
            session, client_id, {"sms_number": "+15005550009", "owner_name": None, "name": "Plumbing"}, DANA
        )
        assert (changed.sms_number, changed.owner_name, changed.name) == ("+15005550009", None, "Plumbing")
        assert changed.sms_number_since is not None
        assert changed.messaging_service_since is None
    (entry,) = entries(database, client_id)
    assert (entry.before, entry.after) == (
        {"sms_number": "[phone …07]", "owner_name": "Dana Reyes"},
        {"sms_number": "[phone …09]", "owner_name": None},
    )
    with database.tenant_scope(org_id) as session:
        change_client(session, client_id, {"name": "Plumbing"}, DANA)
        assert session.get_one(Client, client_id).updated_at > before
    assert len(entries(database, client_id)) == 1, "what changes nothing is no act"


@pytest.mark.integration
def test_it_is_kept_since_when_a_messaging_service_is_a_clients(database: Database, org_id: UUID) -> None:
    client_id = add_client(database, org_id)
    with database.tenant_scope(org_id) as session:
        changed = change_client(session, client_id, {"messaging_service_sid": SERVICE}, DANA)
        since = changed.messaging_service_since
        assert since is not None
        assert changed.sms_number_since is None
        assert change_client(session, client_id, {"name": "Plumbing"}, DANA).messaging_service_since == since
        archived = archive_client(session, client_id, "Closed.", DANA)
        assert archived.messaging_service_since is not None
        assert archived.messaging_service_since > since


@pytest.mark.integration
def test_a_change_that_was_meant_for_another_version_is_refused(database: Database, org_id: UUID) -> None:
    client_id = add_client(database, org_id)
    with database.tenant_scope(org_id) as session:
        read = session.get_one(Client, client_id).updated_at
    with database.tenant_scope(org_id) as session:
        change_client(session, client_id, {"name": "First"}, DANA, version=read)
    with database.tenant_scope(org_id) as session, pytest.raises(ChangedMeanwhileError):
        change_client(session, client_id, {"name": "Second"}, DANA, version=read)


@pytest.mark.integration
def test_a_live_client_keeps_a_number_and_an_owner(database: Database, org_id: UUID) -> None:
    client_id = add_client(database, org_id, **READY)
    with database.tenant_scope(org_id) as session:
        go_live(session, client_id, DANA)
    for details in ({"sms_number": None}, {"owner_email": None}):
        with database.tenant_scope(org_id) as session, pytest.raises(StillNeededError):
            change_client(session, client_id, cast("Details", details), DANA)
    with database.tenant_scope(org_id) as session:
        change_client(session, client_id, {"owner_email": None, "owner_phone": "+15005550010"}, DANA)


@pytest.mark.integration
def test_a_client_goes_live_once_it_has_what_it_needs(database: Database, org_id: UUID) -> None:
    client_id = add_client(database, org_id)
    with database.tenant_scope(org_id) as session:
        assert missing(session.get_one(Client, client_id)) == ["a phone number", "an owner to alert"]
        with pytest.raises(OnboardingIncompleteError, match="no phone number"):
            go_live(session, client_id, DANA)
        change_client(session, client_id, {"sms_number": NUMBER, "owner_phone": "+15005550010"}, DANA)
        assert go_live(session, client_id, DANA).onboarding_complete
        go_live(session, client_id, DANA)
    assert [action for _, action in actions(database, client_id)] == ["client.changed", "client.went_live"]


@pytest.mark.integration
def test_an_archived_client_sends_nothing_changes_nothing_and_is_still_there(database: Database, org_id: UUID) -> None:
    client_id = add_client(database, org_id, **READY)
    with database.tenant_scope(org_id) as session:
        go_live(session, client_id, DANA)
        with pytest.raises(ReasonMissingError):
            archive_client(session, client_id, " ", DANA)
        archive_client(session, client_id, "The business closed.", DANA)
    with database.tenant_scope(org_id) as session:
        snapshot = load_snapshot(session, client_id, now=datetime.now(UTC), direct_reply=True)
        decision = RULES[Guard.CAN_PROCESS_CUSTOMER_MESSAGE](snapshot)
        assert (decision.block, decision.guard, decision.reason) == (
            "hard",
            Guard.NOT_CANCELLED,
            "The client is archived.",
        )
        refused: list[Callable[[], object]] = [
            lambda: change_client(session, client_id, {"name": "Again"}, DANA),
            lambda: change_booking(session, client_id, "capture", None, DANA),
            lambda: throw_switch(session, client_id, Switch.AI, DANA, stopped=True, reason="No."),
            lambda: go_live(session, client_id, DANA),
            lambda: archive_client(session, client_id, "Again.", DANA),
        ]
        for act in refused:
            with pytest.raises(ArchivedError):
                act()
        listed = list_with_organizations(session, Which(archived=True))
        assert [client.id for client, _ in listed] == [client_id]
        assert list_with_organizations(session, Which()) == []
    assert entries(database, client_id)[-1].reason == "The business closed."


@pytest.mark.integration
@pytest.mark.parametrize(
    ("url", "words"),
    [
        (None, "needs an address"),
        ("http://example.com/", "https://"),
        ("https://user:pw@example.com/", "password"),
        ("https://localhost/", "public"),
        ("javascript:alert(1)", "https://"),
    ],
)
def test_only_a_page_that_can_be_sent_to_anyone_is_taken_for_booking(
    database: Database, org_id: UUID, url: str | None, words: str
) -> None:
    client_id = add_client(database, org_id)
    with database.tenant_scope(org_id) as session, pytest.raises(UnfitClientError, match=words):
        change_booking(session, client_id, "redirect", url, DANA)


@pytest.mark.integration
def test_booking_changes_on_record_without_the_path_that_may_hold_a_token(database: Database, org_id: UUID) -> None:
    client_id = add_client(database, org_id)
    with database.tenant_scope(org_id) as session:
        change_booking(session, client_id, "redirect", "https://book.example.com/harbor?token=s3cret", DANA)
        change_booking(session, client_id, "capture", None, DANA)
    first, second = entries(database, client_id)
    assert first.after == {"booking_mode": "redirect", "booking_url": "https://book.example.com/…"}
    assert (second.before, second.after) == (first.after, {"booking_mode": "capture", "booking_url": None})


@pytest.mark.integration
def test_a_switch_is_thrown_on_record_once(database: Database, org_id: UUID) -> None:
    client_id = add_client(database, org_id)
    for _ in range(2):
        with database.tenant_scope(org_id) as session:
            thrown = throw_switch(session, client_id, Switch.OUTBOUND, DANA, stopped=True, reason="Wrong texts.")
            assert thrown.outbound_paused
    (entry,) = entries(database, client_id)
    assert (entry.action, entry.reason, entry.after) == (
        "client.switch_thrown",
        "Wrong texts.",
        {"outbound_paused": True},
    )


@pytest.mark.integration
def test_another_tenant_s_client_is_not_found_by_any_act(database: Database, org_id: UUID) -> None:
    theirs = add_client(database, add_organization(database, "theirs"))
    with database.tenant_scope(org_id) as session:
        refused: list[Callable[[], object]] = [
            lambda: get_client(session, theirs),
            lambda: change_client(session, theirs, {"name": "Mine"}, DANA),
            lambda: go_live(session, theirs, DANA),
            lambda: throw_switch(session, theirs, Switch.AI, DANA, stopped=True, reason="No."),
            lambda: archive_client(session, theirs, "No.", DANA),
        ]
        for act in refused:
            with pytest.raises(NotFoundError):
                act()
        assert session.scalars(select(ClientSettings)).all() == []
