"""Changes of what an event offers: ticket types and codes, checked against each other and against the event."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from chassis import money
from chassis.auth import Claims
from chassis.errors import Conflict, MethodNotAllowed, Unprocessable
from services.events import queries
from services.events.domain import codes, modules, ticket_types
from services.events.domain.codes import LinkedTicket, Uses
from services.events.domain.ticket_types import Terms
from services.events.models import AccessCode, DiscountCode, Event, Tax, Ticket
from services.events.telling import ticket_ids

Values = dict[str, Any]

PAYMENT_METHODS = (
    "can_pay_by_paypal",
    "can_pay_by_stripe",
    "can_pay_by_omise",
    "can_pay_by_alipay",
    "can_pay_by_cheque",
    "can_pay_by_bank",
    "can_pay_onsite",
    "can_pay_by_paytm",
    "can_pay_by_invoice",
)
DEFAULTS = {"quantity": 100, "min_order": 1, "max_order": 10, "position": 1}
PRICES = ("price", "min_price", "max_price")


def prepare_ticket(db: Session, event: Event, ticket: Ticket | None, values: Values) -> None:
    """Turns what was sent into what is stored. Raises what makes it no offer (422), or a name that is taken (409)."""
    _fill(event, ticket, values)
    given: Any = {name: values.get(name, getattr(ticket, name, None)) for name in Terms.__dataclass_fields__}
    terms = Terms(**given)
    if ticket is None or terms.type != ticket.type:
        modules.check(queries.modules(db), terms.type)
    has_method = any(getattr(event, name) for name in PAYMENT_METHODS)
    ticket_types.check(terms, event_ends_at=event.ends_at, has_payment_method=has_method)
    _check_name(db, event.id, ticket, terms.name)


def _fill(event: Event, ticket: Ticket | None, values: Values) -> None:
    for name, default in DEFAULTS.items():
        if values.get(name) is None:
            values.pop(name, None)
            if ticket is None:
                values[name] = default
                if name == "max_order":
                    values[name] = max(min(default, values["quantity"]), values["min_order"])
            elif name == "max_order" and 0 < values.get("quantity", ticket.quantity) < ticket.max_order:
                values[name] = max(values["quantity"], values.get("min_order", ticket.min_order))
    for name in ("name", "type", "sales_starts_at", "sales_ends_at"):
        if name in values and values[name] is None:
            del values[name]
    if "name" in values:
        values["name"] = values["name"].strip()
    values["currency"] = event.payment_currency
    for name in PRICES:
        if name in values:
            values[f"{name}_minor"] = money.to_minor(values.pop(name) or 0, event.payment_currency)
        elif ticket is None:
            values[f"{name}_minor"] = 0
    if values.get("type", ticket.type if ticket else "").startswith("free"):
        values["price_minor"] = 0


def _check_name(db: Session, event_id: int, ticket: Ticket | None, name: str) -> None:
    """A sentence for the usual case; two at once are told apart by the unique index."""
    same = select(Ticket.id).where(Ticket.event_id == event_id, Ticket.name == name, Ticket.deleted_at.is_(None))
    if ticket is not None:
        same = same.where(Ticket.id != ticket.id)
    if db.scalars(same).first() is not None:
        raise Conflict(
            f"This event has a ticket called “{name}” already.",
            code="ticket-name-taken",
            source={"pointer": "/data/attributes/name"},
        )


def visible_tickets(db: Session, event_id: int, claims: Claims | None) -> list[Ticket]:
    """The tickets of an event that are offered openly; to those who run it also the hidden ones."""
    found = select(Ticket).where(Ticket.event_id == event_id, Ticket.deleted_at.is_(None))
    if claims is None or not queries.holds(db, claims, event_id, "coorganizer"):
        found = found.where(Ticket.is_hidden.is_(False))
    return list(db.scalars(found.order_by(Ticket.position, Ticket.id)))


# Codes


def linked_tickets(db: Session, ids: Iterable[int]) -> list[LinkedTicket]:
    """What the rules about codes need to know of tickets. Raises Unprocessable (422) for tickets that are not there."""
    wanted = list(dict.fromkeys(ids))
    columns = [getattr(Ticket, name) for name in LinkedTicket.__dataclass_fields__]
    rows = db.execute(select(*columns).where(Ticket.id.in_(wanted), Ticket.deleted_at.is_(None))).all()
    if len(rows) < len(wanted):
        raise Unprocessable(
            "There is no such ticket.", code="related-not-found", source={"pointer": "/data/relationships/tickets"}
        )
    return [LinkedTicket(**row._mapping) for row in rows]


def prepare_code(
    db: Session, event: Event, code: DiscountCode | AccessCode | None, values: Values, related: Values, model: Any
) -> list[LinkedTicket]:
    """Checks what both kinds of codes have in common; the tickets that it will be for."""
    for name in ("code", "is_active"):
        if name in values and values[name] is None:
            del values[name]
    if "code" in values:
        values["code"] = values["code"].strip()
        _check_text(db, event.id, code, values["code"], model)
    if "marketer" in related:
        values["marketer_id"] = related.pop("marketer")  # a label: whether the person exists is not our affair
    related.pop("event", None) if code is not None else None
    uses = Uses(**{name: values.get(name, getattr(code, name, None)) for name in Uses.__dataclass_fields__})
    codes.check_uses(uses, event_ends_at=event.ends_at)
    ids = related["tickets"] if related.get("tickets") is not None else ticket_ids(db, code) if code else []
    tickets = linked_tickets(db, ids) if "tickets" in related else _still_there(db, ids)
    codes.check_event(event.id, tickets)
    return tickets


def _still_there(db: Session, ids: list[int]) -> list[LinkedTicket]:
    alive = list(db.scalars(select(Ticket.id).where(Ticket.id.in_(ids), Ticket.deleted_at.is_(None))))
    return linked_tickets(db, alive)


def _check_text(db: Session, event_id: int, code: Any, text: str, model: Any) -> None:
    if not text:
        raise codes.refused("code-missing", "A code has at least one character.", "code")
    same = select(model.id).where(
        model.event_id == event_id, func.lower(model.code) == text.lower(), model.deleted_at.is_(None)
    )
    if code is not None:
        same = same.where(model.id != code.id)
    if db.scalars(same).first() is not None:
        raise Conflict(
            f"This event has the code “{text}” already.",
            code="code-taken",
            source={"pointer": "/data/attributes/code"},
        )


def prepare_discount_code(
    db: Session, event: Event, code: DiscountCode | None, values: Values, related: Values
) -> None:
    """Raises what is wrong with a discount code of either kind."""
    used_for = code.used_for if code is not None else values["used_for"]
    if code is not None and values.pop("used_for", used_for) not in (used_for, None):
        raise Conflict(
            "What a code is used for cannot change; create another one.",
            code="used-for-fixed",
            source={"pointer": "/data/attributes/used-for"},
        )
    if used_for == "event":
        related["tickets"] = []
    for name in ("type", "value"):
        if name in values and values[name] is None:
            del values[name]
    tickets = prepare_code(db, event, code, values, related, DiscountCode)
    value = Decimal(values.get("value", getattr(code, "value", 0)))
    codes.check_value(values.get("type", getattr(code, "type", "")), value, tickets)


def check_only_event_code(db: Session, event_id: int) -> None:
    """Raises Unprocessable (422) when the event has its code. The caller holds a lock on the event."""
    found = select(DiscountCode.id).where(
        DiscountCode.event_id == event_id, DiscountCode.used_for == "event", DiscountCode.deleted_at.is_(None)
    )
    if db.scalars(found).first() is not None:
        raise Unprocessable(
            "This event has its discount code already; change that one.",
            code="event-code-exists",
            source={"pointer": "/data/attributes/used-for"},
        )


def prepare_access_code(db: Session, event: Event, code: AccessCode | None, values: Values, related: Values) -> None:
    """Raises what is wrong with an access code."""
    tickets = prepare_code(db, event, code, values, related, AccessCode)
    if "tickets" in related:
        codes.check_hidden(tickets)


def code_by_text(db: Session, model: Any, event_id: int, text: str) -> Any:
    """The live code of an event that reads so, in whichever case; None without one."""
    found = select(model).where(
        model.event_id == event_id, func.lower(model.code) == text.strip().lower(), model.deleted_at.is_(None)
    )
    return db.scalars(found).first()


def check_usable(code: DiscountCode, event: Event, now: datetime) -> None:
    """Raises MethodNotAllowed (405, as existing clients expect) for a code that is inactive or outside its window."""
    if not code.is_active:
        raise MethodNotAllowed("This code is not active.", code="discount-inactive")
    if (code.valid_from and now < code.valid_from) or now > (code.valid_till or event.ends_at):
        raise MethodNotAllowed("This code is not valid now.", code="discount-outside-window")


def check_tax(db: Session, event: Event) -> None:
    """Raises MethodNotAllowed (405) when the event has no tax, Conflict (409) when it has it already."""
    if not event.is_tax_enabled:
        raise MethodNotAllowed("Switch on tax for this event first (is-tax-enabled).", code="tax-disabled")
    found = select(Tax.id).where(Tax.event_id == event.id, Tax.deleted_at.is_(None))
    if db.scalars(found).first() is not None:
        raise Conflict("This event has its tax already; change that one.", code="tax-exists")
