"""Draws what is due, outside any request: takes an order, renders, stores, and notes the outcome.

A crash anywhere leaves the order due, and another renderer does it again, under names that follow from what is drawn.
Mails and TicketsIssued are written in the transaction that notes the outcome: they exist exactly when the PDFs do.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Row
from sqlalchemy.orm import Session

from chassis import clock, context, db, tracing
from chassis.errors import Unavailable
from chassis.mail import queue_mails
from chassis.outbox import publish
from proto.events.events_pb2 import Event as EventState
from proto.orders.orders_pb2 import OrderState
from proto.tickets.tickets_pb2 import IssuedTicket, TicketsIssued
from services.tickets import clients, commands, due, figures, mails, pages
from services.tickets.rendering.documents import UnrenderableError
from services.tickets.rendering.views import InvoiceView, OrderView, TicketView
from services.tickets.storage import Storage

log = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(seconds=20)
LONGEST_PAUSE = timedelta(hours=1)
IDLE_SECONDS = 1.0
TROUBLE_SECONDS = 2.0


class Artist(Protocol):
    """Whoever draws: the render pool, or in tests the functions themselves."""

    def render_ticket(self, view: TicketView) -> bytes:
        """Raises UnrenderableError."""

    def render_order(self, view: OrderView) -> bytes:
        """Raises UnrenderableError."""

    def render_invoice(self, view: InvoiceView) -> bytes:
        """Raises UnrenderableError."""


@dataclass(frozen=True)
class Page:
    """One ticket, as it was when its order was taken."""

    ticket: Row[Any]
    view: TicketView
    key: str

    @property
    def is_due(self) -> bool:
        """Whether something on it has changed since it was last drawn."""
        return bool(self.ticket.rendered_revision < self.ticket.revision)


@dataclass
class Work:
    """One order, as it was when it was taken, and what came of it."""

    identifier: str
    revision: int
    state: OrderState
    summary: OrderView
    summary_key: str
    pages: Sequence[Page]
    is_due: bool  # the tickets; otherwise only the invoice is
    invoice_key: str = ""
    drawn: set[str] = field(default_factory=set)  # keys
    problems: list[str] = field(default_factory=list)


class Renderers:
    """Threads that keep the artist's processes busy, until stopped."""

    def __init__(self, artist: Artist, storage: Storage, count: int) -> None:
        self._artist, self._storage = artist, storage
        self._stop, self._alarm = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"renderer-{number}", daemon=True) for number in range(count)
        ]

    def start(self) -> None:
        """Starts all threads."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Tells them that something may be due now."""
        self._alarm.set()

    def stop(self, timeout_seconds: float = 15) -> None:
        """Lets each finish the order at hand."""
        self._stop.set()
        self._alarm.set()
        for thread in self._threads:
            thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            found = self._try_one()
            if found is None:
                self._stop.wait(TROUBLE_SECONDS)
            elif not found:
                self._alarm.wait(IDLE_SECONDS)
                self._alarm.clear()

    def _try_one(self) -> bool | None:
        try:
            return render_one(self._artist, self._storage)
        except Unavailable as error:
            _waits(error.detail, error.__cause__)
        except Exception as error:
            if db.is_outage(error):
                _waits("The database does not answer.", error)
            elif not self._stop.is_set():
                log.exception("rendering failed")
        return None


def _waits(reason: str, cause: BaseException | None) -> None:
    log.warning("rendering waits", extra={"error": reason, "cause": str(cause or "").split("\n")[0][:300]})


def render_one(artist: Artist, storage: Storage) -> bool:
    """Draws one due order; False when none was due."""
    with due.claimed_order(db.engine(), clock.now()) as claimed:
        if claimed is None:
            return False
        order, tickets = claimed
        if order is not None:
            with (
                context.resumed(work_of=order.request_id, begun_in=order.traceparent, about=order.identifier),
                tracing.span("draw PDFs", order=order.identifier),
            ):
                _render(order, tickets, artist, storage)
        return True


def _render(order: Row[Any], tickets: Sequence[Row[Any]], artist: Artist, storage: Storage) -> None:
    """Draws it. Where it has met a fault of ours it is tried again later: it must not be the first in the queue for ever."""
    try:
        work = plan(order, tickets)
        draw(work, artist, storage)
        finish(work)
    except Unavailable:
        raise
    except Exception as error:
        if db.is_outage(error):
            raise
        log.exception("an order cannot be drawn", extra={"order": order.identifier})
        problem, due_at = type(error).__name__, clock.now() + _pause(order.attempts)
        db.run(lambda session: due.postpone(session, order.identifier, problem=problem, due_at=due_at))


def plan(order: Row[Any], tickets: Sequence[Row[Any]]) -> Work:
    """Everything that the order's pages show, and where they will lie."""
    state = OrderState.FromString(order.state)
    newer = EventState.FromString(order.event_state) if order.event_state is not None else None
    event = pages.event_view(state, newer)
    views = [pages.ticket_view(state, event, ticket) for ticket in tickets]
    place, number = f"tickets/{order.identifier}", f"{order.revision}-{order.secret}"
    return Work(
        identifier=order.identifier,
        revision=order.revision,
        state=state,
        summary=pages.order_view(state, event, views),
        summary_key=f"{place}/order-{number}.pdf" if tickets else "",
        pages=[Page(ticket, view, _key(order, ticket)) for ticket, view in zip(tickets, views, strict=True)],
        is_due=order.rendered_revision < order.revision,
        invoice_key=f"{place}/invoice-{order.version}-{number}.pdf" if order.is_invoice_wanted else "",
    )


