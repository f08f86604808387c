"""A PATCH of an order: who may change what (RULES 2, 5–7), and what has to be asked of others before it is done."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from chassis.errors import Conflict, Unprocessable
from chassis.money import to_minor
from services.orders.commands import moving
from services.orders.commands.paying import in_progress, is_charging
from services.orders.domain import forms, lifecycle, pricing
from services.orders.domain.lifecycle import (
    EDITABLE_BY_BUYER,
    MODES,
    OFFLINE_MODES,
    ONLINE_MODES,
    UNPAID,
    Actor,
    Condition,
    Move,
    Status,
)
from services.orders.models import Attendee, Order, Ticket
from services.orders.queries import orders as queries

POINTER_MODE = {"pointer": "/data/attributes/payment-mode"}


class AmountFrozen(Conflict):
    code = "amount-frozen"


@dataclass(frozen=True)
class Facts:
    """What events says of the event that an order belongs to."""

    payment_modes: frozenset[str]
    fields: Sequence[forms.Field]
    is_form_enabled: bool
    is_billing_mandatory: bool


@dataclass(frozen=True)
class Plan:
    """What a PATCH means for this order and caller, before anything is asked or written."""

    details: Mapping[str, Any] = field(default_factory=dict)
    mode: str | None = None
    amount_minor: int | None = None
    move: Move | None = None
    note: str | None = None

    @property
    def needs_facts(self) -> bool:
        """Whether the event's forms and payment modes decide."""
        wanted = {Condition.FORMS_FILLED, Condition.ONLINE_MODE, Condition.OFFLINE_MODE}
        return self.mode is not None or bool(self.move and self.move.conditions & wanted)

    @property
    def cancels(self) -> bool:
        """Whether the order ends."""
        return self.move is not None and self.move.target is Status.CANCELLED

    @property
    def closes_attempt(self) -> bool:
        """Whether an open payment attempt has to be closed at the provider first (RULES 20)."""
        is_move = self.move is not None and Condition.NO_CHARGE_IN_FLIGHT in self.move.conditions
        return is_move or self.mode is not None or self.amount_minor is not None


def plan(order: Order, values: Mapping[str, Any], actors: Collection[Actor]) -> Plan:
    """What of this PATCH counts. What a caller may not set is left out; a status that may not be set is refused.

    Raises StatusForbidden (403), StatusImpossible (422), AmountFrozen (409), Unprocessable for an unknown mode.
    """
    source = Status(order.status)
    is_admin = Actor.SERVER_ADMIN in actors
    move = _move(source, values.get("status"), actors)
    if move is not None and move.target is Status.CANCELLED:
        return Plan(move=move, note=_note(values))
    edits = is_admin or (Actor.BUYER in actors and source in EDITABLE_BY_BUYER)
    if not edits:
        return Plan(move=move)
    details = {name: values[name] for name in forms.ORDER_DETAILS if name in values}
    if details.get("is_billing_enabled", False) is None:
        details["is_billing_enabled"] = False
    return Plan(
        details=details,
        mode=_mode(order, values),
        amount_minor=_amount(order, values) if is_admin else None,
        move=move,
        note=_note(values) if is_admin and "cancel_note" in values else None,
    )


def require_possible(db: Session, order: Order, wanted: Plan, facts: Facts | None, *, now: datetime) -> None:
    """Raises what `apply` would refuse, for an order that nobody has locked: before its attempt is closed at the provider.

    Takes the order out of `db`, so that nothing of it is written.
    """
    db.expunge(order)
    _require_no_charge(order, wanted, now)
    _fill_in(order, wanted, facts)
    if wanted.amount_minor is not None:
        order.amount_minor = wanted.amount_minor
    if wanted.move is not None:
        check(db, order, wanted.move, facts)


def apply(
    db: Session, order: Order, wanted: Plan, facts: Facts | None, *, closed: datetime | None, by: int, now: datetime
) -> None:
    """Does it to a locked order. `closed` is the `attempted_at` of the attempt that was settled at the provider.

    Raises ChargeInProgress while the order is being charged or when an attempt was begun meanwhile, and what the
    conditions of the move refuse.
    """
    _require_no_charge(order, wanted, now)
    if wanted.closes_attempt and Status(order.status) is not Status.COMPLETED:
        if order.attempted_at != closed:
            raise in_progress()
        if not wanted.cancels:  # then it may be open still
            order.attempted_at = None
    _fill_in(order, wanted, facts)
    if wanted.amount_minor is not None:
        set_amount(db, order, wanted.amount_minor)
    if wanted.move is None:
        if wanted.note is not None:
            order.cancel_note = wanted.note
        order.version += 1
        return
    check(db, order, wanted.move, facts)
    moving.enter(db, order, wanted.move.target, now=now, by=by, note=wanted.note)


def check(db: Session, order: Order, move: Move, facts: Facts | None) -> None:
    """Raises Unprocessable (422) when a condition of the move does not hold."""
    if Condition.NOTHING_TO_PAY in move.conditions and order.amount_minor > 0:
        raise Unprocessable(
            "This order has to be paid first.", code="payment-required", source={"pointer": "/data/attributes/status"}
        )
    if Condition.ONLINE_MODE in move.conditions and order.payment_mode in OFFLINE_MODES:
        raise Unprocessable(
            "Orders that are paid offline are placed.", code="payment-mode-offline", source=POINTER_MODE
        )
    if Condition.OFFLINE_MODE in move.conditions and order.payment_mode not in OFFLINE_MODES:
        raise Unprocessable(
            "Only orders that are paid offline can be placed.", code="payment-mode-required", source=POINTER_MODE
        )
    if facts is None:
        return
    if move.conditions & {Condition.ONLINE_MODE, Condition.OFFLINE_MODE} and order.payment_mode is not None:
        require_mode(order.payment_mode, order.amount_minor, facts)
    if Condition.FORMS_FILLED in move.conditions:
        with db.no_autoflush:  # the order is written once, when it moves
            require_forms(db, queries.attendees_of(db, order.id), facts)
        values = {name: getattr(order, name) for name in (*forms.REQUIRED_BILLING, "is_billing_enabled")}
        forms.require_billing(values, is_mandatory=facts.is_billing_mandatory and order.amount_minor > 0)


