"""What buyers were promised is taken back only with the agreement of orders, which counts seats and uses.

Lowering a quantity, deleting a ticket, taking an event off sale, and deactivating or limiting a code *tighten*. A flush
that would tighten raises `NeedsClearance`; `kept` catches it outside of any transaction, asks orders to restrict itself
first (409 when more is sold already, 503 when orders does not answer: nothing changes then), and does the work again with
that clearance. A crash in between leaves orders too strict, never too lenient; `repair` tells it the truth again.
Loosening needs no clearance: it commits and travels by message. See docs/events.md.
"""

import functools
import inspect
import logging
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import delete, insert, select
from sqlalchemy import inspect as examine
from sqlalchemy.orm import Session

from chassis import clock
from chassis import db as database
from chassis.errors import Conflict, DomainError, Unavailable
from proto.orders import orders_pb2 as pb
from services.events import clients, messages, sales
from services.events.models import AccessCode, DiscountCode, Event, Restriction, Ticket
from services.events.models.base import Versioned

log = logging.getLogger(__name__)
R = TypeVar("R")
ATTEMPTS = 4


@dataclass(frozen=True)
class Limit:
    """What orders must agree to before one ticket or code changes. `version` is the one before the change."""

    kind: str
    id: int
    version: int
    event_id: int = 0
    capacity: int = 0
    on_sale: bool = False
    must_be_unsold: bool = False
    is_active: bool = False

    @property
    def asked_version(self) -> int:
        """Between the committed version and the next one."""
        return self.version + 1


class NeedsClearance(Exception):
    """This flush takes something back: ask orders first, then do it again."""

    def __init__(self, limits: list[Limit]) -> None:
        super().__init__(f"orders has to agree to {limits}")
        self.limits = limits


@dataclass(frozen=True)
class Clearance:
    """Orders has agreed to these limits."""

    batch: str
    limits: frozenset[Limit]


_clearance: ContextVar[Clearance | None] = ContextVar("clearance", default=None)


def cleared_batch() -> str | None:
    """The batch whose limits the current work may commit."""
    clearance = _clearance.get()
    return clearance.batch if clearance else None


def check(db: Session, *rows: Versioned) -> None:
    """Raises NeedsClearance when these rows are about to take back more than orders has agreed to, once for all of them."""
    needed = [limit for row in rows for limit in _limits(db, row)]
    clearance = _clearance.get()
    if needed and not (clearance and clearance.limits.issuperset(needed)):
        raise NeedsClearance(needed)


def _limits(db: Session, row: Versioned) -> list[Limit]:
    if isinstance(row, Ticket):
        return _of_ticket(db, row)
    if isinstance(row, Event):
        return _of_event(db, row)
    if isinstance(row, AccessCode) or (isinstance(row, DiscountCode) and row.used_for == "ticket"):
        return _of_code(row)
    return []


def _of_ticket(db: Session, ticket: Ticket) -> list[Limit]:
    before = _before(ticket)
    if before("deleted_at") is not None:
        return []
    is_deleted = ticket.deleted_at is not None
    if not is_deleted and ticket.quantity >= before("quantity"):
        return []
    with db.no_autoflush:
        state = db.execute(select(Event.state, Event.deleted_at).where(Event.id == ticket.event_id)).one()
    on_sale = state.state == "published" and state.deleted_at is None and not is_deleted
    return [_limit_of(ticket, capacity=ticket.quantity, on_sale=on_sale, must_be_unsold=is_deleted)]


def _of_event(db: Session, row: Event) -> list[Limit]:
    before = _before(row)
    if before("deleted_at") is not None:
        return []
    was_on_sale = before("state") == "published"
    is_deleted = row.deleted_at is not None
    has_new_currency = before("payment_currency") != row.payment_currency
    if not (is_deleted or has_new_currency or (was_on_sale and not row.is_on_sale)):
        return []
    must_be_unsold = has_new_currency or (is_deleted and not sales.deleted_with_its_orders())
    with db.no_autoflush:
        tickets = db.scalars(
            select(Ticket)
            .where(Ticket.event_id == row.id, Ticket.deleted_at.is_(None))
            .order_by(Ticket.id)
            .with_for_update(of=Ticket)
        ).all()
    return [
        _limit_of(ticket, capacity=ticket.quantity, on_sale=row.is_on_sale, must_be_unsold=must_be_unsold)
        for ticket in tickets
    ]


