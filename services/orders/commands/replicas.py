"""Keeps what we know of others' resources, and the ledgers' capacities and limits, as new as what we hear."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from chassis import replicas
from chassis.db import execute, on_commit
from chassis.messages import from_stamp
from proto.accounts import accounts_pb2
from proto.events import events_pb2
from services.orders.commands import claiming, forgetting
from services.orders.domain.stock import revision
from services.orders.models import DiscountCode, Event, EventRole, Ticket, User
from services.orders.queries import people

# Held and sold are not ours to say here: only what may be taken changes.
_SET_CAPACITY = """
INSERT INTO stock AS s (ticket_id, event_id, capacity, version, on_sale, held, sold)
VALUES (%(ticket)s, %(event)s, %(capacity)s, %(version)s, %(on_sale)s, 0, 0)
ON CONFLICT (ticket_id) DO UPDATE
SET capacity = excluded.capacity, version = excluded.version, on_sale = excluded.on_sale
WHERE s.version <= excluded.version
"""
_SET_LIMIT = """
INSERT INTO code_uses AS c (code_id, is_access_code, use_limit, version, is_active, used)
VALUES (%(code)s, %(is_access_code)s, %(limit)s, %(version)s, %(is_active)s, 0)
ON CONFLICT (code_id, is_access_code) DO UPDATE
SET use_limit = excluded.use_limit, version = excluded.version, is_active = excluded.is_active
WHERE c.version <= excluded.version
"""

_RESET_CAPACITY = """
UPDATE stock SET capacity = %(capacity)s, version = %(version)s, on_sale = %(on_sale)s
WHERE ticket_id = %(ticket)s AND version = %(instead_of)s
"""

_known: dict[tuple[str, int], tuple[int, int]] = {}
_KNOWN_AT_MOST = 50_000


def forget_known() -> None:
    """Forgets which versions this process has stored; for tests, which empty the tables."""
    _known.clear()


def store_offer(db: Session, offer: events_pb2.Offer) -> None:
    """Stores event, tickets and code of an offer, unless this process did so already: an order can be read at once,
    also when no message about its event has come yet."""
    _once(db, "event", offer.event, store_event)
    for offered in sorted(offer.tickets, key=lambda each: each.ticket.id):
        _once(db, "ticket", offered.ticket, store_ticket)


def store_event(db: Session, event: events_pb2.Event) -> None:
    """An event as events says it is."""
    values = {
        **_same(event, _EVENT_FIELDS),
        "currency": event.currency[:3],
        "payment_modes": list(event.payment_modes),
        "starts_at": from_stamp(event.starts_at),
        "ends_at": from_stamp(event.ends_at),
        "created_at": from_stamp(event.created_at),
        "deleted_at": from_stamp(event.deleted_at),
    }
    replicas.apply(db, Event, event, values)


def store_ticket(db: Session, ticket: events_pb2.Ticket) -> None:
    """A ticket type as events says it is; its capacity with it."""
    values = {
        **_same(ticket, _TICKET_FIELDS),
        "sales_starts_at": from_stamp(ticket.sales_starts_at),
        "sales_ends_at": from_stamp(ticket.sales_ends_at),
    }
    replicas.apply(db, Ticket, ticket, values)


def set_capacity(db: Session, ticket: events_pb2.Ticket) -> None:
    """The capacity of a ticket type, unless the ledger knows a newer one."""
    values = {
        "ticket": ticket.id,
        "event": ticket.event_id,
        "capacity": ticket.quantity,
        "version": revision(ticket.epoch, ticket.version),
        "on_sale": ticket.on_sale and not ticket.deleted,
    }
    execute(db, _SET_CAPACITY, values)


def reset_capacity(db: Session, ticket: events_pb2.Ticket, instead_of: int) -> None:
    """Back to what events says, if the ledger still has the version that events never committed."""
    values = {
        "ticket": ticket.id,
        "capacity": ticket.quantity,
        "version": revision(ticket.epoch, ticket.version),
        "on_sale": ticket.on_sale and not ticket.deleted,
        "instead_of": instead_of,
    }
    execute(db, _RESET_CAPACITY, values)


def store_code(db: Session, code: events_pb2.DiscountCode) -> None:
    """A discount code as events says it is; an access code has a limit only."""
    if not code.is_access_code:
        values = _same(code, ("event_id", "code", "used_for", "type", "value", "is_active", "tickets_number"))
        replicas.apply(db, DiscountCode, code, values)
    limit = {
        "code": code.id,
        "is_access_code": code.is_access_code,
        "limit": code.tickets_number,
        "version": revision(code.epoch, code.version),
        "is_active": code.is_active and not code.deleted,
    }
    execute(db, _SET_LIMIT, limit)


def store_user(db: Session, user: accounts_pb2.User) -> None:
    """A user as accounts says. Who is only deleted keeps the address, so that an erased one's attendees can be found.

    Whoever proves an address is from then on the attendees who came under it before.
    """
    names = ("email", "first_name", "last_name", "public_name", "avatar_url", "is_verified", "locale")
    known = db.get(User, user.id, populate_existing=True)
    former = known.email if known is not None else ""
    had_proved = known is not None and known.is_verified
    was_deleted = known is not None and known.is_deleted
    values = _same(user, names)
    if user.deleted and not user.erased:
        values |= {"email": former, "is_verified": had_proved}
    if not replicas.apply(db, User, user, values):
        return
    if user.erased:
        is_proved = had_proved or (was_deleted and user.is_verified)  # an older version did not keep it of the deleted
        forgetting.forget(db, user.id, "" if _is_anothers(db, user.id, former) else former, is_proved=is_proved)
    elif user.is_verified and not (had_proved and former == user.email):
        claiming.claim(db, user.id, user.email)


def _is_anothers(db: Session, user_id: int, email: str) -> bool:
    """Whether somebody else lives under this address by now: deleting frees it."""
    holder = people.user_with_address(db, email)
    return holder is not None and holder != user_id


def store_ticket_and_capacity(db: Session, ticket: events_pb2.Ticket) -> None:
    """A ticket type as it is now, and its capacity: how loosening reaches the ledger."""
    store_ticket(db, ticket)
    set_capacity(db, ticket)


def store_event_role(db: Session, role: events_pb2.EventRole, *, asked_at: datetime | None = None) -> None:
    """All roles of a user in an event. `asked_at`: the owner was asked, no message said it."""
    values = {"event_id": role.event_id, "user_id": role.user_id, "roles": list(role.roles), "asked_at": asked_at}
    replicas.apply(db, EventRole, role, values)


def _once(db: Session, kind: str, state: Any, store: Callable[[Session, Any], None]) -> None:
    key, version = (kind, state.id), (state.epoch, state.version)
    if _known.get(key, (-1, -1)) >= version:
        return
    store(db, state)

    def remember() -> None:
        if len(_known) >= _KNOWN_AT_MOST:
            _known.clear()
        _known[key] = version

    on_commit(db, remember)


def _same(state: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(state, name) for name in names}


_EVENT_FIELDS = (
    "identifier",
    "name",
    "timezone",
    "online",
    "location_name",
    "state",
    "privacy",
    "payment_country",
    "after_order_message",
    "logo_url",
    "original_image_url",
    "owner_name",
    "owner_id",
    "is_billing_info_mandatory",
    "is_ticket_form_enabled",
    "is_stripe_linked",
    "bank_details",
    "cheque_details",
    "onsite_details",
    "invoice_details",
    "refund_policy",
)
_TICKET_FIELDS = (
    "event_id",
    "name",
    "type",
    "description",
    "price_minor",
    "min_price_minor",
    "max_price_minor",
    "quantity",
    "min_order",
    "max_order",
    "position",
    "is_hidden",
    "is_description_visible",
    "is_fee_absorbed",
    "is_checkin_restricted",
    "auto_checkin_enabled",
    "form_id",
    "currency",
)
