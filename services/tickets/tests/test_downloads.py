"""PDFs for those who may, and nothing else for anybody."""

import threading
import time
from typing import Any

import pytest

from chassis.errors import NotFound, Unavailable
from chassis.testing import Client
from proto.events.events_pb2 import EventRole, EventRolesReply, Seller
from proto.orders.orders_pb2 import AttendeeChanged, AttendeesReleased, OrderCancelled
from services.tickets import consumers, stored
from services.tickets.api import downloads
from services.tickets.tests.arranged import (
    ANNA_ID,
    BUYER_ID,
    IDENTIFIER,
    ORGANIZER_ID,
    OTHER_IDENTIFIER,
    STRANGER_ID,
    Hand,
    Published,
    attendee,
    draw_all,
    give_role,
    hear,
    order,
    order_row,
    pay,
    text_of,
    ticket,
)

ORDER_PATHS = [f"/v1/tickets/{IDENTIFIER}", f"/v1/orders/{IDENTIFIER}/tickets-pdf"]
ATTENDEE_PATH = "/v1/orders/attendees/101.pdf"


@pytest.fixture
def drawn(app: Any) -> None:
    pay()
    draw_all()
    for user in (ANNA_ID, STRANGER_ID):
        give_role(user)
    give_role(ORGANIZER_ID, "coorganizer")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PATIENCE_SECONDS", 0.3)


def assert_pdf(answer: Any, *words: str) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert "attachment" in answer.headers["content-disposition"]
    found = text_of(answer.content)
    for word in words:
        assert word in found
    return found


