"""Messages as others say them, and a worker's work done at once."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pypdfium2
from sqlalchemy import select

import chassis.db
from chassis.mail import mail
from chassis.messages import to_stamp
from proto.events.events_pb2 import Event, EventRole, EventRoleChanged
from proto.orders.orders_pb2 import Attendee, EventFacts, OrderLine, OrderPaid, OrderState
from services.tickets import consumers, renderer, stored
from services.tickets.models import Order, Ticket
from services.tickets.rendering import documents

Published = Callable[..., list[Any]]
STARTS = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ENDS = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
IDENTIFIER = "0b5e9f64-3a51-4a3e-9c4f-0a6c2d1e7f10"
OTHER_IDENTIFIER = "1b5e9f64-3a51-4a3e-9c4f-0a6c2d1e7f11"
EVENT_ID, BUYER_ID, ANNA_ID, ORGANIZER_ID, STRANGER_ID = 7, 50, 51, 60, 99


def attendee(number: int, name: str = "Anna", email: str = "anna@example.com", **more: Any) -> Attendee:
    return Attendee(
        id=number, ticket_id=3, ticket_name="Early Bird", first_name=name, last_name="Doe", email=email, **more
    )


def order(version: int = 3, identifier: str = IDENTIFIER, **changes: Any) -> OrderState:
    state = OrderState(
        id=42,
        identifier=identifier,
        version=version,
        status="completed",
        event_id=EVENT_ID,
        buyer_id=BUYER_ID,
        buyer_email="buyer@example.com",
        buyer_name="Berta Buyer",
        amount_minor=20000,
        currency="EUR",
        payment_mode="stripe",
        attendees=[attendee(101), attendee(102, "Bob", "bob@example.com")],
        lines=[OrderLine(ticket_id=3, ticket_name="Early Bird", quantity=2, price_minor=12000, total_minor=20000)],
        event=EventFacts(
            id=EVENT_ID,
            identifier="abcd1234",
            name="PyConf",
            starts_at=to_stamp(STARTS),
            ends_at=to_stamp(ENDS),
            timezone="Europe/Berlin",
            location_name="Kulturbrauerei",
            payment_details="IBAN DE12",
        ),
        created_at=to_stamp(datetime(2026, 10, 1, tzinfo=UTC)),
    )
    attendees = changes.pop("attendees", None)
    if attendees is not None:
        del state.attendees[:]
        state.attendees.extend(attendees)
    for name, value in changes.items():
        setattr(state, name, value)
    return state


def event(version: int = 1, **changes: Any) -> Event:
    facts = {
        "id": EVENT_ID,
        "version": version,
        "name": "PyConf",
        "starts_at": to_stamp(STARTS),
        "ends_at": to_stamp(ENDS),
        "timezone": "Europe/Berlin",
        "location_name": "Kulturbrauerei",
        **changes,
    }
    return Event(**facts)


def hear(handler: Callable[..., None], message: Any) -> None:
    """As the inbox does: the handler in its own transaction."""
    chassis.db.run(lambda db: handler(db, message))


def pay(**changes: Any) -> None:
    hear(consumers.issue_tickets, OrderPaid(order=order(**changes)))


def give_role(user_id: int, *roles: str, version: int = 1) -> None:
    role = EventRole(id=user_id, version=version, event_id=EVENT_ID, user_id=user_id, roles=roles)
    hear(consumers.keep_event_role, EventRoleChanged(event_role=role))


class Hand:
    """Draws in this process, and counts; may be told to fail."""

    def __init__(self) -> None:
        self.tickets: list[str] = []
        self.orders: list[str] = []
        self.invoices: list[str] = []
        self.fail: Callable[[str], None] = lambda name: None

    def render_ticket(self, view: Any) -> bytes:
        self.fail(view.holder_name)
        self.tickets.append(view.holder_name)
        return documents.render_ticket(view)

    def render_order(self, view: Any) -> bytes:
        self.fail(view.number)
        self.orders.append(view.number)
        return documents.render_order(view)

    def render_invoice(self, view: Any) -> bytes:
        self.invoices.append(view.number)
        return documents.render_invoice(view)


def draw_all(hand: Hand | None = None) -> Hand:
    hand = hand or Hand()
    while renderer.render_one(hand, stored.storage()):
        pass
    return hand


def ticket(attendee_id: int) -> Ticket:
    with chassis.db.transaction() as db:
        return db.get_one(Ticket, attendee_id)


def statuses() -> dict[int, str]:
    with chassis.db.transaction() as db:
        rows = db.execute(select(Ticket.attendee_id, Ticket.status).order_by(Ticket.attendee_id)).all()
    return {row.attendee_id: row.status for row in rows}


def order_row(identifier: str = IDENTIFIER) -> Order:
    with chassis.db.transaction() as db:
        return db.get_one(Order, identifier)


def mails() -> list[tuple[str, str, str, int]]:
    with chassis.db.transaction() as db:
        rows = db.execute(select(mail.c.kind, mail.c.recipient, mail.c.about, mail.c.version).order_by(mail.c.id)).all()
    return [tuple(row) for row in rows]


def text_of(pdf: bytes) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))