def require_forms(db: Session, attendees: Sequence[Attendee], facts: Facts) -> None:
    """Raises FieldsMissing (422) that lists what each attendee has left empty."""
    if facts.is_form_enabled:
        forms.require_attendees(missing_fields(db, attendees, facts))


def missing_fields(db: Session, attendees: Sequence[Attendee], facts: Facts) -> dict[int, list[str]]:
    """What each attendee has left empty, of those who left something empty."""
    tickets = {ticket_id: db.get(Ticket, ticket_id) for ticket_id in {each.ticket_id for each in attendees}}
    lacking = {}
    for attendee in attendees:
        ticket = tickets[attendee.ticket_id]
        form_id = ticket.form_id if ticket is not None else ""
        if names := forms.missing(facts.fields, vars(attendee), form_id):
            lacking[attendee.id] = names
    return lacking


def require_mode(mode: str, amount_minor: int, facts: Facts) -> None:
    """Raises Unprocessable (422) for a payment mode that the event, or the amount, does not allow."""
    if mode == "free":
        if amount_minor > 0:
            raise Unprocessable(
                "This order is not free: choose a payment mode.", code="payment-mode-required", source=POINTER_MODE
            )
    elif mode not in facts.payment_modes:
        raise Unprocessable(f"This event does not take {mode}.", code="payment-mode-disabled", source=POINTER_MODE)


def set_amount(db: Session, order: Order, amount_minor: int) -> None:
    """A server admin's own amount, spread over lines and attendees as an organizer's is. Frozen once a payment exists."""
    if order.captured_minor or order.attempted_at is not None:
        raise AmountFrozen(
            "The amount cannot change any more: a payment exists.", source={"pointer": "/data/attributes/amount"}
        )
    lines = queries.lines_of(db, order.id)
    listed = [pricing.Line(line.ticket_id, line.ticket_name, line.price_minor, line.quantity) for line in lines]
    tax = pricing.Tax(order.tax_name, Decimal(order.tax_rate), True) if order.tax_rate else None
    quote = pricing.quote_at(listed, amount_minor, tax, order.currency)
    of_ticket = Counter[int]()
    for line, priced in zip(lines, quote.lines, strict=True):
        line.total_minor, line.discount_minor = priced.total_minor, 0
        of_ticket[line.ticket_id] += priced.total_minor
    attendees = queries.attendees_of(db, order.id)
    if set(+of_ticket) <= {attendee.ticket_id for attendee in attendees}:
        for ticket_id, total in of_ticket.items():
            _spread(total, [attendee for attendee in attendees if attendee.ticket_id == ticket_id])
    else:  # who had one of the tickets does not come any more
        _spread(amount_minor, attendees)
    order.amount_minor, order.discount_minor = amount_minor, 0
    order.tax_minor, order.is_tax_included = quote.tax_minor, tax is not None


def _spread(amount_minor: int, attendees: Sequence[Attendee]) -> None:
    """Makes the prices of these attendees add up to the amount, each in proportion to what it was."""
    weights = [attendee.price_minor for attendee in attendees]
    if not any(weights):
        weights = [1] * len(attendees)
    left, total = amount_minor, sum(weights)
    for attendee, weight in zip(attendees, weights, strict=True):
        attendee.price_minor = left * weight // total if total else left
        left -= attendee.price_minor
        total -= weight


def _move(source: Status, status: Any, actors: Collection[Actor]) -> Move | None:
    if status is None or status == source:
        return None
    return lifecycle.move_for(source, Status(status), actors)


def _mode(order: Order, values: Mapping[str, Any]) -> str | None:
    mode = values.get("payment_mode")
    if mode is None or mode == order.payment_mode:
        return None
    if mode not in MODES:
        raise Unprocessable(f"{mode} is not a payment mode here.", code="payment-mode-unknown", source=POINTER_MODE)
    return str(mode)


def _require_no_charge(order: Order, wanted: Plan, now: datetime) -> None:
    if wanted.closes_attempt and Status(order.status) is not Status.COMPLETED and is_charging(order, now):
        raise in_progress()


def _fill_in(order: Order, wanted: Plan, facts: Facts | None) -> None:
    for name, value in wanted.details.items():
        setattr(order, name, value)
    if wanted.mode is not None:
        _set_mode(order, wanted.mode, facts)


def _set_mode(order: Order, mode: str, facts: Facts | None) -> None:
    if facts is not None:
        require_mode(mode, order.amount_minor, facts)
    order.payment_mode = mode
    if mode not in ONLINE_MODES or Status(order.status) not in UNPAID:
        order.payment_url = None


def _amount(order: Order, values: Mapping[str, Any]) -> int | None:
    if values.get("amount") is None:
        return None
    amount_minor = to_minor(values["amount"], order.currency)
    if amount_minor == order.amount_minor:
        return None
    if order.captured_minor:
        raise AmountFrozen(
            "The amount cannot change any more: a payment exists.", source={"pointer": "/data/attributes/amount"}
        )
    return amount_minor


def _note(values: Mapping[str, Any]) -> str | None:
    note = values.get("cancel_note")
    return None if note is None else str(note)[:500]
