"""Figures say what happened: nothing that was taken back, and nothing of whom it happened to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.app import create_app
from api.middleware import Boundary
from api.sns import SnsVerifier, read_message
from api.spool.arrival import Arrival
from api.spool.files import FileStore
from api.spool.standing import show, standings
from config.places import CONFIG
from config.settings import Settings
from domain.access.roles.book import read_roles
from domain.audit.record import Act, Actor, record
from domain.deadletters.operations import Request, begin
from domain.delivery.errors import ProviderRejectedError
from domain.delivery.ports import OutgoingSms
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.notices.raising import NoticeKind, raise_notice, resolve_notice
from domain.queue.control import pause, resume
from domain.queue.dead import DeadFilter
from domain.queue.outcome import Dead
from providers.measured import MeasuredSms
from providers.twilio.sms import TwilioSms
from providers.twilio.transport import TwilioTransport
from tests.support.app_client import AppClient
from tests.support.app_fixtures import settings, unconnected
from tests.support.databases import DatabaseUrls
from tests.support.figures import figure, rises
from tests.support.queue_kinds import Note
from tests.support.queue_lab import ORG, Lab
from tests.support.sns_messages import TOPIC, Pages, encoded, notification, signed
from tests.support.twilio_api import Reject
from tests.support.twilio_double import TwilioDouble
from tests.support.whose import new_keyholder
from workers.announcer import Announcer
from workers.connection import PlatformConnection
from workers.upkeep import Upkeep

__all__ = ["settings", "unconnected"]

pytestmark = pytest.mark.integration

OPERATOR = Actor("night", "operator")


@pytest.fixture
def lab(database_urls: DatabaseUrls) -> Iterator[Lab]:
    with closing(Lab(database_urls)) as lab:
        yield lab


def _measure(lab: Lab) -> None:
    with closing(PlatformConnection(lab.urls.platform, "upkeep")) as connection:
        Upkeep(connection).tick()


def test_who_lacks_a_permission_is_counted_by_it(settings: Settings, lab: Lab) -> None:
    with AppClient(create_app(settings)) as client:
        holder = new_keyholder(lab.database, read_roles(CONFIG), "workspace_viewer", ORG)
        headers = {"Authorization": f"Bearer {holder.key}"}
        with rises("gatehouse_permission_denied_total", 1, permission="health.view", because="role"):
            assert client.get("/api/health/internal", headers=headers).status_code == 403


def test_what_a_demonstration_refuses_is_counted_apart(settings: Settings, lab: Lab) -> None:
    demo = settings.model_copy(update={"demo_safe_mode": True})
    with AppClient(create_app(demo)) as client:
        headers = {"Authorization": f"Bearer {settings.admin_token.get_secret_value() if settings.admin_token else ''}"}
        with rises("gatehouse_permission_denied_total", 1, permission="dead_letters.discard", because="demo"):
            answer = client.post("/api/v1/dead-letters/discard", headers=headers, json={"reason": "x"})
        assert answer.status_code == 403
    del lab


def test_an_act_counts_once_it_is_committed(lab: Lab) -> None:
    act = Act("role.override", "role", "workspace_admin", "a test", org_id=PLATFORM_ORG_ID)
    with rises("gatehouse_audit_entries_total", 1, action="role.override"), lab.database.platform_scope() as session:
        record(session, OPERATOR, act)
    with (
        rises("gatehouse_audit_entries_total", 0, action="role.override"),
        suppress(ZeroDivisionError),
        lab.database.platform_scope() as session,
    ):
        record(session, OPERATOR, act)
        raise ZeroDivisionError


def test_deaths_and_what_is_done_about_them_are_counted(lab: Lab) -> None:
    for _ in range(3):
        lab.end(lab.run(lab.enqueue(Note())), Dead("no", "Rejected"))
    with rises("gatehouse_deaths_total", 3, kind="test.note"):
        assert Announcer(lab.database).tick() == 3
    _measure(lab)
    assert figure("gatehouse_dead_letters", kind="test.note") == 3
    with (
        rises("gatehouse_bulk_items_total", 3, action="discard", outcome="done"),
        lab.database.platform_scope() as session,
    ):
        begin(session, Request("discard", DeadFilter(kind="test.note"), "a test"), OPERATOR)
    _measure(lab)
    assert figure("gatehouse_dead_letters", kind="test.note") == 0


def test_queues_tell_who_works_on_them_and_whether_they_are_paused(lab: Lab) -> None:
    with lab.database.platform_scope() as session:
        pause(session, "default", because="a test")
    _measure(lab)
    assert (figure("gatehouse_queue_workers", queue="default"), figure("gatehouse_queue_paused", queue="default")) == (
        1,
        1,
    )
    assert figure("gatehouse_queue_workers", queue="inbound") == 0
    lab.execute("UPDATE workers SET heartbeat_at = now() - interval '1 minute'")
    with lab.database.platform_scope() as session:
        resume(session, "default")
    _measure(lab)
    assert (figure("gatehouse_queue_workers", queue="default"), figure("gatehouse_queue_paused", queue="default")) == (
        0,
        0,
    )


def test_notices_count_until_somebody_deals_with_them(lab: Lab) -> None:
    with lab.database.platform_scope() as session:
        raise_notice(session, NoticeKind.INBOUND_GAP, "a client", "words", org_id=ORG)
    _measure(lab)
    assert figure("gatehouse_notices_open", kind="inbound_gap") == 1
    with lab.database.platform_scope() as session:
        resolve_notice(session, NoticeKind.INBOUND_GAP, "a client", org_id=ORG, by="a test")
    _measure(lab)
    assert figure("gatehouse_notices_open", kind="inbound_gap") == 0


def test_a_provider_that_asks_for_fewer_calls_is_told_from_one_that_refuses_a_text() -> None:
    with TwilioDouble() as twilio:
        transport = TwilioTransport(twilio.url, connect_seconds=1, read_seconds=1)
        measured = MeasuredSms(TwilioSms(twilio.account_sid, twilio.auth_token, transport))
        sms = OutgoingSms(
            new_id(), new_id(), new_id(), "+15005550001", "Hello", "+15005550006", None, "https://x.test/"
        )
        for status, code, outcome in ((429, 20429, "throttled"), (400, 21211, "rejected")):
            twilio.will(Reject(code, status, "no"))
            labels = {"provider": "twilio", "operation": "send", "outcome": outcome}
            noted = 1 if outcome == "throttled" else 0
            with (
                rises("gatehouse_provider_calls_total", 1, **labels),
                rises("gatehouse_errors_total", noted, part="providers"),
                pytest.raises(ProviderRejectedError),
            ):
                measured.send(sms)


def test_the_end_of_the_certificate_in_use_is_told() -> None:
    SnsVerifier(frozenset({TOPIC}), Pages()).verify(read_message(encoded(signed(notification("x")))))
    ends = datetime.fromtimestamp(figure("gatehouse_sns_certificate_expires_timestamp_seconds"), UTC)
    assert datetime.now(UTC) < ends < datetime.now(UTC) + timedelta(days=400)


def test_the_spool_tells_how_much_it_holds_and_what_waits_for_a_person(tmp_path: Path, redis_url: str) -> None:
    store = FileStore(tmp_path)
    entry = Arrival("sms", "Body=my+pipe+burst").encode()
    store.append([entry, entry])
    store.reject(entry)
    show(standings(tmp_path, redis_url))
    store.close()
    assert figure("gatehouse_spool_entries", store="files") == 2
    assert figure("gatehouse_spool_bytes", store="files") == 2 * len(entry)
    assert figure("gatehouse_spool_rejected_entries", store="files") == 1


def test_a_stream_of_events_is_answered_and_is_no_slow_answer() -> None:
    async def stream(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: 1"})

    async def nothing(*_: object) -> Message:
        return {}

    async def listen() -> None:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "state": {}}
        await Boundary(stream)(scope, nothing, nothing)  # type: ignore[arg-type]

    counted = {"route": "unmatched", "method": "GET", "status": "200"}
    with (
        rises("gatehouse_http_requests_total", 1, **counted),
        rises("gatehouse_http_request_seconds_count", 0, route="unmatched"),
    ):
        asyncio.run(listen())
