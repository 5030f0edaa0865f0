"""Spans by OpenTelemetry; imported by `config.tracing` alone, where the extra is installed.

Attributes hold ids and names from the code. What an exception says is not recorded: it may quote a message.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
    use_span,
)

from config.tracing import Outcome

if TYPE_CHECKING:
    from uuid import UUID

    from opentelemetry.trace import Span, TraceState
    from opentelemetry.util.types import Attributes

    from config.tracing import TracedRun

_SERVER_ERROR: Final = 500
_WANTED: ContextVar[tuple[int, int] | None] = ContextVar("wanted_ids", default=None)
"""The ids of the trace and of the span that is about to start."""


def span_id_of(what: str, about: UUID, number: int = 0) -> int:
    """Return the id of a span: the same in every process, another one for each thing and number."""
    digest = blake2b(f"{what}:{number}".encode(), digest_size=8, key=about.bytes).digest()
    return int.from_bytes(digest) or 1


class _Ids(IdGenerator):
    """Gives the ids that are wanted, else ones that nobody has."""

    def generate_trace_id(self) -> int:
        wanted = _WANTED.get()
        return random.getrandbits(128) or 1 if wanted is None else wanted[0]

    def generate_span_id(self) -> int:
        wanted = _WANTED.get()
        return random.getrandbits(64) or 1 if wanted is None else wanted[1]


class Share(Sampler):
    """Takes a share of all traces, each of them whole: every process decides alike by the trace's id.

    OpenTelemetry's own would look at bits that are the same in all of our ids.
    """

    def __init__(self, ratio: float) -> None:
        self._below = round(ratio * 2**64)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Take a trace or drop it."""
        del parent_context, name, kind, links
        drawn = int.from_bytes(blake2b(trace_id.to_bytes(16), digest_size=8).digest())
        decision = Decision.RECORD_AND_SAMPLE if drawn < self._below else Decision.DROP
        return SamplingResult(decision, attributes, trace_state)

    def get_description(self) -> str:
        """Say what this does."""
        return "a share of all traces, by their ids"


class Spans:
    """Makes spans and sends them. `endpoint`: as `https://collector:4318`; None: OpenTelemetry's variables say it."""

    def __init__(self, endpoint: str | None, role: str, environment: str, ratio: float) -> None:
        resource = Resource.create(
            {
                "service.name": "gatehouse",
                "service.version": version("gatehouse"),
                "service.namespace": role,
                "deployment.environment.name": environment,
            }
        )
        self._provider = TracerProvider(sampler=Share(ratio), resource=resource, id_generator=_Ids())
        exporter = OTLPSpanExporter(None if endpoint is None else f"{endpoint}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("gatehouse")

    def close(self) -> None:
        """Send what waits, and stop."""
        self._provider.shutdown()

    def ingested(self, correlation_id: UUID, route: str, method: str, status: int, begun: int) -> None:
        """Record the request that brought a message in, from `begun` (nanoseconds since 1970) until now."""
        span = self._start(
            f"{method} {route}",
            SpanKind.SERVER,
            ids=(correlation_id.int, span_id_of("ingest", correlation_id)),
            parent=Context(),
            start=begun,
            attributes={"http.request.method": method, "http.route": route, "http.response.status_code": status},
        )
        if status >= _SERVER_ERROR:
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    @contextmanager
    def job(self, run: TracedRun) -> Iterator[Outcome]:
        """Trace a run, and the time that its job waited before."""
        trace_id = (run.correlation_id or run.id).int
        message = run.correlation_id
        parent = Context() if message is None else _remote(trace_id, span_id_of("ingest", message))
        attributes: dict[str, str | int] = {
            "gatehouse.job_id": str(run.id),
            "gatehouse.org_id": str(run.org_id),
            "gatehouse.queue": run.queue,
            "gatehouse.attempt": run.attempt,
        }
        began = round(run.started_at.timestamp() * 1e9)
        wait = self._start(
            f"{run.queue} wait",
            SpanKind.INTERNAL,
            ids=(trace_id, span_id_of("wait", run.id, run.attempt)),
            parent=parent,
            start=began - round(run.waited * 1e9),
            attributes=attributes,
        )
        wait.end(began)
        before = SpanContext(trace_id, span_id_of("run", run.id, run.attempt - 1), is_remote=True)
        span = self._start(
            run.kind,
            SpanKind.CONSUMER,
            ids=(trace_id, span_id_of("run", run.id, run.attempt)),
            parent=parent,
            attributes=attributes,
            links=[Link(before)] if run.attempt > 1 else [],
        )
        with _under(span) as outcome:
            yield outcome

    @contextmanager
    def call(self, provider: str, operation: str) -> Iterator[Outcome]:
        """Trace a call, below the run of this thread; one that no run makes belongs to no message."""
        if not get_current_span().get_span_context().is_valid:
            yield Outcome()
            return
        attributes = {"peer.service": provider, "gatehouse.operation": operation}
        span = self._tracer.start_span(f"{provider} {operation}", kind=SpanKind.CLIENT, attributes=attributes)
        with _under(span) as outcome:
            yield outcome

    def _start(
        self,
        name: str,
        kind: SpanKind,
        *,
        ids: tuple[int, int],
        parent: Context,
        attributes: Attributes,
        start: int | None = None,
        links: Sequence[Link] = (),
    ) -> Span:
        token = _WANTED.set(ids)
        try:
            return self._tracer.start_span(
                name, parent, kind=kind, attributes=attributes, links=links, start_time=start
            )
        finally:
            _WANTED.reset(token)


def _remote(trace_id: int, span_id: int) -> Context:
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(context), Context())


@contextmanager
def _under(span: Span) -> Iterator[Outcome]:
    """Make a span the parent of what follows, and end it with what that came to."""
    outcome = Outcome()
    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield outcome
        except BaseException as error:
            outcome.word, outcome.failed = outcome.word or type(error).__name__, True
            raise
        finally:
            span.set_attribute("gatehouse.outcome", outcome.word)
            if outcome.failed:
                span.set_status(Status(StatusCode.ERROR))
