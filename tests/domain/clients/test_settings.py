"""Settings are changed one by one, on record; what would not work is refused with what would."""

from __future__ import annotations

from datetime import UTC, time
from typing import Any, cast
from uuid import UUID

import pytest

from domain.clients.errors import ChangedMeanwhileError, UnfitClientError
from domain.clients.settings import GivenSettings, change_settings, fit_settings, read_settings
from domain.kernel.database import Database
from tests.domain.clients.acts import DANA, entries
from tests.domain.clients.rows import add_client, add_organization

ALL: GivenSettings = {
    "quiet_hours": (time(21), time(8)),
    "notification_channel": "both",
    "alert_kinds": ["call_back", "new_lead", "new_lead"],
    "alert_collapse_minutes": 0,
    "takeover_minutes": 10,
    "sms_validity_minutes": 30,
    "fallback_text": " We'll be back.\r\nSoon. ",
    "call_back_text": "Shall we call?",
    "answer_threshold": 0.7,
}


@pytest.fixture
def org_id(database: Database) -> UUID:
    return add_organization(database)


@pytest.fixture
def client_id(database: Database, org_id: UUID) -> UUID:
    return add_client(database, org_id)


@pytest.mark.integration
def test_every_setting_can_be_changed_and_taken_away_again(database: Database, org_id: UUID, client_id: UUID) -> None:
    with database.tenant_scope(org_id) as session:
        stored = change_settings(session, client_id, ALL, DANA)
        assert (stored.quiet_hours_start, stored.quiet_hours_end) == (time(21), time(8))
        assert (stored.notification_channel, stored.alert_kinds) == ("both", ["new_lead", "call_back"])
        assert (stored.alert_collapse_minutes, stored.takeover_minutes, stored.sms_validity_minutes) == (0, 10, 30)
        assert (stored.fallback_text, stored.call_back_text) == ("We'll be back.\nSoon.", "Shall we call?")
        assert stored.answer_threshold == pytest.approx(0.7)
    away = cast("GivenSettings", dict.fromkeys(set(ALL) - {"notification_channel"}))
    with database.tenant_scope(org_id) as session:
        stored = change_settings(session, client_id, away, DANA)
        assert [getattr(stored, name) for name in away if name != "quiet_hours"] == [None] * 7
        assert (stored.quiet_hours_start, stored.notification_channel) == (None, "both")
    assert [entry.action for entry in entries(database, client_id)] == ["client.settings_changed"] * 2


@pytest.mark.integration
def test_what_stays_as_it_is_is_no_act(database: Database, org_id: UUID, client_id: UUID) -> None:
    for _ in range(2):
        with database.tenant_scope(org_id) as session:
            change_settings(session, client_id, ALL, DANA)
    assert len(entries(database, client_id)) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"quiet_hours": (time(8), time(8))},
        {"quiet_hours": (time(21, tzinfo=UTC), time(8))},
        {"notification_channel": "pigeon"},
        {"alert_kinds": ["gossip"]},
        {"alert_collapse_minutes": -1},
        {"alert_collapse_minutes": 1441},
        {"takeover_minutes": 0},
        {"sms_validity_minutes": 10_081},
        {"answer_threshold": 1.1},
        {"answer_threshold": float("nan")},
        {"fallback_text": "x" * 1_601},
        {"call_back_text": "a\x00b"},
    ],
)
def test_what_would_not_work_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UnfitClientError):
        fit_settings(cast("GivenSettings", settings))


@pytest.mark.integration
def test_a_refused_change_leaves_nothing_behind(database: Database, org_id: UUID, client_id: UUID) -> None:
    with database.tenant_scope(org_id) as session, pytest.raises(UnfitClientError):
        change_settings(session, client_id, {"takeover_minutes": 5, "alert_kinds": ["gossip"]}, DANA)
    with database.tenant_scope(org_id) as session:
        assert read_settings(session, client_id) is None


@pytest.mark.integration
def test_a_change_that_was_meant_for_another_version_is_refused(
    database: Database, org_id: UUID, client_id: UUID
) -> None:
    with database.tenant_scope(org_id) as session:
        read = change_settings(session, client_id, {"takeover_minutes": 5}, DANA).updated_at
    with database.tenant_scope(org_id) as session:
        change_settings(session, client_id, {"takeover_minutes": 6}, DANA, version=read)
    with database.tenant_scope(org_id) as session, pytest.raises(ChangedMeanwhileError):
        change_settings(session, client_id, {"takeover_minutes": 7}, DANA, version=read)
