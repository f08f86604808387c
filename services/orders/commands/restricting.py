"""Tightening (DESIGN: "Capacity travels with a version"): events asks before it lowers what may be promised."""

from sqlalchemy.orm import Session

from chassis.db import execute
from chassis.errors import Conflict
from proto.orders import orders_pb2
from services.orders.domain.stock import BelowSold, revision

_TICKET = """
INSERT INTO stock AS s (ticket_id, event_id, capacity, version, on_sale, held, sold)
VALUES (%(ticket)s, %(event)s, %(capacity)s, %(version)s, %(on_sale)s, 0, 0)
ON CONFLICT (ticket_id) DO UPDATE
SET capacity = excluded.capacity, version = excluded.version, on_sale = excluded.on_sale
WHERE s.version <= excluded.version
  AND (s.held + s.sold <= excluded.capacity OR excluded.capacity >= s.capacity)
  AND NOT (%(unsold)s AND s.held + s.sold > 0)
RETURNING s.ticket_id
"""
_CODE = """
INSERT INTO code_uses AS c (code_id, is_access_code, use_limit, version, is_active, used)
VALUES (%(code)s, %(is_access_code)s, %(limit)s, %(version)s, %(is_active)s, 0)
ON CONFLICT (code_id, is_access_code) DO UPDATE
SET use_limit = excluded.use_limit, version = excluded.version, is_active = excluded.is_active
WHERE c.version <= excluded.version AND (excluded.use_limit = 0 OR c.used <= excluded.use_limit)
RETURNING c.code_id
"""
_TAKEN_SEATS = "SELECT held, sold, version FROM stock WHERE ticket_id = %(ticket)s"
_TAKEN_USES = "SELECT used, version FROM code_uses WHERE code_id = %(code)s AND is_access_code = %(is_access_code)s"


class Outdated(Conflict):
    code = "outdated"


def restrict(db: Session, request: orders_pb2.RestrictRequest) -> None:
    """Takes over all these limits, or raises BelowSold with what was promised, and none of them."""
    for ticket in sorted(request.tickets, key=lambda each: each.ticket_id):
        values = {
            "ticket": ticket.ticket_id,
            "event": ticket.event_id,
            "capacity": ticket.capacity,
            "version": revision(ticket.epoch, ticket.version),
            "on_sale": ticket.on_sale,
            "unsold": ticket.must_be_unsold,
        }
        if not execute(db, _TICKET, values):
            raise _refused_ticket(db, values)
    for code in sorted(request.codes, key=lambda each: (each.is_access_code, each.code_id)):
        limits = {
            "code": code.code_id,
            "is_access_code": code.is_access_code,
            "limit": code.limit,
            "version": revision(code.epoch, code.version),
            "is_active": code.is_active,
        }
        if not execute(db, _CODE, limits):
            raise _refused_code(db, limits)


def _refused_ticket(db: Session, values: dict[str, int]) -> Conflict:
    [row] = execute(db, _TAKEN_SEATS, values)
    if row.version > values["version"]:
        return Outdated("The ledger knows a newer version of this ticket.")
    meta = {"ticket_id": values["ticket"], "held": row.held, "sold": row.sold}
    if values["unsold"]:
        return BelowSold("This ticket has been ordered already.", meta=meta)
    return BelowSold(f"{row.held + row.sold} of these tickets are held or sold already.", meta=meta)


def _refused_code(db: Session, values: dict[str, int]) -> Conflict:
    [row] = execute(db, _TAKEN_USES, values)
    if row.version > values["version"]:
        return Outdated("The ledger knows a newer version of this code.")
    meta = {"code_id": values["code"], "used": row.used}
    return BelowSold(f"This code has been used {row.used} times already.", meta=meta)
