"""Flags changed, reverted and archived: versions, revisions and the audit log in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.audit.models import AuditLog
from domain.audit.record import Actor
from domain.flags.change import Change, NewFlag, archive_flag, change_flag, create_flag
from domain.flags.definitions import OUTBOUND_STOPPED, TAKEOVER_MINUTES
from domain.flags.errors import (
    FlagChangedError,
    FlagExistsError,
    FlagNotFoundError,
    InCodeError,
    InvalidFlagError,
    RevisionNotFoundError,
)
from domain.flags.listing import evaluate_stored, get_flag, list_flags, list_revisions
from domain.flags.ports import CHANGED_KEY, Subject, Target
from domain.flags.revert import revert_flag
from domain.kernel.ids import PLATFORM_ORG_ID
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from domain.kernel.database import Database
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ANN = Actor("ann", "operator")
BOB = Actor("bob", "operator")
SWITCH = OUTBOUND_STOPPED.key
UNKNOWN = UUID(int=77)


def _acts(database: Database) -> list[tuple[str, str, object, object, str | None]]:
    with database.platform_scope() as session:
        rows = session.scalars(select(AuditLog).order_by(AuditLog.sequence)).all()
        assert {row.org_id for row in rows} <= {PLATFORM_ORG_ID}
        return [(row.action, row.target_id, row.before, row.after, row.reason) for row in rows]


def _own(database: Database, default: bool = False) -> str:  # noqa: FBT001, FBT002 - a value
    with database.platform_scope() as session:
        return create_flag(session, NewFlag("own.flag", "boolean", default, "Ours."), ANN).key


def test_a_change_is_a_version_a_revision_and_an_entry(database: Database) -> None:
    with database.platform_scope() as session:
        flag = change_flag(session, SWITCH, Change(default=True), ANN, version=1, reason="The provider is down.")
        assert (flag.version, flag.default_value) == (2, True)
        assert session.info[CHANGED_KEY]
    with database.platform_scope() as session:
        newest, first = list_revisions(session, SWITCH)
    assert (newest.version, newest.actor, newest.reason) == (2, "ann", "The provider is down.")
    assert (first.version, first.actor, first.document["default"]) == (1, "release", False)
    assert _acts(database) == [
        ("kill_switch.changed", SWITCH, {"default": False}, {"default": True}, "The provider is down.")
    ]


def test_what_changes_nothing_leaves_no_trace(database: Database) -> None:
    with database.platform_scope() as session:
        assert change_flag(session, SWITCH, Change(default=False, targets=[]), ANN).version == 1
        assert CHANGED_KEY not in session.info
    assert _acts(database) == []


def test_a_change_for_an_older_version_is_told_what_happened_since(database: Database) -> None:
    with database.platform_scope() as session:
        change_flag(session, SWITCH, Change(default=True), BOB)
    with pytest.raises(FlagChangedError) as refused, database.platform_scope() as session:
        change_flag(session, SWITCH, Change(default=True), ANN, version=1)
    assert "at version 2, not 1" in str(refused.value)
    assert "version 2 by bob (default: false → true)" in str(refused.value)
    with database.platform_scope() as session:
        assert get_flag(session, SWITCH)[0].version == 2


@pytest.mark.parametrize("value", [5, "true", [], {}])
def test_a_value_of_the_wrong_type_is_refused_and_nothing_changes(database: Database, value: object) -> None:
    with pytest.raises(InvalidFlagError), database.platform_scope() as session:
        change_flag(session, SWITCH, Change(default=value), ANN)  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(InvalidFlagError, match="Target 0"), database.platform_scope() as session:
        change_flag(session, SWITCH, Change(targets=[Target(value, percentage=5)]), ANN)  # type: ignore[arg-type]
    assert _acts(database) == []


def test_targets_are_kept_in_order_and_replaced_as_a_whole(database: Database, database_urls: DatabaseUrls) -> None:
    apply(database_urls.platform, "demo")
    targets = [Target(value=30, client_id=CLIENT_ID), Target(20, ORGANIZATION_ID), Target(10, percentage=33.3333)]
    with database.platform_scope() as session:
        change_flag(session, TAKEOVER_MINUTES.key, Change(targets=targets), ANN)
        change_flag(session, TAKEOVER_MINUTES.key, Change(targets=targets[::-1]), ANN)
        assert change_flag(session, TAKEOVER_MINUTES.key, Change(targets=targets), ANN).version == 4
        assert change_flag(session, TAKEOVER_MINUTES.key, Change(targets=targets), ANN).version == 4
    with database.platform_scope() as session:
        _, stored = get_flag(session, TAKEOVER_MINUTES.key)
        assert [(one.position, one.value) for one in stored] == [(0, 30), (1, 20), (2, 10)]
        found = evaluate_stored(session, TAKEOVER_MINUTES.key, Subject(client_id=CLIENT_ID))
        assert (found.value, found.words) == (30, "Target 0 fits.")
        # Of a client alone its organization is looked up.
        change_flag(session, TAKEOVER_MINUTES.key, Change(targets=targets[1:]), ANN)
        assert evaluate_stored(session, TAKEOVER_MINUTES.key, Subject(client_id=CLIENT_ID)).value == 20


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(value=True), "neither a tenant"),
        (Target(True, UNKNOWN), "no organization"),  # noqa: FBT003
        (Target(value=True, client_id=UNKNOWN), "no client"),
        (Target(True, PLATFORM_ORG_ID, CLIENT_ID), "not of the organization"),  # noqa: FBT003
        (Target(value=True, percentage=101), "percentage"),
        (Target(value=True, percentage=float("nan")), "percentage"),
    ],
)
def test_a_target_of_nobody_is_refused(
    database: Database, database_urls: DatabaseUrls, target: Target, words: str
) -> None:
    apply(database_urls.platform, "demo")
    with pytest.raises(InvalidFlagError, match=words), database.platform_scope() as session:
        change_flag(session, SWITCH, Change(targets=[target]), ANN)


def test_reverting_makes_an_earlier_version_the_newest(database: Database) -> None:
    with database.platform_scope() as session:
        change_flag(session, SWITCH, Change(default=True), ANN)
        change_flag(session, SWITCH, Change(default=False, targets=[Target(value=True, percentage=10)]), ANN)
        flag = revert_flag(session, SWITCH, 2, BOB, version=3, reason="It was better.")
        assert (flag.version, flag.default_value, get_flag(session, SWITCH)[1]) == (4, True, [])
        revert_flag(session, SWITCH, 3, BOB)
        assert [one.percentage for one in get_flag(session, SWITCH)[1]] == [10]
    assert [act[0] for act in _acts(database)][-2:] == ["kill_switch.reverted"] * 2
    with pytest.raises(RevisionNotFoundError, match="never had a version 9"), database.platform_scope() as session:
        revert_flag(session, SWITCH, 9, BOB)


def test_operators_have_flags_of_their_own_which_can_be_archived_and_brought_back(database: Database) -> None:
    key = _own(database, default=True)
    with database.platform_scope() as session:
        assert archive_flag(session, key, ANN).archived_at is not None
        assert key not in {flag.key for flag in list_flags(session)}
        assert key in {flag.key for flag in list_flags(session, archived=True)}
        found = evaluate_stored(session, key, Subject())
        assert (found.value, found.resolution.reason) == (None, "disabled")
        assert revert_flag(session, key, 1, ANN).archived_at is None
        assert evaluate_stored(session, key, Subject()).value is True
    assert [act[0] for act in _acts(database)] == ["flag.created", "flag.archived", "flag.reverted"]


def test_what_the_code_reads_can_be_neither_archived_nor_taken(database: Database) -> None:
    with pytest.raises(InCodeError, match="the gate"), database.platform_scope() as session:
        archive_flag(session, SWITCH, ANN)
    _own(database)
    for key in (SWITCH, "own.flag"):
        with pytest.raises(FlagExistsError), database.platform_scope() as session:
            create_flag(session, NewFlag(key, "boolean", default=True, about="Another."), ANN)
    with pytest.raises(FlagNotFoundError), database.platform_scope() as session:
        change_flag(session, "no.such", Change(default=True), ANN)


@pytest.mark.parametrize("key", ["", "A", "a b", "a" * 100, "1a", "a\n", "ä"])
def test_names_are_plain(database: Database, key: str) -> None:
    with pytest.raises(InvalidFlagError), database.platform_scope() as session:
        create_flag(session, NewFlag(key, "boolean", default=True, about="Ours."), ANN)


def test_a_setting_out_of_its_bounds_counts_as_none_when_it_is_read(database: Database) -> None:
    with database.platform_scope() as session:
        flag, _ = get_flag(session, TAKEOVER_MINUTES.key)
        flag.default_value = 999_999
        session.flush()
        found = evaluate_stored(session, TAKEOVER_MINUTES.key, Subject())
        assert (found.value, found.resolution.reason) == (60, "error")
