"""One text gives one trace: the request, the jobs, the calls of providers, each below what caused it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from migrations.seeds import apply
from tests.support.databases import DatabaseUrls
from tests.support.eventually import eventually
from tests.support.otlp_double import OtlpDouble, TakenSpan, otlp_double
from tests.support.running_house import RunningHouse
from tests.support.servers import ROOT
from tests.support.twilio_webhook import CUSTOMER, sms_form

SECRET_WORDS = "my pipe burst at 12 Elm Street"

pytestmark = [pytest.mark.integration, pytest.mark.scenario]


def _named(spans: list[TakenSpan], name: str) -> TakenSpan:
    (found,) = [span for span in spans if span.name == name]
    return found


def _of(collector: OtlpDouble, trace_id: str) -> list[TakenSpan]:
    return [span for span in collector.spans() if span.trace_id == trace_id]


def test_a_text_is_followed_from_the_request_to_the_providers_call(
    database_urls: DatabaseUrls, redis_url: str, broker_url: str, tmp_path: Path
) -> None:
    apply(database_urls.platform, "demo")
    with (
        otlp_double() as collector,
        RunningHouse(
            database_urls,
            redis_url,
            broker_url,
            tmp_path,
            GATEHOUSE_OTEL__ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="100",
            GATEHOUSE_WORKER_PROCESSES="1",
        ) as house,
        httpx.Client(base_url=house.url) as client,
    ):
        answer = house.post(client, sms_form(f"What are your opening hours? {SECRET_WORDS}"))
        trace_id = answer.headers["x-correlation-id"].replace("-", "")
        eventually(
            lambda: {"sandbox send", "POST /webhooks/twilio/sms"} <= {s.name for s in _of(collector, trace_id)},
            within=30,
            what="The trace",
        )
        eventually(lambda: any(s.name == "delivery.send" for s in _of(collector, trace_id)), within=10)
    spans = _of(collector, trace_id)

    request = _named(spans, "POST /webhooks/twilio/sms")
    assert (request.service, request.parent_id) == ("api", "")
    assert request.attributes["http.response.status_code"] == 200
    processed, sent = _named(spans, "conversations.process"), _named(spans, "delivery.send")
    for run, queue in ((processed, "inbound"), (sent, "outbound")):
        assert (run.service, run.parent_id, run.failed) == ("worker", request.span_id, False)
        assert (run.attributes["gatehouse.outcome"], run.attributes["gatehouse.queue"]) == ("completed", queue)
        waits = [span for span in spans if span.name == f"{queue} wait" and span.parent_id == request.span_id]
        assert waits
        assert all(wait.start <= wait.end for wait in waits)
    call = next(span for span in spans if span.name == "sandbox send" and span.parent_id == sent.span_id)
    assert sent.start <= call.start <= call.end <= sent.end
    assert {span.span_id for span in spans} >= {span.parent_id for span in spans if span.parent_id}

    everything = b"\n".join(collector.raw)
    for private in (SECRET_WORDS, CUSTOMER[1:], "5550006"):
        assert private.encode() not in everything


def test_nothing_is_imported_without_an_endpoint() -> None:
    program = (
        "import sys; from config.tracing import TRACING; from tests.support.app_settings import app_settings;"
        "from pathlib import Path; assert not TRACING.begin(app_settings(Path('/nowhere')), 'api');"
        "print(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
