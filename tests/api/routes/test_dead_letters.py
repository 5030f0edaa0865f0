"""Dead letters by HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from domain.kernel.ids import new_id
from domain.queue.dead import PAGE
from domain.queue.outcome import Dead
from tests.api.conftest import ADMIN_TOKEN
from tests.support.queue_lab import ORG, OTHER_ORG, Lab
from tests.support.queue_lab import lab as open_lab

if TYPE_CHECKING:
    from uuid import UUID

    import httpx

    from tests.support.app_client import AppClient
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
NOBODY = "01900000-0000-7000-8000-000000000000"
"""An id of nothing; the same in each process of a run, because it is part of tests' names."""
BEARER = {"authorization": f"Bearer {ADMIN_TOKEN}"}
LETTERS = "/api/v1/dead-letters"
_ARGS = {"client_id": "00000000-0000-7000-8000-00000000000c", "channel": "sms", "address": "+15005550123"}


@pytest.fixture
def lab(database_urls: DatabaseUrls, client: AppClient) -> Iterator[Lab]:
    client.headers.update(BEARER)
    with open_lab(database_urls) as opened:
        yield opened


def _die(lab: Lab, kind: str = "conversations.process", reason: str = "no", org_id: UUID = ORG) -> str:
    (job_id,) = lab.backlog(org_id, 1, kind=kind, args=_ARGS)
    assert lab.end(lab.run(job_id), Dead(reason, "Rejected"))
    return str(job_id)


def _ids(answer: httpx.Response) -> list[str]:
    return [item["id"] for item in answer.json()["items"]]


def _post(client: AppClient, what: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = client.post(f"{LETTERS}/{what}", json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _audit(lab: Lab) -> list[dict[str, Any]]:
    return lab.rows("SELECT * FROM admin_audit_logs ORDER BY id")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", LETTERS),
        ("GET", f"{LETTERS}/groups"),
        ("GET", f"{LETTERS}/{NOBODY}"),
        ("PATCH", f"{LETTERS}/{NOBODY}"),
        ("POST", f"{LETTERS}/dry-run"),
        ("POST", f"{LETTERS}/requeue"),
        ("POST", f"{LETTERS}/discard"),
        ("GET", "/api/v1/dead-operations"),
        ("GET", f"/api/v1/dead-operations/{NOBODY}"),
        ("POST", f"/api/v1/dead-operations/{NOBODY}/cancel"),
    ],
)
def test_strangers_are_refused(client: AppClient, method: str, path: str) -> None:
    assert client.request(method, path, json={}).status_code == 401


def test_letters_are_filtered_paged_and_redacted(client: AppClient, lab: Lab) -> None:
    ids = [_die(lab, reason="no answer from +15005550123") for _ in range(5)]
    other = _die(lab, kind="delivery.send", org_id=OTHER_ORG)
    answer = client.get(LETTERS)
    assert _ids(answer) == [other, *ids[::-1]]
    assert "5550123" not in answer.text
    assert _ids(client.get(LETTERS, params={"kind": "delivery.send"})) == [other]
    assert _ids(client.get(LETTERS, params={"org_id": str(OTHER_ORG)})) == [other]
    assert _ids(client.get(LETTERS, params={"died_before": "2020-01-01T00:00:00Z"})) == []
    cause = answer.json()["items"][1]["fingerprint"]
    seen: list[str] = []
    following: str | None = None
    while True:
        params = {"fingerprint": cause, "limit": "2"} | ({"after": following} if following else {})
        page = client.get(LETTERS, params=params)
        seen += _ids(page)
        following = page.json()["next"]
        if following is None:
            break
    assert seen == ids[::-1]


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("after", ["nonsense", "é", "W10", "WyJhIl0"])
def test_a_cursor_that_is_none_is_refused(client: AppClient, after: str) -> None:
    for path in (LETTERS, f"{LETTERS}/groups", "/api/v1/dead-operations"):
        assert client.get(path, params={"after": after}).status_code == 422


def test_groups_are_listed_and_paged(client: AppClient, lab: Lab) -> None:
    for _ in range(2):
        _die(lab, reason="refused")
    last = _die(lab, reason="late")
    first = client.get(f"{LETTERS}/groups", params={"limit": 1}).json()
    second = client.get(f"{LETTERS}/groups", params={"limit": 1, "after": first["next"]}).json()
    assert [(g["count"], g["reason"]) for g in first["items"] + second["items"]] == [(2, "refused"), (1, "late")]
    assert second["items"][0]["samples"] == [last]


def test_a_letter_is_shown_redacted_unless_revealed_on_record(client: AppClient, lab: Lab) -> None:
    job_id = _die(lab)
    shown = client.get(f"{LETTERS}/{job_id}").json()
    assert (shown["args"]["address"], shown["revealed"]) == ("[phone …23]", False)
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["dead"]
    assert _audit(lab) == []
    revealed = client.get(f"{LETTERS}/{job_id}", params={"reveal": "true"}).json()
    assert (revealed["args"], revealed["revealed"]) == (_ARGS, True)
    (entry,) = _audit(lab)
    assert (entry["action"], entry["target_id"], entry["actor"]) == ("dead_letter.reveal", job_id, "admin token")
    lab.execute("UPDATE jobs SET state = 'available'")
    assert client.get(f"{LETTERS}/{job_id}").status_code == 409
    assert client.get(f"{LETTERS}/{new_id()}").status_code == 404


