"""The checker of `make chaos` finds nothing on a good day, and each broken guard. (`python -m chaos --negative` on real data.)"""

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

import pypdfium2
import pytest

from chaos.checker import CHECKS, check
from chaos.negative import CONTROLS
from chaos.stores import Mail, World

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def pdf() -> bytes:
    """A page with nothing on it."""
    document = pypdfium2.PdfDocument.new()
    document.new_page(100, 100)
    kept = BytesIO()
    document.save(kept)
    return kept.getvalue()


PDF = pdf()


def good_day() -> World:
    """One order of two seats for 30 EUR with a code; one attendee was refunded, one comes."""
    return World(
        event_id=1,
        orders=[
            {
                "id": 7, "identifier": "o-7", "status": "completed", "paid_via": "stripe", "amount_minor": 3000,
                "discount_code_id": 3, "captured_minor": 3000, "refunded_minor": 1500, "buyer_email": "bea@example.com",
                "created_at": NOW, "expires_at": None, "charging_until": None,
            }
        ],
        attendees=[
            {"id": 1, "order_id": 7, "ticket_id": 5, "seat": "sold", "is_discount_applied": True},
            {"id": 2, "order_id": 7, "ticket_id": 5, "seat": "released", "is_discount_applied": True},
        ],
        stock=[{"ticket_id": 5, "capacity": 2, "held": 0, "sold": 1}],
        code_uses=[{"code_id": 3, "used": 1, "use_limit": 2}],
        decisions=[{"order_id": 7, "is_of_order": True, "status": "succeeded", "refunded_minor": 1500}],
        payments=[{"id": "p", "order_identifier": "o-7", "captured_minor": 3000, "refunded_minor": 1500}],
        transfers=[
            {"payment_id": "p", "kind": "charge", "amount_minor": 3000},
            {"payment_id": "p", "kind": "refund", "amount_minor": 1500},
        ],
        tickets=[
            {"attendee_id": 1, "ticket_id": 5, "order_identifier": "o-7", "status": "valid", "pdf_key": "a/1.pdf", "holder_email": "ada@example.com"},
            {"attendee_id": 2, "ticket_id": 5, "order_identifier": "o-7", "status": "revoked", "pdf_key": "", "holder_email": "eve@example.com"},
        ],
        papers=[{"identifier": "o-7", "pdf_key": "a/o.pdf"}],
        captures=[{"id": "ch", "payment_id": "p", "amount_minor": 3000}],
        given_back=[{"id": "re", "payment_id": "p", "amount_minor": 1500, "ours": "r"}],
        waiting={"outbox of orders": 0},
        mails=[
            Mail("ada@example.com", ("ticket-T-1.pdf", "event.ics")),
            Mail("bea@example.com", (f"order-O{int(NOW.timestamp())}-7.pdf", "event.ics")),
        ],
        files={"a/1.pdf": PDF, "a/o.pdf": PDF},
        now=NOW.timestamp(),
    )  # fmt: skip


def oversell(world: World) -> None:
    world.stock[0]["capacity"] = 0


def lose_a_ticket(world: World) -> None:
    del world.tickets[0]


def hold_for_nobody(world: World) -> None:
    world.stock[0]["held"] = 1


def hold_in_a_completed_order(world: World) -> None:
    world.attendees[1]["seat"] = "held"
    world.stock[0]["held"] = 1


def use_a_code_twice(world: World) -> None:
    world.code_uses[0]["used"] = 2


def charge_twice(world: World) -> None:
    world.captures *= 2


def complete_unpaid(world: World) -> None:
    world.captures.clear()


def keep_money_of_a_cancelled_order(world: World) -> None:
    world.orders[0]["status"] = "cancelled"


def give_back_too_much(world: World) -> None:
    world.given_back[0]["amount_minor"] = 3001


def forget_a_refund(world: World) -> None:
    del world.transfers[1]


def book_a_cent_more(world: World) -> None:
    world.transfers[0]["amount_minor"] += 1


def lose_a_pdf(world: World) -> None:
    del world.files["a/1.pdf"]


def cut_a_pdf(world: World) -> None:
    world.files["a/o.pdf"] = PDF[:40]


def lose_a_mail(world: World) -> None:
    del world.mails[0]


def send_twice(world: World) -> None:
    world.mails.append(world.mails[1])


def leave_a_message(world: World) -> None:
    world.waiting["outbox of orders"] = 1


def bury_a_message(world: World) -> None:
    world.dead.append("orders.dead: OrderPaid")


def apply_a_refund_twice(world: World) -> None:
    world.orders[0]["refunded_minor"] = 3000


def refund_twice(world: World) -> None:
    world.given_back *= 2


def never_end(world: World) -> None:
    world.orders[0] |= {"status": "pending", "expires_at": datetime(2026, 11, 24, 7, tzinfo=UTC)}


DAMAGE: dict[Callable[[World], None], str] = {
    oversell: "seats_sold_are_attendees_are_tickets",
    lose_a_ticket: "seats_sold_are_attendees_are_tickets",
    hold_for_nobody: "seats_are_held_for_somebody",
    hold_in_a_completed_order: "seats_are_held_for_somebody",
    use_a_code_twice: "code_uses_are_discounted_attendees",
    charge_twice: "an_order_is_paid_once_or_not",
    complete_unpaid: "an_order_is_paid_once_or_not",
    keep_money_of_a_cancelled_order: "an_order_is_paid_once_or_not",
    give_back_too_much: "refunds_are_at_most_captures",
    forget_a_refund: "our_ledger_is_their_book",
    book_a_cent_more: "our_ledger_is_their_book",
    lose_a_pdf: "every_ticket_has_its_pdf",
    cut_a_pdf: "every_ticket_has_its_pdf",
    lose_a_mail: "everybody_got_one_mail",
    send_twice: "everybody_got_one_mail",
    leave_a_message: "nothing_is_left_undone",
    bury_a_message: "no_message_is_dead",
    apply_a_refund_twice: "nothing_was_applied_twice",
    refund_twice: "nothing_was_applied_twice",
    never_end: "every_order_has_an_end",
}


def test_a_good_day_has_no_violation() -> None:
    assert check(good_day()) == []


@pytest.mark.parametrize(("damage", "noticed_by"), DAMAGE.items(), ids=lambda value: getattr(value, "__name__", value))
def test_each_broken_guard_is_noticed(damage: Callable[[World], None], noticed_by: str) -> None:
    world = good_day()
    damage(world)
    assert noticed_by in {violation.check for violation in check(world)}


def test_every_check_has_a_control() -> None:
    names = {each.__name__ for each in CHECKS}
    assert set(DAMAGE.values()) == names
    assert {control.check for control in CONTROLS} == names
