"""Offers: everything that an order needs to know of an event, in one round trip.

What an event offers is remembered in this process, together with the number that every commit raises which changes it
(`offer_versions`, see `telling`), and those of modules and settings. Each request reads these three numbers and the roles
of the caller, in one statement, and asks for the rest only where a number has moved. So an offer is never older than the
moment it was asked for, in any number of processes, and costs one index look-up.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from chassis import clock, db
from chassis.errors import DomainError, NotFound, Unprocessable
from proto.events import events_pb2 as pb
from services.events import messages
from services.events.domain import forms, offers
from services.events.domain.offers import Cart, CodeFacts, Switches, TicketFacts
from services.events.domain.roles import passes
from services.events.models import (
    AccessCode,
    CustomForm,
    DiscountCode,
    Event,
    Module,
    Setting,
    Tax,
    Ticket,
    access_code_tickets,
    discount_code_tickets,
)

REMEMBERED_EVENTS = 2_000
REMEMBERED_TICKETS = 100_000

T = TypeVar("T")
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Remembered:
    """What one event offers, as of a stamp."""

    stamp: Stamp
    event: pb.Event
    ends_at: Any
    is_published: bool
    is_deleted: bool
    tickets: Mapping[int, TicketFacts]
    ticket_parts: Mapping[int, pb.Ticket]
    discounts: Mapping[int, tuple[CodeFacts, pb.Discount]]
    discounts_by_text: Mapping[str, int]
    access_codes: Mapping[int, tuple[CodeFacts, pb.AccessCode]]
    access_codes_by_text: Mapping[str, int]
    switches: Switches
    common: pb.Offer  # event, tax, payment modes, form, expiry: what all offers of the event share


_lock = threading.Lock()
_events: OrderedDict[int, Remembered] = OrderedDict()
_event_of_ticket: OrderedDict[int, int] = OrderedDict()  # a ticket never moves to another event

_STAMPS = """
SELECT coalesce(o.version, 0), m.version, s.version,
  (SELECT array_agg(r.role_id) FROM users_events_roles r WHERE r.event_id = asked.event_id AND r.user_id = asked.user_id)
FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS asked (event_id, user_id, place)
CROSS JOIN modules m CROSS JOIN settings s LEFT JOIN offer_versions o ON o.event_id = asked.event_id
WHERE m.id = 1 AND s.id = 1 ORDER BY asked.place
"""


def forget_all() -> None:
    """Forgets everything (tests start their tables anew)."""
    with _lock:
        _events.clear()
        _event_of_ticket.clear()


def get_offer(request: pb.OfferRequest) -> pb.Offer:
    """The offer for a cart. Raises what the checks in `domain.offers` refuse."""
    [answer] = get_offers([request])
    if isinstance(answer, DomainError):
        raise answer
    return answer


def get_offers(requests: Sequence[pb.OfferRequest]) -> list[pb.Offer | DomainError]:
    """The offer for each cart, or its refusal. Their stamps are read together."""
    carts = [Cart([(line.ticket_id, line.quantity) for line in request.lines]) for request in requests]
    known = [_or_refusal(_event_id, request, cart) for request, cart in zip(requests, carts, strict=True)]
    asked = [(event, request.user_id) for event, request in zip(known, requests, strict=True) if isinstance(event, int)]
    stamps = iter(_stamps(asked) if asked else ())
    return [
        _or_refusal(_answer, event, next(stamps), request, cart) if isinstance(event, int) else event
        for event, request, cart in zip(known, requests, carts, strict=True)
    ]


def _or_refusal(work: Callable[..., T], *arguments: Any) -> T | DomainError:
    try:
        return work(*arguments)
    except DomainError as refusal:
        return refusal


def _answer(event_id: int, found: tuple[Stamp, list[int]], request: pb.OfferRequest, cart: Cart) -> pb.Offer:
    stamp, role_ids = found
    remembered = _current(event_id, stamp)
    offers.check_tickets(cart, remembered.tickets, allow_deleted=request.ignore_sale_rules)
    return _offer(request, cart, remembered, role_ids)


def _offer(request: pb.OfferRequest, cart: Cart, known: Remembered, role_ids: list[int]) -> pb.Offer:
    runs_event = request.is_admin or passes("coorganizer", role_ids)
    offer = pb.Offer()
    offer.CopyFrom(known.common)
    offer.runs_event = runs_event
    discounted: frozenset[int] = frozenset()
    if request.ignore_sale_rules:
        discounted = _facts_only(request, cart, known, offer)
    else:
        if known.is_deleted or not (known.is_published or runs_event):
            raise NotFound("There is no such event.", code="event-not-found")
        now = clock.now()
        offers.check_modules(cart, known.tickets, known.switches)
        if not runs_event:
            if not request.is_quote:
                offers.check_sale(cart, known.tickets, known.ends_at, now)
            if found := _access_code(request, known):
                facts, part = found
                if offers.check_access(cart, known.tickets, facts, known.event.id, known.ends_at, now):
                    if not request.is_quote:
                        offers.check_access_quantity(cart, known.tickets, facts)
                    offer.access_code.CopyFrom(part)
            else:
                offers.check_access(cart, known.tickets, None, known.event.id, known.ends_at, now)
            if discount := _discount(request, known):
                facts, discount_part = discount
                discounted = offers.check_discount(cart, known.tickets, facts, known.event.id, known.ends_at, now)
                if not request.is_quote:
                    offers.check_discount_quantity(cart, discounted, facts)
                offer.discount.CopyFrom(discount_part)
    for ticket_id in cart.quantities:
        offer.tickets.add(ticket=known.ticket_parts[ticket_id], is_discounted=ticket_id in discounted)
    return offer


def _facts_only(request: pb.OfferRequest, cart: Cart, known: Remembered, offer: pb.Offer) -> frozenset[int]:
    """An existing order asks again: its codes as they are now, nothing refused."""
    if access := known.access_codes.get(request.access_code_id):
        offer.access_code.CopyFrom(access[1])
    if (discount := known.discounts.get(request.discount_code_id)) and discount[0].used_for == "ticket":
        facts, part = discount
        offer.discount.CopyFrom(part)
        return frozenset(
            ticket_id
            for ticket_id in cart.quantities
            if ticket_id in facts.ticket_ids and not known.tickets[ticket_id].is_free
        )
    return frozenset()


def _discount(request: pb.OfferRequest, known: Remembered) -> tuple[CodeFacts, pb.Discount] | None:
    text = request.discount_code.strip().lower()
    code_id = known.discounts_by_text.get(text, 0) or request.discount_code_id
    if not code_id and not text:
        return None
    return known.discounts.get(code_id) or _foreign(code_id)


def _access_code(request: pb.OfferRequest, known: Remembered) -> tuple[CodeFacts, pb.AccessCode] | None:
    """By its text only: numbers can be guessed."""
    text = request.access_code.strip().lower()
    if not text:
        return None
    found = known.access_codes.get(known.access_codes_by_text.get(text, 0))
    if found is None:
        raise offers.unknown_code("access")
    return found


def _foreign(code_id: int) -> tuple[CodeFacts, pb.Discount]:
    """A discount code of another event, so that the checks can say in their order what is wrong with it."""
    wanted = select(DiscountCode.event_id, DiscountCode.is_active, DiscountCode.valid_from, DiscountCode.valid_till)
    with db.transaction() as session:
        found = session.execute(wanted.where(DiscountCode.id == code_id, DiscountCode.deleted_at.is_(None))).first()
    if found is None:
        raise offers.unknown_code("discount")
    facts = CodeFacts(code_id, found.event_id, found.is_active, found.valid_from, found.valid_till, 0, 0, frozenset())
    return facts, pb.Discount()


def _event_id(request: pb.OfferRequest, cart: Cart) -> int:
    """The event that this is about: that of the tickets, which has to be the named one where one is named."""
    wanted = [ticket_id for ticket_id in cart.quantities if ticket_id not in _event_of_ticket]
    if wanted:
        with db.transaction() as session:
            rows = session.execute(select(Ticket.id, Ticket.event_id).where(Ticket.id.in_(wanted))).all()
        with _lock:
            _event_of_ticket.update({row.id: row.event_id for row in rows})
            while len(_event_of_ticket) > REMEMBERED_TICKETS:
                _event_of_ticket.popitem(last=False)
    found = {ticket_id: _event_of_ticket.get(ticket_id) for ticket_id in cart.quantities}
    for ticket_id, event_id in found.items():
        if event_id is None:
            raise NotFound("There is no such ticket.", code="ticket-not-found", meta={"ticket": str(ticket_id)})
    event_ids = set(found.values())
    if len(event_ids) > 1:
        raise Unprocessable("All tickets of an order are of one event.", code="tickets-of-several-events")
    if not request.event_key:
        if not event_ids:
            raise Unprocessable("Say which tickets, or which event.", code="event-missing")
        return event_ids.pop() or 0
    named = _named(request.event_key, next(iter(event_ids), None))
    if event_ids and named not in event_ids:
        raise Unprocessable("The tickets belong to another event.", code="ticket-wrong-event")
    return named


def _named(key: str, expected: int | None) -> int:
    if key.isascii() and key.isdigit():
        return int(key[:18])
    remembered = _events.get(expected or 0)
    if remembered is not None and remembered.event.identifier == key:
        return remembered.event.id
    with db.transaction() as session:
        found = session.execute(select(Event.id).where(Event.identifier == key[:64])).scalar()
    if found is None:
        raise NotFound("There is no such event.", code="event-not-found")
    return int(found)


def _stamps(asked: Sequence[tuple[int, int]]) -> list[tuple[Stamp, list[int]]]:
    """Of each event and user: the event's stamp now, and the roles that the user has in it."""
    rows = db.look(_STAMPS, [list(column) for column in zip(*asked, strict=True)])
    if not rows:
        raise RuntimeError("the tables modules and settings have no row; run the migrations")
    return [((offer, modules, settings), role_ids or []) for offer, modules, settings, role_ids in rows]


