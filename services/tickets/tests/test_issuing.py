"""Paid means ticket: exactly one per attendee, through any order of messages and any crash."""

import itertools
import time
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

import chassis.db
from chassis import clock, mail
from chassis.errors import Unavailable
from chassis.messages import to_stamp
from proto.accounts.accounts_pb2 import User, UserChanged, UserPage
from proto.events.events_pb2 import EventChanged, EventPage, EventRole, EventRolePage
from proto.orders.orders_pb2 import (
    Attendee,
    AttendeeChanged,
    AttendeesReleased,
    OrderCancelled,
    OrderExpired,
    OrderPaid,
    OrderPlaced,
    TicketsResendRequested,
)
from proto.tickets.tickets_pb2 import TicketsIssued
from services.tickets import consumers, figures, jobs, queries, renderer, stored
from services.tickets import mails as module
from services.tickets.models import DoomedFile, Ticket
from services.tickets.models import User as Known
from services.tickets.rendering.documents import UnrenderableError
from services.tickets.storage import UnknownKey
from services.tickets.tests.arranged import (
    ANNA_ID,
    ENDS,
    IDENTIFIER,
    OTHER_IDENTIFIER,
    STARTS,
    Hand,
    Published,
    attendee,
    draw_all,
    event,
    hear,
    mails,
    order,
    order_row,
    pay,
    statuses,
    text_of,
    ticket,
)

FIRST_MAILS = [
    ("ticket", "anna@example.com", "attendee:101", 1),
    ("ticket", "bob@example.com", "attendee:102", 1),
    ("order", "buyer@example.com", f"order:{IDENTIFIER}", 1),
]
PAID = (consumers.issue_tickets, OrderPaid(order=order(version=3)))
CANCELLED = (consumers.void_cancelled, OrderCancelled(order=order(version=5), was_paid=True, note="Sorry"))
RELEASED = (
    consumers.void_released,
    AttendeesReleased(order_identifier=IDENTIFIER, attendee_ids=[102], version=4),
)


def test_a_paid_order_leads_to_tickets_pdfs_mails_and_word_to_orders(published: Published) -> None:
    pay()
    draw_all()
    assert statuses() == {101: "valid", 102: "valid"}
    assert "Anna Doe" in text_of(stored.storage().get(ticket(101).pdf_key))
    assert "Bob Doe" in text_of(stored.storage().get(order_row().pdf_key))
    assert mails() == FIRST_MAILS
    (said,) = published(TicketsIssued)
    assert [issued.attendee_id for issued in said.tickets] == [101, 102]
    assert said.tickets[0].pdf_url == "http://127.0.0.1:8080/v1/orders/attendees/101.pdf"
    assert said.order_pdf_url == f"http://127.0.0.1:8080/v1/orders/{IDENTIFIER}/tickets-pdf"


def test_the_same_message_twice_changes_nothing(published: Published) -> None:
    pay()
    draw_all()
    serials = [ticket(101).serial, ticket(102).serial]
    pay()
    assert draw_all().tickets == []
    assert [ticket(101).serial, ticket(102).serial] == serials
    assert mails() == FIRST_MAILS
    assert len(published(TicketsIssued)) == 1


@pytest.mark.parametrize("messages", list(itertools.permutations([PAID, CANCELLED, RELEASED])))
def test_a_cancelled_order_has_no_valid_ticket_whatever_came_first(messages: Any) -> None:
    for handler, message in [*messages, *messages]:
        hear(handler, message)
    draw_all()
    assert "valid" not in statuses().values()


@pytest.mark.parametrize("messages", [(PAID, RELEASED), (RELEASED, PAID), (RELEASED, PAID, RELEASED, PAID)])
def test_a_released_attendee_has_no_ticket_whatever_came_first(messages: Any) -> None:
    for handler, message in messages:
        hear(handler, message)
    draw_all()
    assert statuses() == {101: "valid", 102: "revoked"}


def test_a_revoked_ticket_leaves_the_order_pages_and_its_file_goes() -> None:
    pay()
    draw_all()
    old = ticket(102).pdf_key
    hear(*RELEASED)
    draw_all()
    assert "Bob Doe" not in text_of(stored.storage().get(order_row().pdf_key))
    with clock.freeze(clock.now() + timedelta(hours=1)):
        jobs.remove_doomed_files()
    with pytest.raises(UnknownKey):
        stored.storage().get(old)
    assert len(mails()) == 3, "nobody is mailed again"


