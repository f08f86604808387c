"""One order can be followed through the logs of all services: by its request, by its messages, by its identifier."""

import json
import uuid
from typing import Any

from tests.journey.running import Local
from tests.journey.stage import Stage, eventually, number

FOLLOWED = {
    ("payments", "message said", "PaymentCaptured"),
    ("orders", "message heard", "PaymentCaptured"),
    ("orders", "message said", "OrderPaid"),
    ("payments", "message heard", "OrderPaid"),
    ("tickets", "message heard", "OrderPaid"),
    ("events", "message heard", "OrderPaid"),
    ("tickets", "message said", "TicketsIssued"),
    ("orders", "message heard", "TicketsIssued"),
}


def test_a_request_is_found_in_the_logs_of_every_service_with_its_order_and_its_messages(
    system: Local, stage: Stage
) -> None:
    buyer, event = stage.person("buyer"), stage.on_sale()
    order = stage.order(buyer, event)
    stage.fill_in(buyer, order)
    stage.choose(buyer, order, "stripe")
    request = f"followed-{uuid.uuid4().hex}"
    answer = stage.charge(buyer, order, headers={"X-Request-Id": request})
    assert (answer.status_code, answer.headers["X-Request-Id"]) == (200, request)
    stage.has_pdfs(buyer, order)

    eventually(lambda: {_step(line) for line in _lines(system, request)} >= FOLLOWED, what="all lines")
    lines = _lines(system, request)
    assert {line["key"] for line in lines if "message_id" in line} == {number(order)}
    said = {line["message_id"] for line in lines if line["event"] == "message said"}
    heard = {line["message_id"] for line in lines if line["event"] == "message heard"}
    assert heard == said, "a message has the same id where it is said and where it is heard"


def _step(line: dict[str, Any]) -> tuple[str, str, str]:
    return line["service"], line["event"], str(line.get("type", "")).rpartition(".")[2]


def _lines(system: Local, request: str = "") -> list[dict[str, Any]]:
    """What all processes logged, or of it what they did for one request."""
    texts = [path.read_text() for path in (system.system.folder / "log").glob("*.log")]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
    return [found for line in lines if (found := json.loads(line)).get("request_id") == request or not request]
