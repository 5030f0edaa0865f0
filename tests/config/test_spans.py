"""Spans find each other by ids that every process derives by itself, and hold no words of an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import Decision

from config.spans import Share, Spans, span_id_of
from domain.kernel.ids import new_id
from tests.support.otlp_double import OtlpDouble, otlp_double

MESSAGE = UUID("01980000-0000-7000-8000-000000000001")
JOB = UUID("01980000-0000-7000-8000-000000000002")


@dataclass(frozen=True)
class Claimed:
    """A run as the worker sees it."""

    attempt: int = 1
    correlation_id: UUID | None = MESSAGE
    id: UUID = JOB
    org_id: UUID = field(default_factory=new_id)
    kind: str = "delivery.send"
    queue: str = "outbound"
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    waited: float = 0.25


@pytest.fixture
def collector() -> Iterator[OtlpDouble]:
    with otlp_double() as double:
        yield double


def test_a_second_attempt_is_linked_to_the_first(collector: OtlpDouble) -> None:
    spans = Spans(collector.url, "worker", "test", 1.0)
    for attempt in (1, 2):
        with spans.job(Claimed(attempt)):
            pass
    spans.close()
    first, second = [span for span in collector.spans() if span.name == "delivery.send"]
    assert (first.links, second.links) == ((), (first.span_id,))
    assert {first.trace_id, second.trace_id} == {MESSAGE.hex}
    assert {span.parent_id for span in collector.spans()} == {f"{span_id_of('ingest', MESSAGE):016x}"}


def test_a_wait_ends_when_its_run_begins(collector: OtlpDouble) -> None:
    spans = Spans(collector.url, "worker", "test", 1.0)
    claimed = Claimed()
    with spans.job(claimed):
        pass
    spans.close()
    (wait,) = [span for span in collector.spans() if span.name == "outbound wait"]
    assert wait.end == pytest.approx(claimed.started_at.timestamp() * 1e9, abs=1_000)
    assert wait.end - wait.start == 250_000_000


def test_a_failed_call_is_marked_without_its_words(collector: OtlpDouble) -> None:
    spans = Spans(collector.url, "worker", "test", 1.0)
    with suppress(ConnectionError), spans.job(Claimed()), spans.call("twilio", "send"):
        raise ConnectionError("no answer for +15005550006: my pipe burst")
    spans.close()
    (call,) = [span for span in collector.spans() if span.name == "twilio send"]
    assert (call.failed, call.attributes["gatehouse.outcome"]) == (True, "ConnectionError")
    assert b"5550006" not in b"".join(collector.raw)


def test_a_call_outside_any_run_belongs_to_no_message(collector: OtlpDouble) -> None:
    spans = Spans(collector.url, "api", "test", 1.0)
    with spans.call("sandbox", "send"):
        pass
    spans.close()
    assert collector.spans() == []


def test_a_job_without_a_message_has_a_trace_of_its_own(collector: OtlpDouble) -> None:
    spans = Spans(collector.url, "worker", "test", 1.0)
    claimed = Claimed(correlation_id=None)
    with spans.job(claimed):
        pass
    spans.close()
    (run,) = [span for span in collector.spans() if span.name == "delivery.send"]
    assert (run.trace_id, run.parent_id) == (claimed.id.hex, "")


@given(st.integers(min_value=1, max_value=2**128 - 1), st.floats(0, 1))
def test_every_process_takes_the_same_share(trace_id: int, ratio: float) -> None:
    first, second = (Share(ratio).should_sample(None, trace_id, name).decision for name in ("one", "another"))
    assert first is second


def test_a_share_is_drawn_of_ids_that_are_alike() -> None:
    taken = [Share(0.25).should_sample(None, new_id().int, "x").decision for _ in range(2_000)]
    assert 350 < taken.count(Decision.RECORD_AND_SAMPLE) < 650
