"""Traces are passed on always, and recorded only where they are wanted."""

import subprocess
import sys

from chassis import context, tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_without_a_collector_nothing_of_opentelemetry_is_imported() -> None:
    program = (
        "import sys; import chassis.run; from chassis import tracing;"
        "tracing.configure('orders', '');\n"
        "with tracing.span('work') as span: span.note(a=1); span.rename('b'); span.fail('c')\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_without_a_collector_the_trace_is_passed_on_as_it_came() -> None:
    with context.resumed(work_of="r-1", begun_in=PARENT, about="1"), tracing.span("work"):
        assert context.traceparent.get() == PARENT
        assert tracing.trace_id() == "0af7651916cd43dd8448eb211c80319c"
    assert context.traceparent.get() == ""


def test_only_a_traceparent_is_taken_from_outside() -> None:
    assert tracing.accepted(PARENT) == PARENT
    for other in ("", "00-xyz", PARENT + "-more", PARENT.upper(), PARENT + "\n"):
        assert tracing.accepted(other) == ""
