"""PDFs for those who may. A download answers a PDF or an error, never 200 with something else (RULES 27)."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import flask
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import on_commit, transaction
from chassis.errors import Conflict, Gone, NotFound, Unavailable
from proto.orders.orders_pb2 import OrderState
from services.tickets import access, clients, commands, queries, start, stored
from services.tickets.domain.policy import Person, holds, owns_order, runs_event
from services.tickets.models import Order, Ticket
from services.tickets.rendering.joining import joined
from services.tickets.storage import UnknownKey

PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.1
PDF = "application/pdf"
# Waiting takes a thread; the others must go on serving.
_waiting = threading.BoundedSemaphore(6)


class NotCompleted(Conflict):
    code = "order-not-completed"


class TicketVoid(Gone):
    code = "ticket-revoked"


class NotDrawnYet(Unavailable):
    code = "pdf-not-ready"


@dataclass(frozen=True)
class Ready:
    """Stored files that make up the answer; `order_identifier` is whose pages are made anew if one has vanished."""

    keys: Sequence[str]
    order_identifier: str


def get_order_tickets(order_identifier: str, token_info: Claims) -> flask.Response:
    """All tickets of an order; to an attendee the own ones."""
    who = access.person(token_info)
    find = _order_finder(order_identifier, who)
    return _pdf(_read(find), f"tickets-{order_identifier}.pdf")


get_tickets_pdf = get_order_tickets


def get_attendee_ticket(attendee_id: str, token_info: Claims) -> flask.Response:
    """One attendee's ticket."""
    who = access.person(token_info)
    with transaction() as db:
        ticket = db.get(Ticket, int(attendee_id))
        order = queries.order_of(db, ticket.order_identifier) if ticket is not None else None
    if ticket is None or ticket.status == "unissued" or not _may_see(who, ticket, order):
        raise NotFound("There is no such ticket, or it is not yours.", code="ticket-unknown")
    return _pdf(_read(lambda db: _present(db.get(Ticket, ticket.attendee_id))), f"ticket-{attendee_id}.pdf")


def get_invoice(order_identifier: str, token_info: Claims) -> flask.Response:
    """The invoice of an order, for the buyer and whoever runs the event; drawn when it is first asked for."""
    who = access.person(token_info)
    with transaction() as db:
        order = queries.order_of(db, order_identifier)
    if order is None:
        state = clients.fetch_order(order_identifier)
        buyer_id, event_id, is_completed = state.buyer_id, state.event_id, state.status == "completed"
    else:
        buyer_id, event_id, is_completed = order.buyer_id, order.event_id, True
    if not owns_order(who, buyer_id) and not runs_event(who, access.roles_of(who, event_id)):
        raise _no_such_order()
    if not is_completed:
        raise NotCompleted("This order has no invoice yet: it is not completed.")
    return _pdf(_read(lambda db: _invoice(db, order_identifier)), f"invoice-{order_identifier}.pdf")


def _invoice(db: Session, identifier: str) -> Ready | None:
    order = _paid(queries.order_of(db, identifier))
    if order is None or order.invoice_key:
        return Ready([order.invoice_key], identifier) if order is not None else None
    if not order.is_invoice_wanted:
        commands.want_invoice(db, identifier, now=clock.now())
        on_commit(db, start.wake_renderers)
    return None


def download_ticket(token: str) -> flask.Response:
    """The mailed link: whoever has it has the ticket. It dies with the ticket, and when the ticket changes hands."""
    with transaction() as db:
        ticket = queries.ticket_by_token(db, token)
    if ticket is None or ticket.status == "unissued":
        raise NotFound("There is no ticket behind this link.", code="ticket-unknown")
    return _pdf(_read(lambda db: _present(queries.ticket_by_token(db, token))), f"ticket-{ticket.attendee_id}.pdf")


def _order_finder(identifier: str, who: Person) -> Callable[[Session], Ready | None]:
    with transaction() as db:
        order = queries.order_of(db, identifier)
    if order is None:
        return _unheard_order_finder(clients.fetch_order(identifier), who)
    if owns_order(who, order.buyer_id) or runs_event(who, access.roles_of(who, order.event_id)):
        return lambda db: _whole_order(db, identifier)
    with transaction() as db:
        if not any(_is_theirs(who, ticket) for ticket in queries.tickets_of(db, identifier)):
            raise _no_such_order()
    return lambda db: _own_tickets(db, identifier, who)