def test_a_dry_run_tells_and_changes_nothing(client: AppClient, lab: Lab) -> None:
    _die(lab)
    _die(lab, kind="gone.kind")
    found = _post(client, "dry-run", {"all": True})
    assert (found["total"], found["fates"]) == (2, {"gone": 1, "unknown_kind": 1})
    assert found["words"].startswith("0 would run; ")
    assert lab.value("SELECT count(*) FROM jobs WHERE state = 'dead'") == 2


def test_a_selection_is_requeued_and_on_record_with_where_it_came_from(client: AppClient, lab: Lab) -> None:
    ids = [_die(lab), _die(lab)]
    kept = _die(lab)
    done = _post(client, "requeue", {"filter": {"ids": ids}, "reason": "Twilio is back"})
    assert (done["state"], done["total"], done["done"], done["skipped"]) == ("finished", 2, 2, 0)
    assert [lab.job(job_id)["state"] for job_id in [*ids, kept]] == ["available", "available", "dead"]  # type: ignore[arg-type]
    (entry,) = _audit(lab)
    assert (entry["action"], entry["reason"], str(entry["ip"])) == (
        "dead_letter.requeue",
        "Twilio is back",
        "192.0.2.1",
    )
    assert entry["request_id"]
    assert client.get(f"/api/v1/dead-operations/{done['id']}").json() == done
    assert _ids(client.get("/api/v1/dead-operations")) == [done["id"]]


def test_many_go_on_in_the_background_and_can_be_cancelled(client: AppClient, lab: Lab) -> None:
    lab.backlog(ORG, PAGE + 1, state="dead")
    begun = _post(client, "requeue", {"filter": {"kind": "test.note"}, "reason": "fixed"}, 202)
    assert (begun["state"], begun["total"], begun["done"]) == ("running", PAGE + 1, 0)
    path = f"/api/v1/dead-operations/{begun['id']}"
    assert client.post(f"{path}/cancel", json={"reason": "no"}).json()["state"] == "cancelled"
    assert client.post(f"{path}/cancel", json={}).status_code == 409
    assert client.get(f"/api/v1/dead-operations/{new_id()}").status_code == 404


def test_a_rate_goes_on_in_the_background(client: AppClient, lab: Lab) -> None:
    job_id = _die(lab)
    body = {"filter": {"ids": [job_id]}, "reason": "slowly", "per_minute": 10}
    assert _post(client, "requeue", body, 202)["per_minute"] == 10


def test_letters_are_discarded_with_a_reason(client: AppClient, lab: Lab) -> None:
    job_id = _die(lab)
    _post(client, "discard", {"filter": {"ids": [job_id]}, "reason": "the customer called"})
    assert lab.rows("SELECT state, last_error FROM jobs") == [
        {"state": "cancelled", "last_error": "Discarded: the customer called"}
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "a"},
        {"filter": {}, "reason": "a"},
        {"filter": {"kind": "a"}},
        {"filter": {"kind": "a"}, "reason": ""},
        {"filter": {"kind": "a", "colour": "red"}, "reason": "a"},
        {"filter": {"kind": "a"}, "reason": "a", "per_minute": 0},
        {"filter": {"after": "2026-01-01T00:00:00"}, "reason": "a"},
    ],
)
def test_an_unclear_wish_is_refused(client: AppClient, lab: Lab, body: dict[str, Any]) -> None:
    _die(lab)
    _post(client, "requeue", body, 422)
    assert lab.value("SELECT count(*) FROM jobs WHERE state = 'dead'") == 1


@pytest.mark.usefixtures("lab")
def test_nothing_that_fits_is_not_found(client: AppClient) -> None:
    _post(client, "requeue", {"all": True, "reason": "a"}, 404)


def test_arguments_are_put_right_and_the_letter_runs(client: AppClient, lab: Lab) -> None:
    job_id = _die(lab)
    wrong = client.patch(f"{LETTERS}/{job_id}", json={"args": {**_ARGS, "channel": "fax"}, "reason": "typo"})
    assert wrong.status_code == 422
    assert [one["where"] for one in wrong.json()["errors"]] == ["args.channel"]
    right = {"args": {**_ARGS, "address": "+15005550124"}, "reason": "typo", "requeue": True}
    changed = client.patch(f"{LETTERS}/{job_id}", json=right).json()
    assert (changed["state"], changed["args"]["address"]) == ("available", "[phone …24]")
    assert [entry["action"] for entry in _audit(lab)] == ["dead_letter.edit", "dead_letter.requeue"]