def _limit_of(ticket: Ticket, **rest: Any) -> Limit:
    return Limit("ticket", ticket.id, ticket.version, event_id=ticket.event_id, **rest)


def _of_code(code: DiscountCode | AccessCode) -> list[Limit]:
    before = _before(code)
    if before("deleted_at") is not None or not before("is_active"):
        return []
    limit, limit_before = code.tickets_number or 0, before("tickets_number") or 0
    is_active = code.is_active and code.deleted_at is None
    if is_active and (limit == 0 or (limit_before and limit >= limit_before)):
        return []
    kind = "access-code" if isinstance(code, AccessCode) else "discount-code"
    return [Limit(kind, code.id, code.version, capacity=limit, is_active=is_active)]


def _before(row: Any) -> Callable[[str], Any]:
    committed: Mapping[str, Any] = examine(row).committed_state
    return lambda name: committed[name] if name in committed else getattr(row, name)


def kept(operation: Callable[..., R]) -> Callable[..., R]:
    """The same operation, but what it takes back is agreed upon with orders first."""

    @functools.wraps(operation)
    def ask_first(*args: Any, **kwargs: Any) -> R:
        agreed: list[Clearance] = []
        committed: Clearance | None = None
        try:
            for _ in range(ATTEMPTS):
                token = _clearance.set(agreed[-1] if agreed else None)
                try:
                    answer = operation(*args, **kwargs)
                except NeedsClearance as needed:
                    limits = needed.limits
                else:
                    committed = agreed[-1] if agreed else None
                    return answer
                finally:
                    _clearance.reset(token)
                agreed.append(ask(limits))
            raise Conflict("Others are changing this right now. Please read it again.", code="changed-meanwhile")
        finally:
            for clearance in agreed:
                if clearance is not committed:
                    release(clearance)

    ask_first.__signature__ = inspect.signature(operation)  # type: ignore[attr-defined]
    return ask_first


def ask(limits: list[Limit]) -> Clearance:
    """Asks orders to restrict itself. Raises its refusal (409 `below-sold`), or Unavailable when it does not answer."""
    batch = str(uuid.uuid4())
    with database.transaction() as db:
        db.execute(
            insert(Restriction),
            [
                {
                    "batch": batch,
                    "kind": each.kind,
                    "thing_id": each.id,
                    "version": each.asked_version,
                    "asked_at": clock.now(),
                }
                for each in limits
            ],
        )
    try:
        clients.restrict(_request(limits))
    except Unavailable:
        raise  # it may have happened: the job will tell orders how things are
    except DomainError:
        with database.transaction() as db:
            db.execute(delete(Restriction).where(Restriction.batch == batch))
        raise
    return Clearance(batch, frozenset(limits))


def _request(limits: list[Limit]) -> pb.RestrictRequest:
    return pb.RestrictRequest(
        tickets=[
            pb.StockLimit(
                ticket_id=each.id,
                event_id=each.event_id,
                epoch=messages.epoch(),
                version=each.asked_version,
                capacity=each.capacity,
                on_sale=each.on_sale,
                must_be_unsold=each.must_be_unsold,
            )
            for each in limits
            if each.kind == "ticket"
        ],
        codes=[
            pb.CodeLimit(
                code_id=each.id,
                is_access_code=each.kind == "access-code",
                epoch=messages.epoch(),
                version=each.asked_version,
                limit=each.capacity,
                is_active=each.is_active,
            )
            for each in limits
            if each.kind != "ticket"
        ],
    )


def release(clearance: Clearance) -> None:
    """These limits are not needed after all: orders learns the state that holds. Never raises."""
    try:
        repair(clearance.batch)
    except Exception:
        log.exception("a restriction waits for its repair", extra={"batch": clearance.batch})


_MODELS: Mapping[str, type[Ticket] | type[DiscountCode] | type[AccessCode]] = {
    "ticket": Ticket,
    "discount-code": DiscountCode,
    "access-code": AccessCode,
}


def repair(batch: str) -> None:
    """Tells the present state of what this batch restricted, with a version that beats the restriction."""
    with database.transaction() as db:
        rows = db.scalars(select(Restriction).where(Restriction.batch == batch).with_for_update()).all()
        for row in sorted(rows, key=lambda row: (row.kind, row.thing_id)):
            model: Any = _MODELS[row.kind]
            thing = db.scalars(select(model).where(model.id == row.thing_id).with_for_update()).first()
            if thing is not None:
                thing.changed_at = clock.now()
            db.delete(row)
