"""/api/v1/clients: everything that an administrator does with a client, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from config.settings import Settings
from domain.kernel.ids import new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
PATH = "/api/v1/clients"
DEMO = f"{PATH}/{CLIENT_ID}"


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Give settings on a database with the demo tenant."""
    apply(database_urls.platform, "demo")
    return settings


def acts(urls: DatabaseUrls) -> list[str]:
    with psycopg.connect(urls.platform) as connection:
        return [row[0] for row in connection.execute("SELECT action FROM admin_audit_logs ORDER BY sequence")]


def test_a_client_is_shown_with_all_that_an_administrator_needs(client: AppClient) -> None:
    answer = client.get(DEMO, headers=ADMIN)
    shown = answer.json()
    assert (shown["name"], shown["organization"], shown["live"]) == ("Harbor Plumbing", "Harbor Services", True)
    assert shown["settings"]["quiet_hours"] == {"start": "21:00:00", "end": "08:00:00"}
    assert shown["booking"] == {"mode": "redirect", "url": "https://booking.example.com/harbor-plumbing"}
    assert [bot["name"] for bot in shown["bots"]] == ["Harbor Plumbing"]
    assert shown["customers_are_answered"]["outcome"] == shown["owner_is_alerted"]["outcome"] == "allow"
    assert shown["billing"]["possible"] == ["payment_failed", "request_cancellation"]
    assert answer.headers["etag"]


def test_a_client_is_taken_on_set_up_and_taken_live(client: AppClient, database_urls: DatabaseUrls) -> None:
    new = {"org_id": str(ORGANIZATION_ID), "name": "Harbor Roofing", "timezone": "America/Chicago"}
    answer = client.post(PATH, json=new, headers=ADMIN)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["slug"], made["live"], made["missing"]) == (
        "harbor-roofing",
        False,
        ["a phone number", "an owner to alert"],
    )
    one = f"{PATH}/{made['id']}"
    refused = client.post(f"{one}/go-live", headers=ADMIN)
    assert (refused.status_code, refused.json()["detail"]) == (409, "The client has no phone number yet.")
    details = {"sms_number": "+1 500 555 0042", "owner_email": "owner@roofing.example"}
    assert client.patch(one, json=details, headers=ADMIN).json()["sms_number"] == "+15005550042"
    assert client.post(f"{one}/go-live", headers=ADMIN).json()["live"]
    assert acts(database_urls) == ["client.created", "client.changed", "client.went_live"]


def test_a_client_needs_an_organization(client: AppClient) -> None:
    assert client.post(PATH, json={"name": "Nobody's"}, headers=ADMIN).status_code == 422
    named = client.post(PATH, json={"name": "Theirs"}, headers=ADMIN | {"x-org-id": str(ORGANIZATION_ID)})
    assert (named.status_code, named.json()["org_id"]) == (201, str(ORGANIZATION_ID))
    unknown = client.post(PATH, json={"name": "Nobody's", "org_id": str(new_id())}, headers=ADMIN)
    assert unknown.status_code == 404


def test_a_change_that_was_meant_for_another_version_changes_nothing(client: AppClient) -> None:
    read = client.get(DEMO, headers=ADMIN).headers["etag"]
    first = client.patch(DEMO, json={"name": "First"}, headers=ADMIN | {"if-match": read})
    assert first.status_code == 200
    late = client.patch(DEMO, json={"name": "Late"}, headers=ADMIN | {"if-match": read})
    assert (late.status_code, late.json()["type"]) == (412, "urn:gatehouse:problem:changed-meanwhile")
    assert client.get(DEMO, headers=ADMIN).json()["name"] == "First"
    new = client.get(DEMO, headers=ADMIN).headers["etag"]
    assert new == first.headers["etag"]
    assert client.patch(DEMO, json={"name": "Next"}, headers=ADMIN | {"if-match": new}).status_code == 200
    for nonsense in ("x", '"2026-01-01"', "W/" + new):
        assert client.patch(DEMO, json={"name": "No"}, headers=ADMIN | {"if-match": nonsense}).status_code == 412
    assert client.patch(DEMO, json={"name": "Any"}, headers=ADMIN | {"if-match": "*"}).status_code == 200


