"""The JSON:API types of this service. Replicas are declared as their owners show them, with what we hold of them."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from connexion.context import context as connexion_context
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from chassis import spec
from chassis.auth import Claims
from chassis.db import transaction
from chassis.errors import DomainError, Forbidden, NotFound
from chassis.jsonapi import Resource
from chassis.money import to_major
from services.orders.domain.lifecycle import ONLINE_MODES, UNPAID, Status
from services.orders.models import Attendee, DiscountCode, Event, Order, Refund, Tag, Ticket, User
from services.orders.queries import access
from services.orders.queries import orders as queries

SPEC = spec.load(Path(__file__).parent.parent / "openapi.yaml")

F = TypeVar("F", bound=Callable[..., Any])
STRIPE_URL = "stripe://payment"


def payment_url(order: Order) -> str | None:
    """Where the buyer pays (RULES 17): a literal for Stripe, PayPal's approval URL, nothing otherwise."""
    if order.payment_mode not in ONLINE_MODES or order.amount_minor == 0 or Status(order.status) not in UNPAID:
        return None
    return STRIPE_URL if order.payment_mode == "stripe" else order.payment_url


def _money(name: str) -> Callable[[Any], float]:
    return lambda row: to_major(getattr(row, name), row.currency)


def _takes(mode: str) -> Callable[[Any], bool]:
    return lambda event: mode in event.payment_modes


def _ask_for_roles(key: str) -> bool:
    """A caller whom we do not know in the order's event may have just joined its team: events is asked once."""
    with transaction() as db:
        event_id = _event_of_order(db, key)
    return event_id is not None and _team_changed(event_id)


def _ask_for_roles_of_attendee(key: str) -> bool:
    with transaction() as db:
        event_id = db.execute(select(Attendee.event_id).where(Attendee.id == int(key))).scalar()
    return event_id is not None and _team_changed(event_id)


def _event_of_order(db: Session, key: str) -> int | None:
    criterion = queries.named(key)
    if criterion is None:
        return None
    return db.execute(select(Order.event_id).where(criterion)).scalar()


def _team_changed(event_id: int) -> bool:
    claims: Claims | None = connexion_context.get("token_info")
    if claims is None or claims.is_admin:
        return False
    with transaction() as db:
        if access.known_roles(db, event_id, claims.user_id) is not None:
            return False
    try:
        return bool(access.roles_in(event_id, claims))
    except DomainError:
        return False


def asks_team(handler: F) -> F:
    """A handler of one order (or attendee, its first argument): before it refuses somebody whom we do not know in the
    event, events is asked for the roles, once. A refusal has changed nothing, so the handler can begin again.
    """

    @wraps(handler)
    def asking(*args: Any, **named: Any) -> Any:
        try:
            return handler(*args, **named)
        except (NotFound, Forbidden):
            if "attendee_id" in named:
                is_new = _ask_for_roles_of_attendee(named["attendee_id"])
            else:
                is_new = _ask_for_roles(str(named.get("identifier", "")))
            if not is_new:
                raise
        return handler(*args, **named)

    return asking  # type: ignore[return-value]


def _tags_of_caller(claims: Claims | None) -> ColumnElement[bool] | bool:
    if claims is None:
        return False
    return True if claims.is_admin else Tag.event_id.in_(access.events_at_whose_door(claims))


def _refunds_of_caller(claims: Claims | None) -> ColumnElement[bool] | bool:
    if claims is None:
        return False
    if claims.is_admin:
        return True
    seen = select(Order.id).where(access.holds_buyer_level(claims))
    return Refund.order_id.in_(seen)


def _logged_in(claims: Claims | None) -> bool:
    return claims is not None


orders = Resource(
    "order",
    Order,
    spec=SPEC,
    keeps_views=True,
    visible=access.orders_of_caller,
    levels={"buyer": access.holds_buyer_level},
    self_link="/v1/orders/{identifier}",
    computed={
        "amount": _money("amount_minor"),
        "discount-amount": _money("discount_minor"),
        "tax-amount": _money("tax_minor"),
        "refunded-amount": _money("refunded_minor"),
        "payment-url": payment_url,
    },
    columns={"amount": Order.amount_minor},
    missing=_ask_for_roles,
    sort="-created-at",
)
attendees = Resource(
    "attendee",
    Attendee,
    spec=SPEC,
    keeps_views=True,
    visible=access.attendees_of_caller,
    columns={"price": Attendee.price_minor},
    computed={"price": _money("price_minor")},
    missing=_ask_for_roles_of_attendee,
)
events = Resource(
    "event",
    Event,
    spec=SPEC,
    keeps_views=True,
    visible=_logged_in,
    columns={"payment-currency": "currency"},
    computed={
        f"can-pay-{'' if mode == 'onsite' else 'by-'}{mode}": _takes(mode)
        for mode in ("stripe", "paypal", "bank", "cheque", "invoice", "onsite")
    },
)
tickets = Resource(
    "ticket",
    Ticket,
    spec=SPEC,
    keeps_views=True,
    visible=_logged_in,
    computed={
        "price": _money("price_minor"),
        "min-price": _money("min_price_minor"),
        "max-price": lambda ticket: (
            to_major(ticket.max_price_minor, ticket.currency) if ticket.max_price_minor else None
        ),
        "deleted-at": lambda ticket: None,
    },
    columns={"price": Ticket.price_minor},
)
discount_codes = Resource(
    "discount-code",
    DiscountCode,
    spec=SPEC,
    keeps_views=True,
    visible=access.codes_of_caller,
    computed={"value": lambda code: float(code.value or 0)},
)
users = Resource("user", User, spec=SPEC, keeps_views=True, visible=access.users_of_caller)
refunds = Resource(
    "refund",
    Refund,
    spec=SPEC,
    keeps_views=True,
    visible=_refunds_of_caller,
    links={"order": "/v1/orders/{order_id}"},
    computed={"amount": lambda refund: to_major(max(refund.amount_minor, refund.refunded_minor), refund.currency)},
)
tags = Resource("tag", Tag, spec=SPEC, keeps_views=True, visible=_tags_of_caller)
