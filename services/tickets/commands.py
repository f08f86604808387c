"""Every change: read, decide, write, tell. Nothing here commits. Orders are locked before tickets, tickets by attendee."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import case, false, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from chassis import clock, context, replicas
from chassis.db import execute
from chassis.errors import NotFound
from chassis.messages import to_stamp
from chassis.outbox import publish
from proto.events.events_pb2 import Event as EventState
from proto.events.events_pb2 import EventRole as EventRoleState
from proto.orders.orders_pb2 import Attendee, OrderState
from proto.tickets.tickets_pb2 import TicketScanned
from services.tickets import pages, queries
from services.tickets.domain.door import Kind, Passage, TicketRevoked, admit
from services.tickets.domain.moments import zone_of
from services.tickets.models import DoomedFile, Event, EventRole, Order, Scan, Ticket

orders: Any = Order.__table__
tickets: Any = Ticket.__table__
NEVER_OVERTAKEN = 2**62  # no later message brings an erased name back; accounts says erasures with it, too
READERS_GRACE = timedelta(minutes=10)  # a download that has begun may still read a file that was just replaced


# As the driver takes them: these two are on the way of every order.
_REMEMBER = """
INSERT INTO orders (
    identifier, version, status, event_id, buyer_id, buyer_email, state, secret, due_at,
    request_id, traceparent, revision, rendered_revision, pdf_key, is_invoice_wanted, invoice_key, attempts, problem
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1, 0, '', false, '', 0, '')
ON CONFLICT (identifier) DO UPDATE SET
    version = excluded.version, status = excluded.status, event_id = excluded.event_id, buyer_id = excluded.buyer_id,
    buyer_email = excluded.buyer_email, state = excluded.state, due_at = excluded.due_at, attempts = 0, problem = '',
    request_id = excluded.request_id, traceparent = excluded.traceparent,
    revision = orders.revision + 1
WHERE orders.version < excluded.version
RETURNING identifier
"""
# A ticket that was void is not the same ticket again: old codes and links stay dead. The newer holder stays.
_ISSUE = """
INSERT INTO tickets (
    order_identifier, event_id, version, holder_version, status, issue, revision, rendered_revision, pdf_key, mailed_issue,
    attendee_id, ticket_id, token, holder_name, holder_email, user_id, ticket_name
)
SELECT %s, %s, %s, %s, 'valid', 1, 1, 0, '', 0, attendee.*
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[]) AS attendee
ON CONFLICT (attendee_id) DO UPDATE SET
    order_identifier = excluded.order_identifier, event_id = excluded.event_id, ticket_id = excluded.ticket_id,
    status = 'valid', version = excluded.version, revoked_at = NULL, revision = tickets.revision + 1,
    issue = tickets.issue + CASE WHEN tickets.status = 'revoked' THEN 1 ELSE 0 END,
    token = CASE WHEN tickets.status = 'revoked' THEN excluded.token ELSE tickets.token END,
    (holder_name, holder_email, user_id, ticket_name, holder_version) = (
        SELECT newer.* FROM (VALUES
            (excluded.holder_name, excluded.holder_email, excluded.user_id, excluded.ticket_name, excluded.holder_version),
            (tickets.holder_name, tickets.holder_email, tickets.user_id, tickets.ticket_name, tickets.holder_version)
        ) AS newer (a, b, c, d, version) ORDER BY newer.version DESC LIMIT 1
    )