def test_late_money_after_expiry_issues_tickets_after_all() -> None:
    hear(consumers.void_expired, OrderExpired(order=order(version=2)))
    pay(version=4)
    hear(consumers.void_expired, OrderExpired(order=order(version=2)))
    draw_all()
    assert statuses() == {101: "valid", 102: "valid"}


def test_a_changed_name_is_drawn_anew_on_the_same_ticket_and_mailed_to_nobody() -> None:
    pay()
    draw_all()
    before = ticket(101)
    change = AttendeeChanged(order_identifier=IDENTIFIER, version=4, attendee=attendee(101, "Anne"))
    hear(consumers.change_holder, change)
    assert draw_all().tickets == ["Anne Doe"]
    after = ticket(101)
    assert (after.serial, after.issue, after.token) == (before.serial, before.issue, before.token)
    assert "Anne Doe" in text_of(stored.storage().get(after.pdf_key))
    assert mails() == FIRST_MAILS


def test_a_changed_address_gets_a_new_code_and_link_and_mails_the_new_holder() -> None:
    pay()
    draw_all()
    before = ticket(101)
    change = AttendeeChanged(order_identifier=IDENTIFIER, version=4, attendee=attendee(101, "Carl", "carl@example.com"))
    hear(consumers.change_holder, change)
    draw_all()
    after = ticket(101)
    assert (after.serial, after.issue) == (before.serial, 2)
    assert after.token != before.token
    assert mails() == [*FIRST_MAILS, ("ticket", "carl@example.com", "attendee:101", 2)]


@pytest.mark.parametrize("first", ["change", "payment"])
def test_an_older_name_never_beats_a_newer_one(first: str) -> None:
    change = AttendeeChanged(order_identifier=IDENTIFIER, version=4, attendee=attendee(101, "Anne"))
    steps: list[Any] = [lambda: hear(consumers.change_holder, change), lambda: pay(version=3)]
    for step in steps if first == "change" else reversed(steps):
        step()
    draw_all()
    assert ticket(101).holder_name == "Anne Doe"
    assert statuses() == {101: "valid", 102: "valid"}


def test_attendees_who_share_an_address_get_one_mail_each_and_one_without_goes_to_the_buyer() -> None:
    pay(attendees=[attendee(101), attendee(102, "Ben"), attendee(103, "Cleo", "")])
    draw_all()
    assert mails() == [
        ("ticket", "anna@example.com", "attendee:101", 1),
        ("ticket", "anna@example.com", "attendee:102", 1),
        ("ticket", "buyer@example.com", "attendee:103", 1),
        ("order", "buyer@example.com", f"order:{IDENTIFIER}", 1),
    ]


def test_a_buyer_who_attends_gets_both_mails() -> None:
    pay(attendees=[attendee(101, "Berta", "buyer@example.com")])
    draw_all()
    assert [sent[:2] for sent in mails()] == [("ticket", "buyer@example.com"), ("order", "buyer@example.com")]


def test_an_address_that_is_none_undoes_nothing() -> None:
    pay(attendees=[attendee(101, "Eve", "not an address\r\nBcc: all@example.com")])
    draw_all()
    assert statuses() == {101: "valid"}
    with chassis.db.transaction() as db:
        (status,) = db.execute(select(mail.mail.c.status).where(mail.mail.c.kind == "ticket")).scalars().all()
    assert status == "failed"


class Killed(BaseException):
    """The process ends here."""


def killed(*_: Any, **__: Any) -> Any:
    raise Killed


