"""Whoever signs up with somebody's address and never proves it: neither sees nor takes away what is that person's."""

import uuid

from local.api import Api, ref
from tests.journey.stage import PASSWORD, Stage, eventually, number, text_of_pdf


def squatter(stage: Stage, address: str) -> tuple[Api, str]:
    """Somebody with an account under an address that is not theirs, and its id."""
    made = stage.nobody.create("/v1/users", "user", {"email": address, "password": PASSWORD})
    return Api(stage.system.url).log_in(address, PASSWORD), made["id"]


def address_of_a_guest() -> str:
    return f"guest-{uuid.uuid4().hex[:8]}@example.com"


def test_an_unproven_address_opens_nobodys_tickets(stage: Stage) -> None:
    """Also where the account was there before the ticket."""
    guest = address_of_a_guest()
    stranger, _ = squatter(stage, guest)
    event, buyer = stage.on_sale(), stage.person("buyer")
    order = stage.order(buyer, event)
    [attendee] = stage.fill_in(buyer, order, ("Grace", "Hopper", guest))
    stage.choose(buyer, order, "stripe")
    assert stage.charge(buyer, order).status_code == 200
    stage.has_pdfs(buyer, order)
    for path in (f"/v1/orders/attendees/{attendee}.pdf", f"/v1/tickets/{number(order)}", f"/v1/attendees/{attendee}"):
        assert stranger.send("GET", path).status_code in (403, 404), path
    stage.nobody.call(
        "POST",
        "/v1/auth/verify-email",
        json={"data": {"token": stage.token_in(stage.mail_to(guest, "confirm"))}},
    )
    owner = Api(stage.system.url).log_in(guest, PASSWORD)
    eventually(
        lambda: owner.send("GET", f"/v1/orders/attendees/{attendee}.pdf").status_code == 200,
        what="the ticket being of who proved the address",
    )


def test_erasing_an_unproven_account_takes_nobodys_name_away(stage: Stage) -> None:
    guest = address_of_a_guest()
    event, buyer = stage.on_sale(), stage.person("buyer")
    order = stage.order(buyer, event)
    stage.fill_in(buyer, order, ("Grace", "Hopper", guest))
    stage.choose(buyer, order, "stripe")
    assert stage.charge(buyer, order).status_code == 200
    stage.has_pdfs(buyer, order)
    of_event = {"event": ref("event", event.id)}
    speaker = event.organizer.create("/v1/speakers", "speaker", {"name": "Grace", "email": guest}, of_event)
    stranger, user = squatter(stage, guest)
    assert stranger.send("DELETE", f"/v1/users/{user}?permanent=true").status_code == 200
    eventually(
        lambda: stage.rows("orders", "SELECT 1 FROM replica_users WHERE id = %s AND is_deleted", int(user)),
        what="orders hearing of the erasure",
    )
    [attendee] = buyer.get(f"/v1/orders/{number(order)}/attendees")["data"]
    assert (attendee["attributes"]["firstname"], attendee["attributes"]["email"]) == ("Grace", guest)
    assert event.organizer.get(f"/v1/speakers/{speaker['id']}")["data"]["attributes"]["name"] == "Grace"
    ticket = buyer.send("GET", f"/v1/tickets/{number(order)}")
    assert "Grace Hopper" in text_of_pdf(ticket.content)
