"""At the door: a code from the mailed PDF, and what another service has to have said before it is refused."""

import time

import pypdfium2
import zxingcpp

from tests.journey.stage import Stage, code_of, eventually, number

AT_MOST_SECONDS = 5.0


def code_on(pdf: bytes) -> str:
    """What a scanner reads from a ticket."""
    [found] = zxingcpp.read_barcodes(pypdfium2.PdfDocument(pdf)[0].render(scale=2).to_pil())
    return str(found.text)


def test_a_ticket_lets_one_person_in_and_none_after_it_was_cancelled(stage: Stage) -> None:
    event, buyer = stage.on_sale(), stage.person()
    order = stage.paid_order(buyer, event, Seat=2)
    codes = [
        code_on(buyer.send("GET", f"/v1/orders/attendees/{each['id']}.pdf").content)
        for each in stage.has_pdfs(buyer, order)
    ]
    first = event.organizer.call("POST", "/v1/tickets/scan", json={"code": codes[0], "door": "North"})
    again = event.organizer.send("POST", "/v1/tickets/scan", json={"code": codes[0], "door": "South"})
    assert (again.status_code, code_of(again)) == (409, "already-checked-in")
    assert again.json()["errors"][0]["meta"] == {"at": first["checkin-times"][0], "door": "North"}
    assert buyer.send("POST", "/v1/tickets/scan", json={"code": codes[1]}).status_code == 403

    event.organizer.change(f"/v1/orders/{number(order)}", "order", order["id"], {"status": "cancelled"})
    cancelled_at = time.monotonic()

    def refused() -> bool:  # leaving is asked for, so that asking too early lets nobody in
        answer = event.organizer.send("POST", "/v1/tickets/scan", json={"code": codes[1], "action": "check-out"})
        assert not answer.ok
        return code_of(answer) == "ticket-revoked"

    eventually(refused, within_seconds=AT_MOST_SECONDS, what="the refusal of a cancelled ticket")
    assert time.monotonic() - cancelled_at < AT_MOST_SECONDS
    at_the_door = event.organizer.send("POST", "/v1/tickets/scan", json={"code": codes[1], "door": "North"})
    assert (at_the_door.status_code, code_of(at_the_door)) == (409, "ticket-revoked")