@pytest.mark.parametrize(
    "place",
    [
        "services.tickets.renderer.plan",
        "services.tickets.renderer.draw",
        "services.tickets.storage.FolderStorage.put",
        "services.tickets.renderer.finish",
        "services.tickets.renderer._note_order",
        "services.tickets.mails.summary_mail",
        "services.tickets.renderer.publish",
    ],
)
def test_a_renderer_that_dies_anywhere_leaves_the_same_end(
    place: str, monkeypatch: pytest.MonkeyPatch, published: Published
) -> None:
    pay()
    with monkeypatch.context() as patch:
        patch.setattr(place, killed)
        with pytest.raises(Killed):
            renderer.render_one(Hand(), stored.storage())
    draw_all()
    assert statuses() == {101: "valid", 102: "valid"}
    assert mails() == FIRST_MAILS
    assert len(published(TicketsIssued)) == 1
    for number in (101, 102):
        assert stored.storage().get(ticket(number).pdf_key).startswith(b"%PDF")


def test_one_that_dies_after_the_last_commit_has_done_everything(published: Published) -> None:
    pay()
    draw_all()
    assert draw_all().tickets == []
    assert len(published(TicketsIssued)) == 1


def test_two_renderers_never_draw_the_same_order() -> None:
    pay()
    hand, second = Hand(), Hand()

    def meanwhile(name: str) -> None:
        assert not renderer.render_one(second, stored.storage())

    hand.fail = meanwhile
    assert renderer.render_one(hand, stored.storage())
    assert second.tickets == []


def test_what_changes_while_it_is_drawn_is_drawn_again() -> None:
    pay()
    hand = Hand()

    def change(name: str) -> None:
        hand.fail = lambda name: None
        hear(
            consumers.change_holder,
            AttendeeChanged(order_identifier=IDENTIFIER, version=4, attendee=attendee(102, "Zoe", "zoe@example.com")),
        )

    hand.fail = change
    draw_all(hand)
    assert "Zoe Doe" in text_of(stored.storage().get(ticket(102).pdf_key))
    assert [sent[1] for sent in mails() if sent[2] == "attendee:102"] == ["zoe@example.com"], "nobody got a void ticket"


def test_an_order_cancelled_while_it_is_drawn_mails_no_tickets() -> None:
    pay()
    hand = Hand()

    def cancel(name: str) -> None:
        hand.fail = lambda name: None
        hear(*CANCELLED)

    hand.fail = cancel
    draw_all(hand)
    assert [sent[0] for sent in mails()] == ["order-cancelled"] * 3
    with chassis.db.transaction() as db:
        assert db.scalar(select(func.count()).select_from(DoomedFile)) == 3, "what was drawn in vain is removed"


def test_a_page_that_cannot_be_drawn_stops_no_other_and_is_tried_again_later(published: Published) -> None:
    pay()
    hand = Hand()

    def fail(name: str) -> None:
        if name == "Bob Doe":
            raise UnrenderableError("too wide")

    hand.fail = fail
    assert renderer.render_one(hand, stored.storage())
    assert not renderer.render_one(hand, stored.storage()), "not at once"
    assert [sent[1] for sent in mails()] == ["anna@example.com", "buyer@example.com"]
    assert "too wide" in order_row().problem
    hand.fail = lambda name: None
    with clock.freeze(clock.now() + timedelta(minutes=1)):
        draw_all(hand)
    assert sorted(mails()) == sorted(FIRST_MAILS)
    assert len(published(TicketsIssued)[-1].tickets) == 2


