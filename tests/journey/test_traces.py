"""With a collector, one order can be followed through all processes: in one trace, from the gateway to its PDFs."""

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from local.system import Ports, System
from tests.journey.running import Local
from tests.journey.stage import Stage, eventually, number

pytestmark = pytest.mark.timeout(400)  # a whole system starts within the first test's time


@dataclass(frozen=True)
class Seen:
    """A span as the collector got it."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    facts: dict[str, str]


class Collector:
    """OTLP over HTTP on a port of its own; keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, request: ExportTraceServiceRequest) -> None:
        """Keeps the spans of one request."""
        for of_process in request.resource_spans:
            [service] = [
                each.value.string_value for each in of_process.resource.attributes if each.key == "service.name"
            ]
            for scope in of_process.scope_spans:
                self.spans += [
                    Seen(
                        service,
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        {each.key: each.value.string_value for each in span.attributes},
                    )
                    for span in scope.spans
                ]

    def of_trace(self, trace: str) -> list[Seen]:
        """The spans of one trace."""
        return [span for span in self.spans if span.trace == trace]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Stage]:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with System(tmp_path_factory.mktemp("traced"), Ports.free(), settings=settings) as system:
        yield Stage(Local(system)).set_up()


def test_one_charge_is_one_trace_through_all_services_to_the_pdf(stage: Stage, collector: Collector) -> None:
    buyer, event = stage.person("buyer"), stage.on_sale()
    order = stage.order(buyer, event)
    stage.fill_in(buyer, order)
    stage.choose(buyer, order, "stripe")
    trace = secrets.token_hex(16)
    answer = stage.charge(buyer, order, headers={"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"})
    assert answer.status_code == 200, answer.text
    stage.has_pdfs(buyer, order)

    expected = {
        ("gateway", "services.orders.api.charges.charge_order"),
        ("orders", "services.orders.api.charges.charge_order"),
        ("orders", "ask ChargeRequest"),
        ("payments", "stagedoor.payments.Payments.Charge"),
        ("payments", "stripe charge"),
        ("payments", "tell PaymentCaptured"),
        ("orders", "hear PaymentCaptured"),
        ("orders", "tell OrderPaid"),
        ("tickets", "hear OrderPaid"),
        ("events", "hear OrderPaid"),
        ("tickets", "draw PDFs"),
        ("tickets", "tell TicketsIssued"),
        ("orders", "hear TicketsIssued"),
    }

    def missing() -> set[tuple[str, str]]:
        return expected - {(span.service, span.name) for span in collector.of_trace(trace)}

    eventually(lambda: not missing(), what=f"a whole trace, without {missing()}")
    spans = collector.of_trace(trace)
    ids = {span.id for span in spans}
    roots = [span.name for span in spans if span.parent not in ids]
    assert roots == ["services.orders.api.charges.charge_order"], "every span hangs on another one of the trace"
    told = next(span for span in spans if span.name == "tell OrderPaid")
    assert told.facts["message.key"] == order["attributes"]["identifier"] == number(order)


def test_what_is_no_traceparent_begins_a_trace_of_its_own(stage: Stage, collector: Collector) -> None:
    stage.nobody.send("GET", "/v1/modules", headers={"traceparent": "00-nonsense'); DROP TABLE orders"})
    found = eventually(lambda: [span for span in collector.spans if span.name.endswith("modules.get_modules")])
    assert {len(span.trace) for span in found} == {32}


def test_spans_hold_nothing_personal(stage: Stage, collector: Collector) -> None:
    stage.person("secretive")
    eventually(lambda: any("create_user" in span.name for span in collector.spans))
    assert "secretive" not in str(collector.spans)
    assert "@example.com" not in str(collector.spans)