def test_settings_change_and_are_shown(client: AppClient) -> None:
    changes: dict[str, Any] = {
        "quiet_hours": {"start": "22:00", "end": "07:30"},
        "notification_channel": "both",
        "alert_kinds": ["new_lead"],
        "alert_collapse_minutes": 15,
        "takeover_minutes": 30,
        "sms_validity_minutes": 60,
        "answer_threshold": 0.7,
        "fallback_text": "Back soon.",
        "call_back_text": None,
    }
    answer = client.patch(f"{DEMO}/settings", json=changes, headers=ADMIN)
    assert answer.status_code == 200, answer.text
    hours = {"quiet_hours": {"start": "22:00:00", "end": "07:30:00"}}
    shown = client.get(f"{DEMO}/settings", headers=ADMIN)
    assert {name: shown.json()[name] for name in changes} == changes | hours
    stale = client.patch(f"{DEMO}/settings", json={"takeover_minutes": 5}, headers=ADMIN | {"if-match": '"2026"'})
    assert stale.status_code == 412
    good = ADMIN | {"if-match": shown.headers["etag"]}
    assert client.patch(f"{DEMO}/settings", json={"quiet_hours": None}, headers=good).json()["quiet_hours"] is None


def test_a_switch_stops_at_once_and_says_so(client: AppClient) -> None:
    stopped = client.post(f"{DEMO}/switches/outbound_paused/pause", json={"reason": "Wrong texts."}, headers=ADMIN)
    assert stopped.json()["switches"]["outbound_paused"]
    assert stopped.json()["customers_are_answered"]["outcome"] == "hard"
    resumed = client.post(f"{DEMO}/switches/outbound_paused/resume", json={"reason": "Put right."}, headers=ADMIN)
    assert resumed.json()["customers_are_answered"]["outcome"] == "allow"
    assert client.post(f"{DEMO}/switches/outbound_paused/pause", json={}, headers=ADMIN).status_code == 422
    assert client.post(f"{DEMO}/switches/all/pause", json={"reason": "a"}, headers=ADMIN).status_code == 422


def test_billing_goes_step_by_step_and_says_what_can_follow(client: AppClient) -> None:
    def take(step: str, **more: str) -> tuple[int, dict[str, Any]]:
        answer = client.post(f"{DEMO}/billing", json={"step": step, **more}, headers=ADMIN)
        return answer.status_code, answer.json()

    status, shown = take("payment_failed", reason="The card was refused.")
    assert (status, shown["billing_status"]) == (200, "past_due")
    assert shown["possible"] == ["payment_restored", "request_cancellation"]
    status, refused = take("start_trial")
    words = "The payment is past due. Possible now: payment_restored, request_cancellation."
    assert (status, refused["detail"]) == (409, words)
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    assert take("request_cancellation", at=soon)[1]["possible"] == ["payment_restored", "withdraw_cancellation"]
    assert take("request_cancellation", at="2026-11-21T00:00:00")[0] == 422
    assert take("carry_out_cancellation")[0] == 409
    assert take("pay")[0] == 422
    assert take("withdraw_cancellation")[1]["cancels_at"] is None
    assert take("request_cancellation")[1]["billing_status"] == "canceled"
    assert client.get(DEMO, headers=ADMIN).json()["customers_are_answered"]["outcome"] == "hard"


def test_booking_takes_only_a_page_that_can_be_sent(client: AppClient) -> None:
    bad = client.put(f"{DEMO}/booking", json={"mode": "redirect", "url": "http://x.example"}, headers=ADMIN)
    assert (bad.status_code, bad.json()["detail"]) == (422, "The booking address has to begin with https://.")
    good = client.put(f"{DEMO}/booking", json={"mode": "capture"}, headers=ADMIN)
    assert good.json()["booking"] == {"mode": "capture", "url": None}


def test_an_archived_client_is_gone_from_the_list_and_kept(client: AppClient) -> None:
    assert client.post(f"{DEMO}/archive", json={"reason": "Closed."}, headers=ADMIN).json()["sms_number"] is None
    assert client.get(PATH, headers=ADMIN).json()["items"] == []
    kept = client.get(PATH, params={"archived": True}, headers=ADMIN).json()["items"]
    assert [one["id"] for one in kept] == [str(CLIENT_ID)]
    late = client.patch(DEMO, json={"name": "Late"}, headers=ADMIN)
    assert (late.status_code, late.json()["detail"]) == (
        409,
        "The client is archived: what is on record stays as it is.",
    )
    config = client.get(f"/api/widget/config/{CLIENT_ID}/01930000-0000-7000-8000-000000000003")
    assert config.status_code == 404