def draw(work: Work, artist: Artist, storage: Storage) -> None:
    """Renders and stores what is due. A page that cannot be made does not stop the others."""
    for page in work.pages:
        if page.is_due:
            _draw(work, storage, page.key, partial(artist.render_ticket, page.view))
    if work.summary_key and work.is_due:
        _draw(work, storage, work.summary_key, partial(artist.render_order, work.summary))
    if work.invoice_key:
        _draw_invoice(work, artist, storage)


def finish(work: Work) -> None:
    """Notes what was drawn, promises the mails and tells orders: one transaction."""
    db.run(lambda session: _finish(session, work))


def _key(order: Row[Any], ticket: Row[Any]) -> str:
    """The same for the same page, and not to be guessed."""
    return f"tickets/{order.identifier}/{ticket.attendee_id}-{ticket.issue}-{ticket.revision}-{order.secret}.pdf"


def _draw_invoice(work: Work, artist: Artist, storage: Storage) -> None:
    """Asks who sells. While nobody can tell, the invoice waits and the tickets do not."""
    try:
        seller = clients.fetch_seller(work.state.event_id)
    except Unavailable as error:
        work.problems.append(f"{work.invoice_key}: {error.detail}")
        return
    invoice = pages.invoice_view(work.state, work.summary, seller)
    _draw(work, storage, work.invoice_key, partial(artist.render_invoice, invoice))


def _draw(work: Work, storage: Storage, key: str, render: Callable[[], bytes]) -> None:
    try:
        with figures.pdf_seconds.time():
            storage.put(key, render())
    except UnrenderableError as error:
        log.error("page cannot be rendered", extra={"key": key, "error": str(error)})  # noqa: TRY400
        figures.pdf_failures.inc()
        work.problems.append(f"{key}: {error}")
    else:
        work.drawn.add(key)


def _finish(session: Session, work: Work) -> None:
    order = due.lock_order(session, work.identifier)
    if order is None or order.status != "paid":
        commands.doom(session, work.drawn, now=clock.now())
        return
    present = due.note_pages(
        session, [(p.ticket.attendee_id, p.ticket.revision, p.key) for p in work.pages if p.key in work.drawn]
    )
    pdf_key, invoice_key = _note_order(session, order, work)
    commands.doom(session, _superseded(order, work, present, {pdf_key, invoice_key}), now=clock.now())
    unmailed = [p for p in work.pages if p.ticket.attendee_id in present and p.ticket.mailed_issue < p.ticket.issue]
    letters = mails.ticket_mails(work.state, work.summary, [(page.ticket, page.view) for page in unmailed])
    if work.summary_key in work.drawn:
        letters += mails.summary_mail(work.state, work.summary, {p.view.serial: p.ticket.token for p in work.pages})
    queue_mails(session, letters)
    if work.drawn - {work.invoice_key}:
        tickets = due.drawn_tickets(session, work.identifier)
        publish(session, _issued(work.identifier, pdf_key, tickets), key=work.identifier)


def _note_order(session: Session, order: Row[Any], work: Work) -> tuple[str, str]:
    """The keys of the order's pages and of its invoice from now on."""
    is_drawn = work.is_due and (not work.pages or work.summary_key in work.drawn)
    has_invoice = work.invoice_key in work.drawn
    pdf_key = work.summary_key if is_drawn else order.pdf_key
    invoice_key = work.invoice_key if has_invoice else order.invoice_key
    if work.problems:
        due.note_trouble(
            session,
            work.identifier,
            pdf_key=pdf_key,
            invoice_key=invoice_key,
            problem="; ".join(work.problems)[:1000],
            due_at=clock.now() + _pause(order.attempts),
        )
    else:
        due.note_order(
            session,
            work.identifier,
            pdf_key=pdf_key,
            invoice_key=invoice_key,
            has_invoice=has_invoice,
            revision=work.revision,
        )
    return pdf_key, invoice_key


def _pause(attempts: int) -> timedelta:
    doubled: int = 2 ** min(attempts, 10)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)


def _superseded(order: Row[Any], work: Work, present: set[int], kept: set[str]) -> set[str]:
    """Files that nothing leads to any more: the pages before these, and those that were overtaken while they were drawn."""
    found = {order.pdf_key, order.invoice_key}
    for page in work.pages:
        if page.key in work.drawn:
            found.add(page.ticket.pdf_key if page.ticket.attendee_id in present else page.key)
            kept |= {page.key} if page.ticket.attendee_id in present else set()
    return found - kept


def _issued(identifier: str, pdf_key: str, tickets: Sequence[Row[Any]]) -> TicketsIssued:
    desk = pages.desk()
    return TicketsIssued(
        order_identifier=identifier,
        tickets=[
            IssuedTicket(
                attendee_id=ticket.attendee_id,
                pdf_url=desk.attendee_url(ticket.attendee_id),
                version=ticket.revision,
            )
            for ticket in tickets
        ],
        order_pdf_url=desk.order_url(identifier) if pdf_key else "",
    )
