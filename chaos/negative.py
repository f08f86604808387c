"""Negative controls: each guard is broken once in the data of a good round, and the checker must say so.

The damage is done inside transactions that only the checker sees, and is undone afterwards; files are moved aside.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos.checker import check
from chaos.stores import Stores, World

if TYPE_CHECKING:
    from chaos.rounds import Theatre


@dataclass(frozen=True)
class Control:
    """What is broken, and which check has to notice. `damage` changes the stores before, or the world after reading."""

    what: str
    check: str
    service: str
    statement: str


E = "event_id = %(event)s"
CONTROLS = (
    Control("a seat too many is counted as sold", "seats_sold_are_attendees_are_tickets", "orders", f"UPDATE stock SET sold = sold + 1 WHERE ticket_id = (SELECT min(ticket_id) FROM stock WHERE {E})"),
    Control("a ticket row is gone", "seats_sold_are_attendees_are_tickets", "tickets", f"DELETE FROM tickets WHERE attendee_id = (SELECT min(attendee_id) FROM tickets WHERE {E} AND status = 'valid')"),
    Control("more is sold than there is", "seats_sold_are_attendees_are_tickets", "orders", f"UPDATE stock SET capacity = sold + held - 1 WHERE {E} AND sold > 0"),
    Control("a seat is held for nobody", "seats_are_held_for_somebody", "orders", f"UPDATE stock SET held = held + 1 WHERE {E}"),
    Control("a code is used once more than it was", "code_uses_are_discounted_attendees", "orders", f"UPDATE code_uses SET used = used + 1 WHERE code_id IN (SELECT id FROM replica_discount_codes WHERE {E})"),
    Control("a code is used beyond its limit", "code_uses_are_discounted_attendees", "orders", f"UPDATE code_uses SET use_limit = 1, used = 2 WHERE code_id IN (SELECT id FROM replica_discount_codes WHERE {E})"),
    Control("a paid order is forgotten to be completed", "an_order_is_paid_once_or_not", "orders", f"UPDATE orders SET status = 'cancelled' WHERE {E} AND status = 'completed' AND paid_via = 'stripe'"),
    Control("a charge appears twice in Stripe's book", "an_order_is_paid_once_or_not", "stripe", "INSERT INTO objects (kind, id, account, parent, body) SELECT kind, id || 'x', account, parent, body FROM objects WHERE kind = 'charge'"),
    Control("a refund appears many times in Stripe's book", "refunds_are_at_most_captures", "stripe", "INSERT INTO objects (kind, id, account, parent, body) SELECT o.kind, o.id || n.value, o.account, o.parent, o.body FROM objects AS o, json_each('[1,2,3,4,5,6,7,8,9]') AS n WHERE o.kind = 'refund'"),
    Control("a ledger line is a cent off", "our_ledger_is_their_book", "payments", "UPDATE ledger_transfers SET amount_minor = amount_minor + 1 WHERE kind = 'charge'"),
    Control("a refund is missing from the ledger", "our_ledger_is_their_book", "payments", "DELETE FROM ledger_transfers WHERE kind = 'refund'"),
    Control("a refund was made twice", "nothing_was_applied_twice", "stripe", "INSERT INTO objects (kind, id, account, parent, body) SELECT kind, id || 'x', account, parent, body FROM objects WHERE kind = 'refund'"),
    Control("an order remembers a refund twice", "nothing_was_applied_twice", "orders", f"UPDATE orders SET refunded_minor = refunded_minor * 2 WHERE {E} AND refunded_minor > 0"),
    Control("a PDF is missing", "every_ticket_has_its_pdf", "files", "drop"),
    Control("a PDF is cut off", "every_ticket_has_its_pdf", "files", "cut"),
    Control("a mail is missing", "everybody_got_one_mail", "mails", "drop"),
    Control("a mail was sent twice", "everybody_got_one_mail", "mails", "twice"),
    Control("a message waits in an outbox", "nothing_is_left_undone", "orders", "INSERT INTO outbox (message_id, type, key, request_id, traceparent, occurred_at, payload) VALUES (gen_random_uuid(), 'x', 'x', '', '', now(), '')"),
    Control("a message waits in the broker", "nothing_is_left_undone", "broker", "INSERT INTO broker.message (queue, message_id, type, key, request_id, traceparent, occurred_at, payload) VALUES ('orders', gen_random_uuid(), 'x', 'x', '', '', now(), '')"),
    Control("a message is dead", "no_message_is_dead", "broker", "INSERT INTO broker.message (queue, message_id, type, key, request_id, traceparent, occurred_at, payload) VALUES ('orders.dead', gen_random_uuid(), 'x', 'x', '', '', now(), '')"),
    Control("an order never ends", "every_order_has_an_end", "orders", f"UPDATE orders SET status = 'pending', expires_at = now() - interval '1 hour', charging_until = NULL WHERE {E} AND status = 'completed'"),
)  # fmt: skip


def run_controls(theatre: Theatre, say: Callable[[str], None] = print) -> int:
    """A round without a storm, then every control on its data. 0 when the checker was right about all of them."""
    play = theatre.play_everything()
    if play.violations:
        say(f"the undamaged round is not clean: {[str(each) for each in play.violations]}")
        return 1
    missed = 0
    with theatre.stores() as stores:
        for control in CONTROLS:
            caught = catches(stores, play.event_id, control)
            missed += not caught
            say(f"{'caught' if caught else 'MISSED':7} {control.check:40} {control.what}")
    gap = notices_a_gap(theatre)
    missed += not gap
    say(
        f"{'caught' if gap else 'MISSED':7} {'one_retry_mends_a_restart':40} a service stops before its replacement is there"
    )
    say(f"\n{len(CONTROLS) + 1 - missed} of {len(CONTROLS) + 1} broken guards were noticed")
    sys.stdout.flush()
    return 1 if missed else 0


def notices_a_gap(theatre: Theatre) -> bool:
    """Whether a restart without a replacement, which one repetition after a second cannot mend, is noticed."""
    orders = theatre.system.processes["orders"]
    orders.stop()
    try:
        broken = theatre.one_try_and_another()
    finally:
        orders.start()
        orders.wait_ready(time.monotonic() + 60)
    return bool(broken)


def catches(stores: Stores, event_id: int, control: Control) -> bool:
    """Whether the check that should notice the damage does."""
    with _damaged(stores, event_id, control) as world:
        return control.check in {violation.check for violation in check(world)}


@contextmanager
def _damaged(stores: Stores, event_id: int, control: Control) -> Iterator[World]:
    try:
        if control.service in stores.databases:
            stores.databases[control.service].execute(control.statement.encode(), {"event": event_id})
        elif control.service in stores.books:
            stores.books[control.service].execute(control.statement)
        world = stores.read(event_id)
        if control.service == "files":
            key = next(each["pdf_key"] for each in world.tickets if each["status"] == "valid")
            world.files[key] = world.files[key][:200] if control.statement == "cut" else b""
        if control.service == "mails":
            at = next(
                at for at, mail in enumerate(world.mails) if any(n.startswith("order-") for n in mail.attachments)
            )
            world.mails[at : at + 1] = [world.mails[at]] * (2 if control.statement == "twice" else 0)
        yield world
    finally:
        stores.forget()