def test_clients_are_listed_page_by_page_and_found(client: AppClient) -> None:
    for name in ("Alpha", "Beta"):
        client.post(PATH, json={"name": name, "org_id": str(ORGANIZATION_ID)}, headers=ADMIN)

    def names(**conditions: Any) -> list[str]:  # noqa: ANN401  # as various as the conditions
        items = client.get(PATH, params=conditions, headers=ADMIN).json()["items"]
        return [item["name"] for item in items]

    first = client.get(PATH, params={"limit": 2}, headers=ADMIN).json()
    assert [item["name"] for item in first["items"]] == ["Harbor Plumbing", "Alpha"]
    assert names(limit=2, after=first["next"]) == ["Beta"]
    assert names(search="ALPH") == ["Alpha"]
    assert names(live=True) == ["Harbor Plumbing"]
    assert names(billing_status="trial") == []
    assert names(org_id=str(new_id())) == []


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("", {"nmae": "Misspelled"}),
        ("", {"name": None}),
        ("", {"onboarding_complete": True}),
        ("", {"billing_status": "active"}),
        ("", {"sms_number": "none of your business"}),
        ("/settings", {"takeover_minutes": 0}),
        ("/settings", {"notification_channel": None}),
        ("/settings", {"alert_kinds": ["gossip"]}),
        ("/settings", {"quiet_hours": {"start": "22:00Z", "end": "07:00"}}),
        ("/settings", {"answer_threshold": 2}),
    ],
)
def test_what_is_not_known_or_can_t_be_is_refused(client: AppClient, path: str, document: dict[str, Any]) -> None:
    answer = client.patch(DEMO + path, json=document, headers=ADMIN)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_a_client_that_is_not_there_or_another_s_is_not_found(client: AppClient) -> None:
    elsewhere = client.post("/api/v1/organizations", json={"slug": "other", "name": "Other"}, headers=ADMIN).json()
    for one, headers in (
        (f"{PATH}/{new_id()}", ADMIN),
        (DEMO, ADMIN | {"x-org-id": elsewhere["id"]}),
    ):
        assert client.get(one, headers=headers).status_code == 404
        assert client.patch(one, json={"name": "Mine"}, headers=headers).status_code == 404
        assert client.post(f"{one}/archive", json={"reason": "Mine."}, headers=headers).status_code == 404
        assert client.post(f"{one}/billing", json={"step": "activate"}, headers=headers).status_code == 404
        assert client.get(f"{one}/bots", headers=headers).status_code == 404


def test_bots_are_created_changed_and_seen_by_their_pages(client: AppClient) -> None:
    new = {"name": "Front door", "allowed_origins": ["https://Harbor.example/"]}
    made = client.post(f"{DEMO}/bots", json=new, headers=ADMIN)
    assert made.status_code == 201, made.text
    bot = made.json()
    assert bot["allowed_origins"] == ["https://harbor.example"]
    one = f"{DEMO}/bots/{bot['id']}"
    config = f"/api/widget/config/{CLIENT_ID}/{bot['id']}"
    assert client.get(config, headers={"origin": "https://harbor.example"}).json()["name"] == "Front door"
    assert client.get(config, headers={"origin": "https://evil.example"}).status_code == 403
    changed = client.patch(one, json={"greeting": "Hi!"}, headers=ADMIN | {"if-match": made.headers["etag"]})
    assert (changed.status_code, changed.json()["greeting"]) == (200, "Hi!")
    late = client.patch(one, json={"enabled": False}, headers=ADMIN | {"if-match": made.headers["etag"]})
    assert late.status_code == 412
    for bad in ({"accent_color": "red"}, {"name": None}, {"allowed_origins": ["http://harbor.example"]}, {"x": 1}):
        assert client.patch(one, json=bad, headers=ADMIN).status_code == 422
    assert [item["id"] for item in client.get(f"{DEMO}/bots", headers=ADMIN).json()][-1] == bot["id"]
    assert client.get(one, headers=ADMIN).json() == changed.json()