def _current(event_id: int, stamp: Stamp) -> Remembered:
    remembered = _events.get(event_id)
    if remembered is None or remembered.stamp != stamp:
        remembered = _load(event_id, stamp)
        with _lock:
            _events[event_id] = remembered
            while len(_events) > REMEMBERED_EVENTS:
                _events.popitem(last=False)
    return remembered


def _load(event_id: int, stamp: Stamp) -> Remembered:
    """What the event offers. Read after the stamp: what changes meanwhile makes the stamp old, never the offer."""
    with db.transaction() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        event = session.get(Event, event_id)
        if event is None:
            raise NotFound("There is no such event.", code="event-not-found")
        tickets = session.scalars(select(Ticket).where(Ticket.event_id == event_id)).all()
        discounts = _codes(session, DiscountCode, discount_code_tickets, event_id)
        access_codes = _codes(session, AccessCode, access_code_tickets, event_id)
        switches = session.get_one(Module, 1)
        part = messages.of_event(event)
        return Remembered(
            stamp=stamp,
            event=part,
            ends_at=event.ends_at,
            is_published=event.state == "published",
            is_deleted=event.deleted_at is not None,
            tickets={ticket.id: _ticket_facts(ticket) for ticket in tickets},
            ticket_parts={
                ticket.id: messages.of_ticket(ticket, event_is_on_sale=event.is_on_sale) for ticket in tickets
            },
            discounts={
                code.id: (_code_facts(code, ids), messages.of_discount(code, sorted(ids))) for code, ids in discounts
            },
            discounts_by_text={code.code.lower(): code.id for code, _ in discounts if code.used_for == "ticket"},
            access_codes={
                code.id: (_code_facts(code, ids), messages.of_access_code(code, sorted(ids)))
                for code, ids in access_codes
            },
            access_codes_by_text={code.code.lower(): code.id for code, _ in access_codes},
            switches=Switches(switches.ticket_include, switches.payment_include, switches.donation_include),
            common=_common(session, event, part),
        )


def _common(session: Session, event: Event, part: pb.Event) -> pb.Offer:
    tax = session.scalars(select(Tax).where(Tax.event_id == event.id, Tax.deleted_at.is_(None))).first()
    fields = session.scalars(
        select(CustomForm)
        .where(CustomForm.event_id == event.id, CustomForm.form == "attendee", CustomForm.is_included)
        .order_by(CustomForm.position, CustomForm.id)
    ).all()
    return pb.Offer(
        event=part,
        tax=messages.of_tax(tax) if tax is not None and event.is_tax_enabled else None,
        payment_modes=part.payment_modes,
        order_expiry_minutes=session.get_one(Setting, 1).order_expiry_time,
        attendee_form=[
            pb.FormField(
                identifier=field.field_identifier if field.is_complex else forms.key(field.field_identifier),
                name=field.name or field.field_identifier,
                is_required=field.is_required,
                is_complex=field.is_complex,
                form_id=field.form_id or "",
            )
            for field in fields
        ],
    )


def _codes(session: Session, model: Any, links: Any, event_id: int) -> list[tuple[Any, frozenset[int]]]:
    code_column = links.c[0]
    found = session.execute(
        select(model, func.array_remove(func.array_agg(links.c.ticket_id), None))
        .outerjoin(links, code_column == model.id)
        .where(model.event_id == event_id, model.deleted_at.is_(None))
        .group_by(model.id)
    ).all()
    return [(code, frozenset(ids)) for code, ids in found]


def _ticket_facts(ticket: Ticket) -> TicketFacts:
    return TicketFacts(
        id=ticket.id,
        event_id=ticket.event_id,
        name=ticket.name,
        type=ticket.type,
        min_order=ticket.min_order,
        max_order=ticket.max_order,
        sales_starts_at=ticket.sales_starts_at,
        sales_ends_at=ticket.sales_ends_at,
        is_hidden=ticket.is_hidden,
        is_deleted=ticket.deleted_at is not None,
    )


def _code_facts(code: DiscountCode | AccessCode, ticket_ids: frozenset[int]) -> CodeFacts:
    return CodeFacts(
        id=code.id,
        event_id=code.event_id,
        is_active=code.is_active,
        valid_from=code.valid_from,
        valid_till=code.valid_till,
        min_quantity=code.min_quantity or 0,
        max_quantity=code.max_quantity or 0,
        ticket_ids=ticket_ids,
        used_for=getattr(code, "used_for", "ticket"),
    )
