"""The arguments of a dead letter are put right, checked and on record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from domain.deadletters.edit import WrongArgumentsError, edit
from domain.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from domain.kernel.ids import new_id
from domain.queue.outcome import Dead
from tests.domain.deadletters.conftest import OPERATOR
from tests.support.queue_kinds import Errand
from tests.support.queue_lab import ORG, Lab

pytestmark = pytest.mark.integration

_CLIENT = "00000000-0000-7000-8000-00000000000c"


def _dead(lab: Lab, kind: str, args: dict[str, object]) -> UUID:
    (job_id,) = lab.backlog(ORG, 1, kind=kind, args=args)
    assert lab.end(lab.run(job_id), Dead("no", "Rejected"))
    return job_id


def _edit(lab: Lab, job_id: UUID, args: dict[str, Any], reason: str = "typo") -> None:
    with lab.database.platform_scope() as session:
        edit(session, job_id, args, reason=reason, actor=OPERATOR)


def test_arguments_are_replaced_and_both_versions_kept_redacted(lab: Lab) -> None:
    job_id = _dead(lab, "conversations.process", {"client_id": _CLIENT, "channel": "sms", "address": "+15005550123"})
    _edit(lab, job_id, {"client_id": _CLIENT.upper(), "channel": "sms", "address": "+15005550124"})
    row = lab.job(job_id)
    assert (row["state"], row["args"]) == (
        "dead",
        {"client_id": _CLIENT, "channel": "sms", "address": "+15005550124"},
    )
    entry = lab.rows("SELECT * FROM admin_audit_logs WHERE target_id = %s", str(job_id))[0]
    assert (entry["action"], entry["reason"], entry["org_id"]) == ("dead_letter.edit", "typo", ORG)
    assert (entry["before"]["address"], entry["after"]["address"]) == ("[phone …23]", "[phone …24]")


@pytest.mark.parametrize(
    ("args", "wrong"),
    [
        ({}, {"client_id", "channel", "address"}),
        ({"client_id": "+15005550123", "channel": "sms", "address": "a"}, {"client_id"}),
        ({"client_id": _CLIENT, "channel": "fax", "address": 7}, {"channel", "address"}),
        ({"client_id": _CLIENT, "channel": "sms", "address": "a", "adress": "b"}, {"adress"}),
    ],
)
def test_what_does_not_fit_is_told_by_field_and_changes_nothing(
    lab: Lab, args: dict[str, object], wrong: set[str]
) -> None:
    stored: dict[str, object] = {"client_id": _CLIENT, "channel": "sms", "address": "+15005550123"}
    job_id = _dead(lab, "conversations.process", stored)
    with pytest.raises(WrongArgumentsError) as error:
        _edit(lab, job_id, args)
    assert set(error.value.problems) == wrong
    assert "5550123" not in str(error.value)
    assert lab.job(job_id)["args"] == stored


def test_a_kind_that_this_release_does_not_know_is_left_alone(lab: Lab) -> None:
    job_id = _dead(lab, "gone.kind", {})
    with pytest.raises(InvalidInputError, match="does not know"):
        _edit(lab, job_id, {})


def test_only_what_is_dead_is_edited_and_only_with_a_reason(lab: Lab) -> None:
    live = lab.enqueue(Errand())
    with pytest.raises(ConflictError):
        _edit(lab, live, {"number": 1})
    with pytest.raises(NotFoundError):
        _edit(lab, new_id(), {"number": 1})
    with pytest.raises(InvalidInputError):
        _edit(lab, _dead(lab, "test.errand", {"number": 1}), {"number": 2}, reason=" ")
