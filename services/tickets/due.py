"""What renderers read and note, in few statements as the driver takes them: they run once for every order."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row
from sqlalchemy.orm import Session

from chassis.db import execute, first

RENDERING = 8  # the advisory locks of renderers, by order
CANDIDATES = 20
IS_DUE = "status = 'paid' AND (rendered_revision < revision OR is_invoice_wanted)"

# The inner LIMIT keeps the lock from being tried on more rows than needed; the outer one stops at the first success.
_CLAIM = f"""
SELECT identifier FROM (
    SELECT identifier FROM orders WHERE {IS_DUE} AND due_at <= %s ORDER BY due_at LIMIT %s
) AS candidates
WHERE pg_try_advisory_lock(%s, hashtext(identifier)) LIMIT 1
"""  # noqa: S608 (a constant of ours)
_UNLOCK = "SELECT pg_advisory_unlock(%s, hashtext(%s))"
_ORDER = f"""
SELECT orders.*, events.state AS event_state FROM orders LEFT JOIN events ON events.id = orders.event_id
WHERE identifier = %s AND {IS_DUE}
"""  # noqa: S608
_TICKETS = "SELECT * FROM tickets WHERE order_identifier = %s AND status = 'valid' ORDER BY attendee_id"
_LOCK_ORDER = "SELECT status, pdf_key, invoice_key, attempts FROM orders WHERE identifier = %s FOR UPDATE"
_NOTE_PAGES = """
UPDATE tickets SET rendered_revision = drawn.revision, pdf_key = drawn.key, mailed_issue = tickets.issue
FROM unnest(%s::bigint[], %s::int[], %s::text[]) AS drawn (attendee_id, revision, key)
WHERE tickets.attendee_id = drawn.attendee_id AND tickets.revision = drawn.revision AND status = 'valid'
RETURNING tickets.attendee_id
"""
_NOTE_ORDER = """
UPDATE orders SET pdf_key = %s, invoice_key = %s, is_invoice_wanted = is_invoice_wanted AND NOT %s,
    attempts = 0, problem = '', rendered_revision = greatest(rendered_revision, %s)
WHERE identifier = %s
"""
_NOTE_TROUBLE = """
UPDATE orders SET pdf_key = %s, invoice_key = %s, attempts = attempts + 1, problem = %s, due_at = %s
WHERE identifier = %s
"""
_POSTPONE = "UPDATE orders SET attempts = attempts + 1, problem = %s, due_at = %s WHERE identifier = %s"
_DRAWN = """
SELECT attendee_id, serial, revision FROM tickets
WHERE order_identifier = %s AND status = 'valid' AND rendered_revision > 0 ORDER BY attendee_id
"""


@contextmanager
def claimed_order(engine: Engine, now: datetime) -> Iterator[tuple[Row[Any] | None, Sequence[Row[Any]]] | None]:
    """An order whose PDFs are due, with its valid tickets; nobody else takes it within the block. None: nothing is due.

    An advisory lock and no row lock: drawing takes longer than a transaction should, and when this process dies the
    order is free again at once. The order is None when another renderer finished it while we looked.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        claimed = execute(connection, _CLAIM, (now, CANDIDATES, RENDERING))
        if not claimed:
            yield None
            return
        [(identifier,)] = claimed
        try:
            yield _read(connection, identifier)
        finally:
            execute(connection, _UNLOCK, (RENDERING, identifier))


def lock_order(db: Session, identifier: str) -> Row[Any] | None:
    """FOR UPDATE: the order comes before its tickets in the lock order."""
    return first(db, _LOCK_ORDER, (identifier,))


def note_pages(db: Session, drawn: Sequence[tuple[int, int, str]]) -> set[int]:
    """Attendee, revision and key of what was drawn; the attendees for whom it is the present page."""
    if not drawn:
        return set()
    columns = tuple(map(list, zip(*sorted(drawn), strict=True)))
    return {row.attendee_id for row in execute(db, _NOTE_PAGES, columns)}


def note_order(
    db: Session, identifier: str, *, pdf_key: str, invoice_key: str, has_invoice: bool, revision: int
) -> None:
    """Everything up to `revision` is drawn; what changed meanwhile has a higher one, and stays due."""
    execute(db, _NOTE_ORDER, (pdf_key, invoice_key, has_invoice, revision, identifier))


def note_trouble(
    db: Session, identifier: str, *, pdf_key: str, invoice_key: str, problem: str, due_at: datetime
) -> None:
    """Something could not be drawn: later again."""
    execute(db, _NOTE_TROUBLE, (pdf_key, invoice_key, problem, due_at, identifier))


def postpone(db: Session, identifier: str, *, problem: str, due_at: datetime) -> None:
    """Nothing of it is known to be drawn: later again."""
    execute(db, _POSTPONE, (problem, due_at, identifier))


def drawn_tickets(db: Session, identifier: str) -> Sequence[Row[Any]]:
    """The valid tickets that have a PDF."""
    return execute(db, _DRAWN, (identifier,))


def _read(connection: Connection, identifier: str) -> tuple[Row[Any] | None, Sequence[Row[Any]]]:
    for order in execute(connection, _ORDER, (identifier,)):
        return order, execute(connection, _TICKETS, (identifier,))
    return None, []