def assert_refused(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/vnd.api+json"
    assert answer.json()["errors"][0]["code"] == code


@pytest.mark.parametrize("path", ORDER_PATHS)
def test_the_buyer_gets_the_order_and_every_ticket(drawn: Any, client: Client, path: str) -> None:
    assert_pdf(client.as_user(BUYER_ID).get(path), "€200.00", "Anna Doe", "Bob Doe")


@pytest.mark.parametrize("path", [*ORDER_PATHS, ATTENDEE_PATH])
def test_whoever_runs_the_event_and_admins_get_them_too(drawn: Any, client: Client, path: str) -> None:
    assert_pdf(client.as_user(ORGANIZER_ID).get(path), "Anna Doe")
    assert_pdf(client.as_user(STRANGER_ID, role="admin").get(path), "Anna Doe")


@pytest.mark.parametrize("path", [*ORDER_PATHS, ATTENDEE_PATH])
def test_an_attendee_gets_the_own_ticket_and_nothing_of_others(drawn: Any, client: Client, path: str) -> None:
    found = assert_pdf(client.as_user(ANNA_ID, email="Anna@example.com").get(path), "Anna Doe")
    assert "Bob" not in found
    assert "Berta" not in found
    assert "€" not in found


@pytest.mark.parametrize("accept", ["application/vnd.api+json", "*/*", "application/pdf"])
def test_existing_clients_ask_for_json_api_and_get_the_pdf(drawn: Any, client: Client, accept: str) -> None:
    assert_pdf(client.as_user(BUYER_ID).get(ORDER_PATHS[0], headers={"Accept": accept}))


def test_an_attendee_with_two_tickets_gets_both(client: Client) -> None:
    pay(attendees=[attendee(101), attendee(102, "Ben"), attendee(103, "Cleo", "cleo@example.com")])
    draw_all()
    give_role(ANNA_ID)
    found = assert_pdf(client.as_user(ANNA_ID, email="anna@example.com").get(ORDER_PATHS[0]), "Anna Doe", "Ben Doe")
    assert "Cleo" not in found


@pytest.mark.parametrize("path", [*ORDER_PATHS, ATTENDEE_PATH])
def test_an_address_that_nobody_proved_opens_nothing(drawn: Any, client: Client, path: str) -> None:
    answer = client.as_user(STRANGER_ID, email="anna@example.com", is_verified=False).get(path)
    assert answer.status_code == 404


@pytest.mark.parametrize("path", [*ORDER_PATHS, ATTENDEE_PATH])
@pytest.mark.parametrize("who", [{"email": "anna@example.com", "is_verified": False}, {"email": "else@example.com"}])
def test_an_account_that_once_had_the_address_opens_nothing(client: Client, path: str, who: dict[str, Any]) -> None:
    pay(attendees=[attendee(101, user_id=STRANGER_ID)])
    draw_all()
    give_role(STRANGER_ID)
    assert client.as_user(STRANGER_ID, **who).get(path).status_code == 404


def test_the_same_holds_while_the_order_is_on_its_way_here(client: Client, peer: Any) -> None:
    state = order(attendees=[attendee(101, user_id=STRANGER_ID)])
    peer("orders", GetOrder=lambda request: state)
    give_role(STRANGER_ID)
    unproven = client.as_user(STRANGER_ID, email="anna@example.com", is_verified=False)
    assert unproven.get(ORDER_PATHS[0]).status_code == 404


@pytest.mark.parametrize("path", [*ORDER_PATHS, ATTENDEE_PATH])
def test_to_strangers_the_tickets_do_not_exist(drawn: Any, client: Client, path: str) -> None:
    assert client.as_user(STRANGER_ID).get(path).status_code == 404


@pytest.mark.parametrize("path", [*ORDER_PATHS, ATTENDEE_PATH])
def test_nobody_gets_a_ticket_without_a_login(drawn: Any, client: Client, path: str) -> None:
    assert client.get(path).status_code == 401


@pytest.mark.parametrize("role", ["registrar", "moderator", "track_organizer"])
def test_other_roles_of_the_event_do_not_open_orders(drawn: Any, client: Client, role: str) -> None:
    give_role(STRANGER_ID, role, version=2)
    assert client.as_user(STRANGER_ID).get(ORDER_PATHS[0]).status_code == 404


def test_a_role_that_the_replica_does_not_know_is_asked_for_once(client: Client, peer: Any) -> None:
    pay()
    draw_all()
    asked = []

    def answer(request: Any) -> EventRolesReply:
        asked.append(request.user_id)
        return EventRolesReply(role=EventRole(id=9, version=1, event_id=7, user_id=60, roles=["owner"]))

    peer("events", GetEventRoles=answer)
    for _ in range(2):
        assert_pdf(client.as_user(60).get(ORDER_PATHS[0]), "Anna Doe")
    assert asked == [60]


def test_when_nobody_can_tell_the_role_it_is_503_and_buyers_are_served(client: Client) -> None:
    pay()
    draw_all()
    answer = client.as_user(60).get(ORDER_PATHS[0])
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert_pdf(client.as_user(BUYER_ID).get(ORDER_PATHS[0]), "Anna Doe")


def test_the_mailed_link_needs_no_login(drawn: Any, client: Client) -> None:
    assert_pdf(client.get(f"/v1/tickets/download/{ticket(101).token}"), "Anna Doe")


def test_a_link_nobody_was_mailed_is_unknown(drawn: Any, client: Client) -> None:
    assert_refused(client.get(f"/v1/tickets/download/{'x' * 43}"), 404, "ticket-unknown")


def test_the_mailed_link_dies_when_the_ticket_changes_hands(drawn: Any, client: Client) -> None:
    old = ticket(101).token
    change = AttendeeChanged(order_identifier=IDENTIFIER, version=4, attendee=attendee(101, "Carl", "carl@example.com"))
    hear(consumers.change_holder, change)
    draw_all()
    assert client.get(f"/v1/tickets/download/{old}").status_code == 404
    assert_pdf(client.get(f"/v1/tickets/download/{ticket(101).token}"), "Carl Doe")


def test_a_cancelled_order_opens_nothing_any_more(drawn: Any, client: Client) -> None:
    token = ticket(101).token
    hear(consumers.void_cancelled, OrderCancelled(order=order(version=5), was_paid=True))
    assert_refused(client.get(f"/v1/tickets/download/{token}"), 410, "ticket-revoked")
    for path in [*ORDER_PATHS, ATTENDEE_PATH]:
        assert_refused(client.as_user(BUYER_ID).get(path), 410, "ticket-revoked")


@pytest.mark.parametrize("path", ORDER_PATHS)
def test_an_order_of_which_nobody_comes_any_more_opens_nothing(drawn: Any, client: Client, path: str) -> None:
    """Everybody was refunded, or an admin took the order back to pending: there is no page to wait for."""
    hear(
        consumers.void_released,
        AttendeesReleased(order_identifier=IDENTIFIER, attendee_ids=[101, 102], version=4),
    )
    draw_all()
    assert_refused(client.as_user(BUYER_ID).get(path), 410, "ticket-revoked")


def test_a_pdf_that_is_not_drawn_yet_is_waited_for(client: Client) -> None:
    pay()
    thread = threading.Timer(0.5, draw_all)
    thread.start()
    began = time.monotonic()
    assert_pdf(client.as_user(BUYER_ID).get(ORDER_PATHS[0]), "Anna Doe")
    assert time.monotonic() - began > 0.4
    thread.join()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("path", [*ORDER_PATHS, ATTENDEE_PATH])
def test_a_pdf_that_does_not_come_is_503_with_retry_after(client: Client, path: str) -> None:
    pay()
    answer = client.as_user(BUYER_ID).get(path)
    assert_refused(answer, 503, "pdf-not-ready")
    assert answer.headers["retry-after"] == "2"


def test_the_wait_ends_before_a_client_gives_up() -> None:
    assert downloads.PATIENCE_SECONDS == 5


def test_a_stored_file_that_vanished_is_made_again(drawn: Any, client: Client) -> None:
    stored.storage().delete(ticket(101).pdf_key)
    answered = threading.Event()

    def draw_until_answered() -> None:  # as renderers do: when the request asks for it is not for us to guess
        while not answered.wait(0.1):
            draw_all()

    thread = threading.Thread(target=draw_until_answered)
    thread.start()
    try:
        assert_pdf(client.as_user(BUYER_ID).get(ATTENDEE_PATH), "Anna Doe")
    finally:
        answered.set()
        thread.join()


@pytest.mark.usefixtures("impatient")
def test_an_order_that_tickets_has_not_heard_of_is_asked_for(client: Client, peer: Any) -> None:
    peer("orders", GetOrder=lambda request: order())
    assert_refused(client.as_user(BUYER_ID).get(ORDER_PATHS[0]), 503, "pdf-not-ready")


def test_an_unpaid_order_has_no_tickets_and_strangers_do_not_learn_of_it(client: Client, peer: Any) -> None:
    peer(
        "orders",
        GetOrder=lambda request: order(status="pending"),
    )
    give_role(STRANGER_ID)
    assert_refused(client.as_user(BUYER_ID).get(ORDER_PATHS[0]), 409, "order-not-completed")
    assert client.as_user(STRANGER_ID).get(ORDER_PATHS[0]).status_code == 404


def test_an_order_that_never_was_is_404(client: Client, peer: Any) -> None:
    def unknown(request: Any) -> None:
        raise NotFound("There is no such order.")

    peer("orders", GetOrder=unknown)
    assert client.as_user(BUYER_ID).get(f"/v1/tickets/{OTHER_IDENTIFIER}").status_code == 404


def test_orders_that_do_not_answer_are_503(client: Client) -> None:
    answer = client.as_user(BUYER_ID).get(f"/v1/tickets/{OTHER_IDENTIFIER}")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_file_names_cannot_be_guessed(drawn: Any) -> None:
    row = order_row()
    assert len(row.secret) >= 16
    assert row.secret in row.pdf_key
    assert row.secret in ticket(101).pdf_key


INVOICE_PATH = f"/v1/orders/invoices/{IDENTIFIER}"


@pytest.fixture
def seller(peer: Any) -> Seller:
    """What events says of who sells."""
    seller = Seller()
    peer("events", GetSeller=lambda request: seller if request.event_id == order().event_id else Seller())
    return seller


def draw_soon(hand: Hand) -> threading.Thread:
    """As the workers do it, while the request waits: again and again, for who knows when it asks."""

    def draw() -> None:
        for _ in range(10):
            time.sleep(0.3)
            draw_all(hand)

    thread = threading.Thread(target=draw)
    thread.start()
    return thread


def test_the_buyer_gets_an_invoice_that_is_drawn_when_asked_for(
    drawn: Any, client: Client, published: Published, seller: Seller
) -> None:
    said = len(published())
    hand = Hand()
    thread = draw_soon(hand)
    assert_pdf(client.as_user(BUYER_ID).get(INVOICE_PATH), "Invoice", "Berta Buyer", "€200.00", "Early Bird")
    thread.join()
    assert_pdf(client.as_user(ORGANIZER_ID).get(INVOICE_PATH), "Invoice")
    assert len(hand.invoices) == 1
    assert hand.tickets == []
    assert len(published()) == said, "orders hears nothing of invoices"


def test_an_invoice_names_the_seller_as_the_events_tax_does(drawn: Any, client: Client, seller: Seller) -> None:
    seller.MergeFrom(
        Seller(company="Fair Ltd", tax_id="DE123456789", address="Dock 3", zip="20457", city="Hamburg", country="DE")
    )
    seller.invoice_footer = "Registered in Hamburg."
    timer = draw_soon(Hand())
    words = ("Fair Ltd", "DE123456789", "Dock 3", "20457 Hamburg", "Registered in Hamburg.")
    assert_pdf(client.as_user(BUYER_ID).get(INVOICE_PATH), *words)
    timer.join()


def test_an_invoice_waits_while_nobody_can_tell_who_sells_and_tickets_do_not(
    drawn: Any, client: Client, impatient: None, peer: Any
) -> None:
    def down(_request: Any) -> Any:
        raise Unavailable("Events is down.")

    peer("events", GetSeller=down)
    timer = draw_soon(Hand())
    assert client.as_user(BUYER_ID).get(INVOICE_PATH).status_code == 503
    timer.join()
    assert_pdf(client.as_user(BUYER_ID).get(ORDER_PATHS[0]), "Anna")
    assert order_row().is_invoice_wanted
    assert "Events is down." in order_row().problem


def test_attendees_and_strangers_see_no_invoice(drawn: Any, client: Client) -> None:
    assert client.as_user(ANNA_ID, email="anna@example.com").get(INVOICE_PATH).status_code == 404
    assert client.as_user(STRANGER_ID).get(INVOICE_PATH).status_code == 404
    assert client.get(INVOICE_PATH).status_code == 401


def test_a_cancelled_order_has_no_invoice_any_more(drawn: Any, client: Client) -> None:
    hear(consumers.void_cancelled, OrderCancelled(order=order(version=5), was_paid=True))
    assert client.as_user(BUYER_ID).get(INVOICE_PATH).status_code == 410
