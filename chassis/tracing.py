"""OpenTelemetry traces: spans at our entrances and exits, so that one order can be followed through all processes.

`context.traceparent` (W3C Trace Context) says which span the work at hand belongs to. It travels in HTTP headers, gRPC
metadata and messages whether or not this process records spans. Without an endpoint nothing of OpenTelemetry is even
imported, and a span costs one function call.

What the SDK reads itself applies as everywhere: OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS, OTEL_BSP_SCHEDULE_DELAY …
"""

import re
import time
from contextvars import Token
from datetime import datetime
from types import TracebackType
from typing import Any, Literal

from chassis import context

Kind = Literal["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")

_tracer: Any = None


def configure(service: str, endpoint: str) -> None:
    """Sends this process' spans to an OTLP/HTTP collector, such as ``http://collector:4318``; empty: records none."""
    global _tracer
    if not endpoint:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service, "service.namespace": "stagedoor"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    _tracer = provider.get_tracer("stagedoor")


def accepted(header: str) -> str:
    """A traceparent that came from outside, if it is one."""
    return header if _TRACEPARENT.fullmatch(header) else ""


def trace_id() -> str:
    """The trace that the work at hand belongs to; empty where there is none."""
    return context.traceparent.get()[3:35]


class Span:
    """A piece of work: a context manager. Inside it, calls and messages belong to it."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Any) -> None:
        self._span = span
        self._token: Token[str] | None = None

    def __enter__(self) -> "Span":
        if self._span is not None:
            self._token = context.traceparent.set(_traceparent_of(self._span))
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            context.traceparent.reset(self._token)
        if self._span is not None:
            if error is not None:
                self.fail(type(error).__name__)  # not its words: they may hold what a person wrote
            self._span.end()

    def note(self, **facts: str | int | float) -> None:
        """Attributes; a double underscore in a name stands for a dot. Nothing personal, nothing secret."""
        if self._span is not None:
            self._span.set_attributes({name.replace("__", "."): value for name, value in facts.items()})

    def rename(self, name: str) -> None:
        """What it turned out to be."""
        if self._span is not None:
            self._span.update_name(name)

    def fail(self, reason: str) -> None:
        """It went wrong on our side."""
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_status(Status(StatusCode.ERROR, reason))


_NOTHING = Span(None)


def span(name: str, kind: Kind = "INTERNAL", **facts: str | int | float) -> Span:
    """A span below the one that the work at hand belongs to, for a ``with`` block."""
    if _tracer is None:
        return _NOTHING
    made = Span(_start(name, kind, context.traceparent.get()))
    made.note(request__id=context.request_id.get(), **facts)
    return made


def record(name: str, kind: Kind, traceparent: str, began_at: datetime, **facts: str | int | float) -> None:
    """A span that ends now and began earlier, below `traceparent`; nothing where there is no trace."""
    if _tracer is not None and traceparent:
        made = _start(name, kind, traceparent, int(began_at.timestamp() * 1e9))
        made.set_attributes({key.replace("__", "."): value for key, value in facts.items()})
        made.end(time.time_ns())


def _start(name: str, kind: Kind, traceparent: str, began_ns: int | None = None) -> Any:
    from opentelemetry import trace

    parent = None
    if found := _TRACEPARENT.fullmatch(traceparent):
        remote = trace.SpanContext(
            int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=trace.TraceFlags(int(found[3], 16))
        )
        parent = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    return _tracer.start_span(name, context=parent, kind=trace.SpanKind[kind], start_time=began_ns)


def _traceparent_of(made: Any) -> str:
    itself = made.get_span_context()
    return f"00-{itself.trace_id:032x}-{itself.span_id:016x}-{itself.trace_flags:02x}"
