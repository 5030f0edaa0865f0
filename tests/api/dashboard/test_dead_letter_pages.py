"""The pages of dead letters: found, picked, tried dry, requeued, put right, given up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from domain.kernel.ids import new_id
from domain.queue.dead import PAGE
from domain.queue.outcome import Dead
from tests.api.conftest import ADMIN_TOKEN
from tests.support.queue_lab import ORG, OTHER_ORG, Lab
from tests.support.queue_lab import lab as open_lab
from tests.support.signing_in import add_person, csrf_of, sign_in, sign_in_by_token

if TYPE_CHECKING:
    import httpx

    from tests.support.app_client import AppClient
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
PATH = "/dashboard/dead-letters"
HTML = {"Accept": "text/html"}
_ARGS = {"client_id": "00000000-0000-7000-8000-00000000000c", "channel": "sms", "address": "+15005550123"}


@pytest.fixture
def lab(database_urls: DatabaseUrls, client: AppClient) -> Iterator[Lab]:
    """Give a queue, and have the client signed in with the admin token."""
    with open_lab(database_urls) as opened:
        sign_in_by_token(client, ADMIN_TOKEN)
        client.headers.update(HTML)
        yield opened


def _die(lab: Lab, kind: str = "conversations.process", reason: str = "no", org_id: UUID = ORG) -> str:
    (job_id,) = lab.backlog(org_id, 1, kind=kind, args=_ARGS)
    assert lab.end(lab.run(job_id), Dead(reason, "Rejected"))
    return str(job_id)


def _see(client: AppClient, path: str, status: int = 200, **query: object) -> str:
    answer = client.get(path, params={name: str(value) for name, value in query.items()} or None)
    assert answer.status_code == status, answer.text
    return answer.text


def _post(client: AppClient, path: str, page: str, **fields: str | list[str]) -> httpx.Response:
    """Send a form of a page, with its token."""
    return client.post(path, data={"csrf_token": csrf_of(client, page), **fields})


def _states(lab: Lab, *ids: str) -> list[str]:
    return [lab.job(UUID(job_id))["state"] for job_id in ids]


def test_causes_are_listed_narrowed_and_taken_away_as_a_file(client: AppClient, lab: Lab) -> None:
    for _ in range(2):
        _die(lab, reason="The line to +15005550123 is cut")
    _die(lab, reason="late", kind="delivery.send", org_id=OTHER_ORG)
    page = _see(client, PATH)
    assert page.index("is cut") < page.index("late")
    assert "5550123" not in page
    assert "late" not in _see(client, PATH, text="IS CUT")
    assert "is cut" not in _see(client, PATH, kind="delivery.send")
    assert "is cut" not in _see(client, PATH, org=OTHER_ORG)
    newest_first = _see(client, PATH, sort="-last")
    assert newest_first.index("late") < newest_first.index("is cut")
    file = _see(client, PATH, format="csv").splitlines()
    assert (len(file), file[1].split(",")[-4]) == (3, "2")
    assert "Nothing waits here" in _see(client, PATH, text="nobody wrote that")


def test_the_letters_of_a_cause_can_be_picked(client: AppClient, lab: Lab) -> None:
    ids = [_die(lab, reason="refused") for _ in range(3)]
    other = _die(lab, reason="late")
    found = re.search(r'href="(/dashboard/dead-letters/letters\?fingerprint=\w+)"', _see(client, PATH, sort="-count"))
    assert found
    page = _see(client, found[1])
    assert re.findall(r'name="ids" value="([^"]+)"', page) == ids[::-1]
    assert other not in page
    assert "Requeue all 3" in page


def test_the_question_says_what_would_happen_and_changes_nothing(client: AppClient, lab: Lab) -> None:
    ids = [_die(lab), _die(lab, kind="gone.kind")]
    page = _see(client, f"{PATH}/requeue", ids=ids[0])
    assert "Requeue 1 letter?" in page
    assert "is about something that is gone" in page
    everything = _see(client, f"{PATH}/requeue")
    assert "of a kind that this release does not know" in everything
    assert "would run" in _see(client, f"{PATH}/dry-run")
    assert _states(lab, *ids) == ["dead", "dead"]


def test_the_dry_run_of_many_does_not_hold_up_the_question(client: AppClient, lab: Lab) -> None:
    lab.backlog(ORG, PAGE + 1, state="dead")
    page = _see(client, f"{PATH}/requeue", kind="test.note")
    assert f"Requeue {PAGE + 1:,} letters?" in page
    assert 'hx-get="/dashboard/dead-letters/dry-run?kind=test.note"' in page


def test_picked_letters_run_again_and_it_is_on_record(client: AppClient, lab: Lab) -> None:
    ids, kept = [_die(lab), _die(lab)], _die(lab)
    question = f"{PATH}/requeue?ids={ids[0]}&ids={ids[1]}"
    done = _post(client, f"{PATH}/requeue", question, ids=ids, reason="Twilio is back")
    assert done.status_code == 303
    assert _states(lab, *ids, kept) == ["available", "available", "dead"]
    page = _see(client, done.headers["location"])
    assert "Requeued: 2 of 2." in page
    assert "Twilio is back" in page
    (entry,) = lab.rows("SELECT action, reason FROM admin_audit_logs WHERE action LIKE 'dead_letter%%'")
    assert entry == {"action": "dead_letter.requeue", "reason": "Twilio is back"}
    assert "Twilio is back" in _see(client, f"{PATH}/operations")


def test_a_filter_means_the_same_letters_when_its_form_is_sent(client: AppClient, lab: Lab) -> None:
    meant, other = _die(lab, reason="The table is away"), _die(lab, reason="late")
    question = _see(client, f"{PATH}/discard", text="table", time="24h")
    fields = dict(re.findall(r'<input type="hidden" name="(text|since)" value="([^"]+)">', question))
    assert fields.keys() == {"text", "since"}
    answer = _post(client, f"{PATH}/discard", PATH, reason="Given up", **fields)
    assert answer.status_code == 303
    assert _states(lab, meant, other) == ["cancelled", "dead"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reason": " "}, "Say why"),
        ({"reason": "a", "per_minute": "many"}, "whole number"),
        ({"reason": "a", "per_minute": "0"}, "between 1 and"),
    ],
)
def test_what_is_missing_is_said_beside_the_question(
    client: AppClient, lab: Lab, fields: dict[str, str], words: str
) -> None:
    job_id = _die(lab)
    answer = _post(client, f"{PATH}/requeue", PATH, ids=job_id, **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'name="ids" value="{job_id}"' in answer.text
    assert _states(lab, job_id) == ["dead"]


def test_a_running_operation_shows_how_far_it_is_and_is_stopped(client: AppClient, lab: Lab) -> None:
    lab.backlog(ORG, PAGE + 1, state="dead")
    begun = _post(client, f"{PATH}/requeue", PATH, kind="test.note", reason="fixed", per_minute="60")
    place = begun.headers["location"]
    page = _see(client, place)
    assert f"0 of {PAGE + 1:,}" in page
    assert 'hx-trigger="sse:dead_letters"' in page
    assert place in _see(client, PATH)
    stopped = _post(client, f"{place}/stop", place, reason="wrong ones")
    assert stopped.status_code == 303
    assert "stopped" in _see(client, place)
    assert _post(client, f"{place}/stop", place, reason="again").status_code == 409
    assert client.get(f"{PATH}/operations/{new_id()}").status_code == 404


def test_a_letter_is_shown_redacted_unless_revealed_on_record(client: AppClient, lab: Lab) -> None:
    job_id = _die(lab, reason="refused by +15005550123")
    page = _see(client, f"{PATH}/{job_id}")
    assert "5550123" not in page
    assert "It was tried once" in page
    assert lab.rows("SELECT FROM admin_audit_logs WHERE action = 'dead_letter.reveal'") == []
    assert "+15005550123" in _see(client, f"{PATH}/{job_id}", reveal="true")
    assert len(lab.rows("SELECT FROM admin_audit_logs WHERE action = 'dead_letter.reveal'")) == 1
    assert client.get(f"{PATH}/{new_id()}").status_code == 404


def test_arguments_are_put_right_with_what_is_wrong_at_each_field(client: AppClient, lab: Lab) -> None:
    job_id = _die(lab)
    edit = f"{PATH}/{job_id}/edit"
    assert 'value="+15005550123"' in _see(client, edit)
    fields = {f"arg.{name}": value for name, value in _ARGS.items()}
    wrong = _post(client, edit, edit, **(fields | {"arg.client_id": "nobody", "reason": "typo"}))
    assert wrong.status_code == 422
    field = wrong.text[wrong.text.index('id="arg-client_id"') : wrong.text.index('id="arg-channel"')]
    assert 'value="nobody"' in field
    assert 'aria-invalid="true"' in field
    assert "valid UUID" in field
    assert "Say why" in _post(client, edit, edit, **fields, reason="").text
    right = fields | {"arg.address": "+15005550124", "reason": "typo", "then": "requeue"}
    assert _post(client, edit, edit, **right).status_code == 303
    job = lab.job(UUID(job_id))
    assert (job["state"], job["args"]["address"]) == ("available", "+15005550124")


def test_a_letter_of_a_kind_that_nobody_knows_can_not_be_edited(client: AppClient, lab: Lab) -> None:
    job_id = _die(lab, kind="gone.kind")
    assert client.get(f"{PATH}/{job_id}/edit").status_code == 422


@pytest.mark.parametrize("role", ["workspace_viewer", "implementation_lead"])
def test_whoever_is_not_of_the_platform_sees_none_of_it(
    client: AppClient, lab: Lab, database_urls: DatabaseUrls, role: str
) -> None:
    job_id = _die(lab)
    add_person(database_urls.platform, "viewer@example.com", (role, ORG, None))
    client.cookies.clear()
    sign_in(client, "viewer@example.com")
    for path in (PATH, f"{PATH}/letters", f"{PATH}/{job_id}", f"{PATH}/operations", f"{PATH}/requeue?ids={job_id}"):
        assert client.get(path).status_code == 403, path
    token = {"csrf_token": csrf_of(client, "/account"), "ids": job_id, "reason": "mine"}
    for path in (f"{PATH}/requeue", f"{PATH}/discard", f"{PATH}/{job_id}/edit"):
        assert client.post(path, data=token).status_code == 403, path
    assert _states(lab, job_id) == ["dead"]


def test_a_form_of_another_site_changes_nothing(client: AppClient, lab: Lab) -> None:
    job_id = _die(lab)
    assert client.post(f"{PATH}/discard", data={"ids": job_id, "reason": "x"}).status_code == 403
    assert _states(lab, job_id) == ["dead"]