def test_an_order_with_which_we_have_a_fault_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is the first in the queue, and would be taken again and again."""
    pay()
    with clock.freeze(clock.now() + timedelta(milliseconds=1)):
        pay(identifier=OTHER_IDENTIFIER, id=43, attendees=[attendee(103, "Cleo", "cleo@example.com")])
    usual = module.ticket_mails

    def fail(state: Any, *rest: Any) -> Any:
        if state.identifier == IDENTIFIER:
            raise OverflowError("a date of Anna's")
        return usual(state, *rest)

    with monkeypatch.context() as patch, clock.freeze(clock.now() + timedelta(seconds=1)):
        patch.setattr(module, "ticket_mails", fail)
        draw_all()
    assert "cleo@example.com" in [sent[1] for sent in mails()]
    assert (order_row().problem, order_row().attempts) == ("OverflowError", 1)
    [line] = [record for record in caplog.records if record.message == "an order cannot be drawn"]
    assert (line.levelname, vars(line)["order"]) == ("ERROR", IDENTIFIER)
    with clock.freeze(clock.now() + timedelta(minutes=1)):
        draw_all()
    assert {sent[1] for sent in mails()} >= {"anna@example.com", "bob@example.com"}


def test_a_store_that_is_away_delays_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pay()

    def away(*_: Any, **__: Any) -> Any:
        raise Unavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr("services.tickets.storage.FolderStorage.put", away)
        with pytest.raises(Unavailable):
            renderer.render_one(Hand(), stored.storage())
    assert mails() == []
    draw_all()
    assert mails() == FIRST_MAILS


def test_an_offline_order_gets_one_mail_with_instructions_and_no_ticket(published: Published) -> None:
    placed = OrderPlaced(order=order(version=2, payment_mode="bank", status="placed"))
    hear(consumers.tell_how_to_pay, placed)
    hear(consumers.tell_how_to_pay, placed)
    draw_all()
    assert mails() == [("order-placed", "buyer@example.com", f"order:{IDENTIFIER}", 1)]
    assert statuses() == {}
    assert published() == []
    with chassis.db.transaction() as db:
        assert "IBAN DE12" in str(db.scalar(select(mail.mail.c.text)))


def test_nobody_is_asked_to_pay_an_order_that_was_paid_already() -> None:
    pay(version=3)
    hear(consumers.tell_how_to_pay, OrderPlaced(order=order(version=2, payment_mode="bank", status="placed")))
    draw_all()
    assert mails() == FIRST_MAILS


def test_a_cancelling_note_reaches_the_buyer_and_each_address_once() -> None:
    pay()
    draw_all()
    hear(*CANCELLED)
    hear(*CANCELLED)
    told = [sent for sent in mails() if sent[0] == "order-cancelled"]
    assert [sent[1] for sent in told] == ["buyer@example.com", "anna@example.com", "bob@example.com"]


def test_an_order_that_was_taken_up_again_and_cancelled_again_says_so() -> None:
    pay(version=3)
    hear(*CANCELLED)
    pay(version=6)
    draw_all()
    hear(consumers.void_cancelled, OrderCancelled(order=order(version=7), was_paid=True))
    told = [sent[1] for sent in mails() if sent[0] == "order-cancelled"]
    assert told == ["buyer@example.com", "anna@example.com", "bob@example.com"] * 2


def test_a_buyer_who_gives_up_an_unpaid_order_is_not_mailed() -> None:
    hear(consumers.void_cancelled, OrderCancelled(order=order(version=2)))
    assert mails() == []


def test_a_wish_sends_all_mails_once_more_and_only_once() -> None:
    pay()
    draw_all()
    wish = TicketsResendRequested(order_identifier=IDENTIFIER, request_key="w1")
    hear(consumers.send_again, wish)
    hear(consumers.send_again, wish)
    assert mails()[3:] == [
        ("ticket", "anna@example.com", "attendee:101:w1", 1),
        ("ticket", "bob@example.com", "attendee:102:w1", 1),
        ("order", "buyer@example.com", f"order:{IDENTIFIER}:w1", 1),
    ]


def test_a_wish_sends_payment_instructions_again() -> None:
    hear(consumers.tell_how_to_pay, OrderPlaced(order=order(version=2, payment_mode="bank", status="placed")))
    hear(consumers.send_again, TicketsResendRequested(order_identifier=IDENTIFIER, request_key="w1"))
    assert [sent[2] for sent in mails()] == [f"order:{IDENTIFIER}", f"order:{IDENTIFIER}:w1"]


def test_a_moved_event_shows_on_every_ticket_and_mails_nobody() -> None:
    hear(consumers.keep_event, EventChanged(event=event(1)))
    pay()
    draw_all()
    hear(consumers.keep_event, EventChanged(event=event(2, location_name="Tempodrom")))
    draw_all()
    assert "Tempodrom" in text_of(stored.storage().get(ticket(101).pdf_key))
    assert mails() == FIRST_MAILS


def test_a_calendar_takes_a_moved_event_for_the_newer_one() -> None:
    """It knows the entry by its UID, and replaces it only by a higher SEQUENCE."""
    pay()
    draw_all()
    moved = event(version=5, starts_at=to_stamp(STARTS - timedelta(days=1)), ends_at=to_stamp(ENDS))
    hear(consumers.keep_event, EventChanged(event=moved))
    draw_all()
    hear(consumers.send_again, TicketsResendRequested(order_identifier=IDENTIFIER, request_key="r1"))
    with chassis.db.transaction() as db:
        found = db.execute(select(mail.mail.c.about, mail.mail.c.attachments).order_by(mail.mail.c.id)).all()
    files = {row.about: b64decode(row.attachments[1]["data"]).decode() for row in found}
    first, again = files["attendee:101"], files["attendee:101:r1"]
    assert "SEQUENCE:0\r\n" in first
    assert "SEQUENCE:5\r\n" in again
    assert ("20261124T100000" in first, "20261123T100000" in again) == (True, True)


def test_an_event_change_that_no_ticket_shows_draws_nothing() -> None:
    hear(consumers.keep_event, EventChanged(event=event(1)))
    pay()
    draw_all()
    hear(consumers.keep_event, EventChanged(event=event(2, currency="USD")))
    assert draw_all().tickets == []


def test_an_erased_person_is_on_no_page_row_or_mail() -> None:
    pay(attendees=[attendee(101, user_id=ANNA_ID), attendee(102, "Bob", "bob@example.com")])
    draw_all()
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=1, email="anna@example.com", is_verified=True)))
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=2, deleted=True, erased=True)))
    draw_all()
    late = AttendeeChanged(order_identifier=IDENTIFIER, version=9, attendee=attendee(101))
    hear(consumers.change_holder, late)
    draw_all()
    row = ticket(101)
    assert (row.holder_name, row.holder_email, row.user_id, row.status) == ("", "", 0, "valid")
    for key in (row.pdf_key, order_row().pdf_key):
        assert "Anna" not in text_of(stored.storage().get(key))
    assert "anna@example.com" not in [sent[1] for sent in mails()]
    assert b"Anna" not in order_row().state


def test_an_order_that_is_heard_after_its_buyer_was_erased_revives_nobody() -> None:
    hear(consumers.keep_user, UserChanged(user=User(id=50, version=1, email="buyer@example.com", is_verified=True)))
    for number in (50, ANNA_ID):
        last = User(id=number, epoch=2**62, version=2**62, deleted=True, erased=True)
        hear(consumers.keep_user, UserChanged(user=last))
    mine = attendee(103, "Berta", "Buyer@example.com")
    pay(attendees=[attendee(101, user_id=ANNA_ID), attendee(102, "Bob", "bob@example.com"), mine])
    draw_all()
    hear(consumers.tell_how_to_pay, OrderPlaced(order=order(identifier=OTHER_IDENTIFIER, status="placed")))
    hear(consumers.void_cancelled, OrderCancelled(order=order(version=5, identifier=OTHER_IDENTIFIER), was_paid=True))
    assert [ticket(number).holder_name for number in (101, 102, 103)] == ["", "Bob Doe", ""]
    assert {sent[1] for sent in mails()} <= {"bob@example.com", "anna@example.com"}
    for identifier in (IDENTIFIER, OTHER_IDENTIFIER):
        assert b"Berta" not in order_row(identifier).state
        assert order_row(identifier).buyer_email == ""
    assert b"Anna" not in order_row().state
    late = AttendeeChanged(order_identifier=IDENTIFIER, version=9, attendee=attendee(101, user_id=ANNA_ID))
    hear(consumers.change_holder, late)
    assert ticket(101).holder_name == ""


@pytest.mark.parametrize("is_erased_first", [True, False])
def test_an_order_and_the_erasure_of_its_buyer_at_the_same_moment_leave_no_name(is_erased_first: bool) -> None:
    hear(consumers.keep_user, UserChanged(user=User(id=50, version=1, email="buyer@example.com", is_verified=True)))
    last = User(id=50, epoch=2**62, version=2**62, deleted=True, erased=True)
    steps: list[Any] = [
        (consumers.keep_user, UserChanged(user=last)),
        (consumers.issue_tickets, OrderPaid(order=order())),
    ]
    (handle, first), second = steps if is_erased_first else steps[::-1]
    with ThreadPoolExecutor(1) as other:
        with chassis.db.transaction() as db:
            handle(db, first)
            db.flush()
            waiting = other.submit(hear, *second)
            time.sleep(0.3)
            assert not waiting.done()
        waiting.result(10)
    assert order_row().buyer_email == ""
    assert b"Berta" not in order_row().state


def test_the_seat_of_an_erased_person_may_be_given_to_somebody_else() -> None:
    """Orders says that it has forgotten the holder too: what it says from then on names nobody who was erased."""
    pay(attendees=[attendee(101, user_id=ANNA_ID)])
    draw_all()
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=1, email="anna@example.com", is_verified=True)))
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=2, deleted=True, erased=True)))
    code = ticket(101).issue
    nobody = Attendee(id=101, ticket_id=3, ticket_name="Early Bird")
    forgotten = AttendeeChanged(order_identifier=IDENTIFIER, version=7, attendee=nobody, erased=True)
    hear(consumers.change_holder, forgotten)
    hear(consumers.change_holder, AttendeeChanged(order_identifier=IDENTIFIER, version=6, attendee=attendee(101)))
    assert ticket(101).holder_name == ""
    carl = attendee(101, "Carl", "carl@example.com")
    hear(consumers.change_holder, AttendeeChanged(order_identifier=IDENTIFIER, version=8, attendee=carl))
    draw_all()
    assert (ticket(101).holder_name, ticket(101).issue) == ("Carl Doe", code + 1)
    assert ("ticket", "carl@example.com", "attendee:101", code + 1) in mails()


def test_the_code_of_an_erased_person_stays_whoever_says_it_first() -> None:
    pay(attendees=[attendee(101)])
    draw_all()
    nobody = Attendee(id=101, ticket_id=3, ticket_name="Early Bird")
    forgotten = AttendeeChanged(order_identifier=IDENTIFIER, version=7, attendee=nobody, erased=True)
    hear(consumers.change_holder, forgotten)
    draw_all()
    assert (ticket(101).holder_name, ticket(101).issue) == ("", 1)
    assert len(mails()) == 2


def test_a_deleted_person_who_may_come_back_keeps_the_ticket_until_erased() -> None:
    pay(attendees=[attendee(101), attendee(102, "Bob", "bob@example.com")])
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=1, email="anna@example.com", is_verified=True)))
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=2, deleted=True)))
    assert (ticket(101).holder_name, ticket(101).holder_email) == ("Anna Doe", "anna@example.com")
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=3, deleted=True, erased=True)))
    assert (ticket(101).holder_name, ticket(101).holder_email) == ("", "")
    assert ticket(102).holder_email == "bob@example.com"


def test_erasing_who_gave_an_address_up_leaves_alone_who_has_it_now() -> None:
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=1, email="anna@example.com", is_verified=True)))
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=2, deleted=True)))
    hear(
        consumers.keep_user,
        UserChanged(user=User(id=ANNA_ID + 1, version=1, email="Anna@example.com", is_verified=True)),
    )
    pay(buyer_id=ANNA_ID + 1, attendees=[attendee(101)])
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=3, deleted=True, erased=True)))
    assert ticket(101).holder_email == "anna@example.com"


@pytest.mark.parametrize("is_deleted_first", [False, True])
@pytest.mark.parametrize("is_verified", [False, True])
def test_an_erased_person_is_who_has_proved_the_address(is_verified: bool, is_deleted_first: bool) -> None:
    # The user of the first is from before addresses had to be proved.
    pay(attendees=[attendee(101, user_id=ANNA_ID), attendee(102, "Amy")])
    known = User(id=ANNA_ID, version=1, email="Anna@example.com", is_verified=is_verified)
    hear(consumers.keep_user, UserChanged(user=known))
    if is_deleted_first:
        hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=2, deleted=True)))
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=3, deleted=True, erased=True)))
    left = ["", ""] if is_verified else ["Anna Doe", "Amy Doe"]
    assert [ticket(number).holder_name for number in (101, 102)] == left
    assert (b"Anna" in order_row().state) is not is_verified


def test_what_an_erased_person_bought_under_the_own_address_is_cleared_also_when_it_was_never_proved() -> None:
    pay(buyer_id=ANNA_ID, attendees=[attendee(101), attendee(102, "Bob", "bob@example.com")])
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=1, email="Anna@example.com")))
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=3, deleted=True, erased=True)))
    assert [ticket(number).holder_name for number in (101, 102)] == ["", "Bob Doe"]
    assert b"Anna" not in order_row().state


@pytest.mark.parametrize("is_verified", [False, True])
def test_what_an_older_version_did_not_keep_of_an_address_is_said_with_the_erasure(is_verified: bool) -> None:
    pay(attendees=[attendee(101)])
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=1, email="anna@example.com")))
    chassis.db.run(lambda db: db.execute(update(Known).values(is_verified=None)))
    erased = User(id=ANNA_ID, version=3, deleted=True, erased=True, is_verified=is_verified)
    hear(consumers.keep_user, UserChanged(user=erased))
    assert ticket(101).holder_name == ("" if is_verified else "Anna Doe")


def test_who_has_only_signed_up_with_the_address_of_a_deleted_person_keeps_nothing_of_them() -> None:
    pay(attendees=[attendee(101)])
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=1, email="anna@example.com", is_verified=True)))
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=2, deleted=True)))
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID + 1, version=1, email="anna@example.com")))
    hear(consumers.keep_user, UserChanged(user=User(id=ANNA_ID, version=3, deleted=True, erased=True)))
    assert ticket(101).holder_name == ""


def test_a_mail_leaves_with_its_pdf_and_calendar_and_is_delivered_once(settings: Any, tmp_path: Path) -> None:
    pay()
    draw_all()
    mail.configure(f"file://{tmp_path}", "Stagedoor <no-reply@example.com>", module.Pdfs())
    mail.deliver_mail()
    mail.deliver_mail()
    written = sorted(path.read_bytes().decode() for path in tmp_path.glob("*.eml"))
    assert len(written) == 3
    for content in written:
        assert "application/pdf" in content
        assert "text/calendar" in content


def test_a_mail_whose_ticket_died_meanwhile_is_not_sent(tmp_path: Path) -> None:
    pay()
    draw_all()
    hear(*RELEASED)
    mail.configure(f"file://{tmp_path}", "Stagedoor <no-reply@example.com>", module.Pdfs())
    mail.deliver_mail()
    sent = [path.read_bytes().decode() for path in tmp_path.glob("*.eml")]
    assert not any("To: bob@example.com" in content for content in sent)
    assert len(sent) == 2


def test_an_operator_sees_what_waits(app: Any) -> None:
    pay()
    jobs.measure()
    assert figures.orders_due._value.get() == 1
    draw_all()
    jobs.measure()
    assert figures.orders_due._value.get() == 0


def test_serials_are_never_used_twice() -> None:
    pay()
    pay(identifier="2b5e9f64-3a51-4a3e-9c4f-0a6c2d1e7f12", attendees=[attendee(201)])
    with chassis.db.transaction() as db:
        assert db.scalar(select(func.count(Ticket.serial.distinct()))) == 3


def test_replicas_are_read_from_their_owners_once(app: Any, peer: Any) -> None:
    asked: list[str] = []

    def events(request: Any) -> EventPage:
        asked.append(f"events after {request.after_id}")
        return EventPage(events=[] if request.after_id else [event(4, location_name="Docks")])

    def roles(request: Any) -> EventRolePage:
        asked.append("roles")
        role = EventRole(id=1, version=1, event_id=7, user_id=60, roles=["owner"])
        return EventRolePage(event_roles=[] if request.after_id else [role])

    peer("events", SnapshotEvents=events, SnapshotEventRoles=roles)
    peer("accounts", SnapshotUsers=lambda request: UserPage())
    jobs.fill_replicas()
    jobs.fill_replicas()
    assert asked == ["events after 0", "events after 7", "roles", "roles"]
    pay()
    draw_all()
    assert "Docks" in text_of(stored.storage().get(ticket(101).pdf_key))
    with chassis.db.transaction() as db:
        assert queries.roles_in_event(db, 7, 60) == frozenset({"owner"})


def test_an_owner_that_is_down_is_asked_again_later(app: Any) -> None:
    with pytest.raises(Unavailable):
        jobs.fill_replicas()