def _unheard_order_finder(state: OrderState, who: Person) -> Callable[[Session], Ready | None]:
    """An order whose OrderPaid is still on its way here."""
    is_whole = owns_order(who, state.buyer_id) or runs_event(who, access.roles_of(who, state.event_id))
    if not is_whole and not any(holds(who, attendee.email) for attendee in state.attendees):
        raise _no_such_order()
    if state.status != "completed":
        raise NotCompleted("This order has no tickets yet: it is not completed.")
    if is_whole:
        return lambda db: _whole_order(db, state.identifier)
    return lambda db: _own_tickets(db, state.identifier, who)


def _whole_order(db: Session, identifier: str) -> Ready | None:
    order = _paid(queries.order_of(db, identifier))
    if order is None or order.rendered_revision < order.revision:
        return None
    if not order.pdf_key:
        raise TicketVoid("Nobody has a valid ticket of this order any more.")
    return Ready([order.pdf_key], identifier)


def _own_tickets(db: Session, identifier: str, who: Person) -> Ready | None:
    _paid(queries.order_of(db, identifier))
    own = [ticket for ticket in queries.tickets_of(db, identifier) if _is_theirs(who, ticket)]
    valid = [ticket for ticket in own if ticket.status == "valid"]
    if own and not valid:
        raise TicketVoid("This ticket is no longer valid.")
    if not valid or any(ticket.rendered_revision < ticket.revision for ticket in valid):
        return None
    return Ready([ticket.pdf_key for ticket in valid], identifier)


def _present(ticket: Ticket | None) -> Ready | None:
    if ticket is None or ticket.status != "valid":
        raise TicketVoid("This ticket is no longer valid.")
    if ticket.rendered_revision < ticket.revision:
        return None
    return Ready([ticket.pdf_key], ticket.order_identifier)


def _paid(order: Order | None) -> Order | None:
    if order is not None and order.status in ("cancelled", "expired"):
        raise TicketVoid("This order was cancelled; its tickets are no longer valid.")
    if order is not None and order.status != "paid":
        raise NotCompleted("This order has no tickets yet: it is not completed.")
    return order


def _may_see(who: Person, ticket: Ticket, order: Order | None) -> bool:
    if _is_theirs(who, ticket) or who.is_admin or (order is not None and owns_order(who, order.buyer_id)):
        return True
    return runs_event(who, access.roles_of(who, ticket.event_id))


def _is_theirs(who: Person, ticket: Ticket) -> bool:
    return holds(who, ticket.holder_email)


def _read(find: Callable[[Session], Ready | None]) -> bytes:
    """The file as soon as it is there. Raises NotDrawnYet (503, Retry-After: 2) when it is not in time."""
    ready = _look(find)
    if ready is not None and (data := _load(ready)) is not None:
        return data
    if not _waiting.acquire(blocking=False):
        raise _not_yet()
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
            ready = _look(find)
            if ready is not None and (data := _load(ready)) is not None:
                return data
    finally:
        _waiting.release()
    raise _not_yet()


def _look(find: Callable[[Session], Ready | None]) -> Ready | None:
    with transaction() as db:
        return find(db)


def _load(ready: Ready) -> bytes | None:
    try:
        found = [stored.storage().get(key) for key in ready.keys]
    except UnknownKey:
        with transaction() as db:
            commands.lose_files(db, ready.order_identifier, now=clock.now())
        start.wake_renderers()
        return None
    return joined(found)


def _pdf(data: bytes, name: str) -> flask.Response:
    answer = flask.Response(data, content_type=PDF)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _no_such_order() -> NotFound:
    return NotFound("There is no such order, or you may not see its tickets.", code="order-unknown")


def _not_yet() -> NotDrawnYet:
    return NotDrawnYet("The tickets are being drawn. Please try again in a moment.", retry_after_seconds=2)