WHERE tickets.version < excluded.version
"""


def issue(db: Session, state: OrderState, *, now: datetime) -> bool:
    """One valid ticket per attendee of a completed order. False, and nothing changes, when we know something newer.

    An attendee who was released since (a later version came first) stays without.
    """
    if not remember(db, state, "paid", now=now):
        return False
    if state.attendees:
        issued = [_issued(attendee) for attendee in sorted(state.attendees, key=lambda attendee: attendee.id)]
        columns = map(list, zip(*issued, strict=True))
        facts = (state.identifier, state.event_id, state.version, state.version)
        execute(db, _ISSUE, (*facts, *columns))
    return True


def remember(db: Session, state: OrderState, status: str, *, now: datetime) -> bool:
    """Notes what an order has become, unless something newer is known. Whether it was noted."""
    row = (
        state.identifier,
        state.version,
        status,
        state.event_id,
        state.buyer_id,
        state.buyer_email[:320],
        state.SerializeToString(),
        secrets.token_hex(8),
        now,
        context.request_id.get(),
        context.traceparent.get(),
    )
    return bool(execute(db, _REMEMBER, row))


def void_order(db: Session, state: OrderState, status: str, *, now: datetime) -> bool:
    """A cancelled or expired order lets nobody in, also when this is heard before it was paid. Whether it was news."""
    if not remember(db, state, status, now=now):
        return False
    of_order = tickets.c.order_identifier == state.identifier
    _revoke(db, of_order & (tickets.c.version < state.version), state.version, now=now)
    is_it = orders.c.identifier == state.identifier
    for key in (orders.c.pdf_key, orders.c.invoice_key):
        doom(db, db.execute(select(key).where(is_it)).scalars(), now=now)
    db.execute(update(orders).where(is_it).values(pdf_key="", invoice_key=""))
    return True


def release(db: Session, identifier: str, attendee_ids: Sequence[int], version: int, *, now: datetime) -> None:
    """Voids the tickets of attendees who no longer come. Where none was issued yet, none will be."""
    _raise_revision(db, orders.c.identifier == identifier, now=now)
    ids = sorted(set(attendee_ids))
    if not ids:
        return
    tombstones = insert(tickets).values([_tombstone(identifier, attendee_id, version) for attendee_id in ids])
    db.execute(tombstones.on_conflict_do_nothing(index_elements=["attendee_id"]))
    _revoke(db, tickets.c.attendee_id.in_(ids) & (tickets.c.version < version), version, now=now)


def change_holder(
    db: Session, identifier: str, attendee: Attendee, version: int, *, now: datetime, is_erased: bool = False
) -> None:
    """A new name is drawn anew on the same ticket; a new address gets a new code, and the old one is void (RULES 25).

    `is_erased`: orders has forgotten the holder, too. The code stays, and what orders says from then on counts again.
    """
    _raise_revision(db, orders.c.identifier == identifier, now=now)
    row = {
        **_tombstone(identifier, attendee.id, 0),
        **_holder(attendee),
        "status": "unissued",
        "holder_version": version,
    }
    new = insert(tickets).values(row)
    fresh = new.excluded
    is_handed_over = (func.lower(tickets.c.holder_email) != func.lower(fresh.holder_email)) & (
        tickets.c.status == "valid"
    )
    is_news = tickets.c.holder_version < fresh.holder_version
    if is_erased:
        is_handed_over, is_news = false(), is_news | (tickets.c.holder_version == NEVER_OVERTAKEN)
    db.execute(
        new.on_conflict_do_update(
            index_elements=["attendee_id"],
            set_={
                **{name: fresh[name] for name in _holder(attendee)},
                "holder_version": fresh.holder_version,
                "issue": tickets.c.issue + case((is_handed_over, 1), else_=0),
                "token": case((is_handed_over, fresh.token), else_=tickets.c.token),
                "revision": tickets.c.revision + 1,
            },
            where=is_news,
        )
    )


def draw_anew(db: Session, event_id: int, *, now: datetime) -> None:
    """An event that moved or was renamed shows so on every ticket. Nobody is mailed again."""
    _raise_revision(db, orders.c.event_id == event_id, now=now)
    is_valid = (tickets.c.event_id == event_id) & (tickets.c.status == "valid")
    db.execute(update(tickets).where(is_valid).values(revision=tickets.c.revision + 1))


def lose_files(db: Session, identifier: str, *, now: datetime) -> None:
    """A stored PDF has vanished: all of the order's are made again."""
    _raise_revision(db, orders.c.identifier == identifier, now=now)
    db.execute(update(orders).where(orders.c.identifier == identifier).values(invoice_key=""))
    of_order = (tickets.c.order_identifier == identifier) & (tickets.c.status == "valid")
    db.execute(update(tickets).where(of_order).values(revision=tickets.c.revision + 1))


def want_invoice(db: Session, identifier: str, *, now: datetime) -> None:
    """Somebody asks for the invoice: it is drawn once, and again when it changes."""
    is_it = orders.c.identifier == identifier
    db.execute(update(orders).where(is_it, orders.c.status == "paid").values(is_invoice_wanted=True, due_at=now))


def scan(
    db: Session, attendee_id: int, passages: Sequence[Passage], scanned_by: int, *, is_told_again: bool = False
) -> tuple[Ticket, list[Passage]]:
    """Notes who passed the door; the ticket and all its passages. Raises NotFound, TicketRevoked, AlreadyCheckedIn.

    A caller that may repeat itself says `is_told_again`: the same passage at the same moment is then no second one.
    """
    ticket = queries.lock_ticket(db, attendee_id)
    if ticket is None or ticket.status == "unissued":
        raise NotFound("There is no ticket for this attendee.", code="ticket-unknown")
    if ticket.status != "valid":
        raise TicketRevoked("This ticket is no longer valid.")
    known = [Passage(row.at, cast("Kind", row.kind), row.door) for row in queries.passages_of(db, attendee_id)]
    zone = zone_of(queries.timezone_of(db, ticket))
    added = admit(known, passages, zone=zone, is_told_again=is_told_again)
    if added:
        rows = [
            {"attendee_id": attendee_id, "kind": each.kind, "at": each.at, "door": each.door, "scanned_by": scanned_by}
            for each in added
        ]
        db.execute(insert(Scan), rows)
        publish(db, _scanned(ticket, [*known, *added]), key=str(attendee_id))
    return ticket, sorted([*known, *added])


def keep_event(db: Session, event: EventState) -> bool:
    """What an event shows may be on tickets already: those are drawn anew, without mails. Whether any is."""
    before = queries.event_state(db, event.id)
    if not replicas.apply(db, Event, event, {"state": event.SerializeToString()}) or before is None:
        return False
    if pages.shown(before) == pages.shown(event):
        return False
    draw_anew(db, event.id, now=clock.now())
    return True


def keep_role(db: Session, role: EventRoleState) -> None:
    """The roles of one user in one event, unless newer ones are known."""
    values = {"event_id": role.event_id, "user_id": role.user_id, "roles": list(role.roles)}
    replicas.apply(db, EventRole, role, values)


def doom(db: Session, keys: Iterable[str], *, now: datetime) -> None:
    """Marks stored files for removal."""
    rows = [{"key": key, "due_at": now + READERS_GRACE} for key in sorted(set(keys)) if key]
    if rows:
        db.execute(insert(DoomedFile).values(rows).on_conflict_do_nothing())


def _issued(attendee: Attendee) -> tuple[Any, ...]:
    holder = _holder(attendee)
    names = ("holder_name", "holder_email", "user_id", "ticket_name")
    return (attendee.id, attendee.ticket_id, secrets.token_urlsafe(32), *(holder[name] for name in names))


def _tombstone(identifier: str, attendee_id: int, version: int) -> dict[str, Any]:
    return {
        "attendee_id": attendee_id,
        "order_identifier": identifier,
        "event_id": 0,
        "ticket_id": 0,
        "status": "revoked",
        "version": version,
        "issue": 1,
        "token": secrets.token_urlsafe(32),
        "holder_version": 0,
        "holder_name": "",
        "holder_email": "",
        "user_id": 0,
        "ticket_name": "",
        "revision": 1,
        "rendered_revision": 0,
        "pdf_key": "",
        "mailed_issue": 0,
    }


def _holder(attendee: Attendee) -> dict[str, Any]:
    return {
        "holder_name": " ".join(filter(None, (attendee.first_name, attendee.last_name)))[:1000],
        "holder_email": attendee.email.strip()[:320],
        "user_id": attendee.user_id,
        "ticket_name": attendee.ticket_name[:1000],
        "ticket_id": attendee.ticket_id,
    }


def _revoke(db: Session, which: Any, version: int, *, now: datetime) -> None:
    in_order = select(tickets.c.pdf_key).where(which).order_by(tickets.c.attendee_id).with_for_update()
    doom(db, db.execute(in_order).scalars(), now=now)
    void = {"status": "revoked", "version": version, "revoked_at": now, "pdf_key": ""}
    db.execute(update(tickets).where(which).values(void))


def _raise_revision(db: Session, which: Any, *, now: datetime) -> None:
    db.execute(update(orders).where(which).values(revision=orders.c.revision + 1, due_at=now))


def _scanned(ticket: Ticket, passages: Sequence[Passage]) -> TicketScanned:
    return TicketScanned(
        attendee_id=ticket.attendee_id,
        checkin_times=[to_stamp(each.at) for each in sorted(passages) if each.kind == "in"],
        checkout_times=[to_stamp(each.at) for each in sorted(passages) if each.kind == "out"],
        version=len(passages),
    )
