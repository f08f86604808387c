"""What others say to events, and what they may ask besides offers."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis import db as database
from chassis import mail
from chassis.errors import NotFound
from proto.accounts.accounts_pb2 import User as UserState
from proto.accounts.accounts_pb2 import UserChanged
from proto.events import events_pb2 as pb
from proto.orders.orders_pb2 import (
    Attendee,
    AttendeesReleased,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderState,
    OrderUnsettled,
)
from proto.payments.payments_pb2 import StripeAuthorizationChanged
from services.events import consumers
from services.events.grpc_server import EventsServicer
from services.events.models import User
from services.events.tests.conftest import OWNER, STRANGER, Making, Orders, Published, made, to

server = EventsServicer()


def hear(handler: Callable[..., None], message: Any) -> None:
    """As the inbox does it."""
    with database.transaction() as db:
        handler(db, message)


def test_late_news_of_a_user_is_ignored_and_the_team_is_named(making: Making) -> None:
    event = making.event()
    newest = UserState(id=OWNER, version=5, email="olga@example.com", first_name="Olga", public_name="Olga O.")
    hear(consumers.keep_user, UserChanged(user=newest))
    hear(consumers.keep_user, UserChanged(user=UserState(id=OWNER, version=4, email="old@example.com")))
    path = f"/v1/events/{event['id']}?include=owner"
    [seen] = making.stranger.get(path).json()["included"]
    assert seen["attributes"]["public-name"] == "Olga O."
    assert "email" not in seen["attributes"]
    [own] = making.owner.get(path).json()["included"]
    assert own["attributes"]["email"] == "olga@example.com"
    hear(consumers.keep_user, UserChanged(user=UserState(id=OWNER, version=6, deleted=True)))
    assert making.owner.get(path).json()["included"] == []


def test_an_erased_person_is_forgotten_for_good(making: Making, db: Session) -> None:
    event = making.event()
    hear(
        consumers.keep_user,
        UserChanged(
            user=UserState(id=STRANGER, version=1, email="sam@example.com", first_name="Sam", is_verified=True)
        ),
    )
    given = {"name": "Sam", "email": "sam@example.com", "short_biography": "Born.", "is_featured": True}
    speaker = made(making.child("speakers", "speaker", event, **given))
    invite = {"email": "Sam@example.com", "role_name": "registrar", "related": {"role": to("role", "6")}}
    made(making.child("role-invites", "role-invite", event, **invite))
    hear(
        consumers.keep_user,
        UserChanged(user=UserState(id=STRANGER, version=2, email="sam@example.com", is_verified=True, deleted=True)),
    )
    last = 2**62
    hear(
        consumers.keep_user,
        UserChanged(user=UserState(id=STRANGER, epoch=last, version=last, deleted=True, erased=True)),
    )
    hear(
        consumers.keep_user,
        UserChanged(user=UserState(id=STRANGER, version=3, email="sam@example.com", first_name="Sam")),
    )
    shown = making.owner.get(f"/v1/speakers/{speaker['id']}").json()["data"]["attributes"]
    assert (shown["name"], shown["email"], shown["short-biography"]) == ("Former speaker", None, None)
    assert making.owner.get(f"/v1/events/{event['id']}/role-invites").json()["data"] == []
    assert [row.email for row in db.scalars(select(User))] == [""]
    assert "sam" not in str(db.execute(select(mail.mail)).all()).lower()


def test_who_only_signed_up_with_an_address_takes_nobody_away_when_erased(making: Making, db: Session) -> None:
    event = making.event()
    hear(consumers.keep_user, UserChanged(user=UserState(id=STRANGER, version=1, email="sam@example.com")))
    speaker = made(making.child("speakers", "speaker", event, name="Sam", email="sam@example.com"))
    invite = {"email": "sam@example.com", "role_name": "registrar", "related": {"role": to("role", "6")}}
    made(making.child("role-invites", "role-invite", event, **invite))
    last = 2**62
    erased = UserState(id=STRANGER, epoch=last, version=last, deleted=True, erased=True)
    hear(consumers.keep_user, UserChanged(user=erased))
    shown = making.owner.get(f"/v1/speakers/{speaker['id']}").json()["data"]["attributes"]
    assert (shown["name"], shown["email"]) == ("Sam", "sam@example.com")
    assert len(making.owner.get(f"/v1/events/{event['id']}/role-invites").json()["data"]) == 1
    assert "sam@example.com" in str(db.execute(select(mail.mail)).all())


def test_an_event_is_linked_with_stripe_when_payments_says_so(making: Making, published: Published) -> None:
    event = making.event()

    def say(authorization_id: int, version: int, key: str = "") -> None:
        message = StripeAuthorizationChanged(
            event_id=int(event["id"]),
            authorization_id=authorization_id,
            version=version,
            is_linked=bool(key),
            publishable_key=key,
        )
        hear(consumers.link_stripe, message)

    def shown() -> tuple[bool, list[tuple[str, str]]]:
        found = making.stranger.get(f"/v1/events/{event['id']}?include=stripe-authorization").json()
        included = [(each["id"], each["attributes"]["stripe-publishable-key"]) for each in found["included"]]
        return found["data"]["attributes"]["is-stripe-linked"], included

    say(41, 2, "pk_old")
    say(41, 1)
    assert shown() == (True, [("41", "pk_old")])
    assert published(pb.EventChanged)[-1].event.is_stripe_linked
    assert making.anyone.get("/v1/stripe-authorizations/41/event").json()["data"]["id"] == event["id"]
    say(42, 1, "pk_new")
    say(41, 3)
    assert shown() == (True, [("42", "pk_new")])
    say(42, 2)
    assert shown() == (False, [])


def test_completed_orders_are_counted_once_and_cancelled_ones_not(making: Making, published: Published) -> None:
    event = making.event()
    told = len(published(pb.EventChanged))
    paid = OrderState(id=1, event_id=int(event["id"]), version=3, amount_minor=9900, attendees=[Attendee(), Attendee()])
    for _ in range(2):
        hear(consumers.count_sale, OrderPaid(order=paid))

    def figures() -> tuple[float, int]:
        shown = making.owner.get(f"/v1/events/{event['id']}").json()["data"]["attributes"]
        return shown["completed-order-sales"], shown["completed-order-tickets"]

    assert figures() == (99, 2)
    assert len(published(pb.EventChanged)) == told, "a sale changes nothing that others keep of the event"
    hear(consumers.uncount_sale, OrderCancelled(order=OrderState(id=1, event_id=int(event["id"]), version=4)))
    hear(consumers.count_sale, OrderPaid(order=paid))
    assert figures() == (0, 0)


def test_who_was_refunded_is_not_counted_among_those_who_come(making: Making) -> None:
    event = making.event()

    def order(version: int, coming: int, status: str = "completed") -> OrderState:
        attendees = [Attendee()] * coming
        return OrderState(
            id=1, event_id=int(event["id"]), version=version, status=status, amount_minor=9900, attendees=attendees
        )

    def figures() -> list[float]:
        shown = making.owner.get(f"/v1/events/{event['id']}").json()["data"]["attributes"]
        return [shown[f"completed-order-{name}"] for name in ("sales", "tickets")]

    hear(consumers.uncount_released, AttendeesReleased(order=order(4, coming=2)))
    hear(consumers.count_sale, OrderPaid(order=order(3, coming=3)))
    assert figures() == [99, 2], "the refund was heard first"
    hear(consumers.uncount_released, AttendeesReleased(order=order(5, coming=1)))
    assert figures() == [99, 1]
    for ignored in (order(6, coming=0, status="placed"), OrderState()):  # an older orders says nothing of the order
        hear(consumers.uncount_released, AttendeesReleased(order=ignored))
    assert figures() == [99, 1]


def test_a_placed_order_is_counted_as_placed_until_it_is_paid_or_cancelled(
    making: Making, published: Published
) -> None:
    event = making.event()
    told = len(published(pb.EventChanged))

    def order(number: int, version: int) -> OrderState:
        return OrderState(
            id=number, event_id=int(event["id"]), version=version, amount_minor=9900, attendees=[Attendee(), Attendee()]
        )

    def figures() -> list[float]:
        shown = making.owner.get(f"/v1/events/{event['id']}").json()["data"]["attributes"]
        names = ("placed-order-sales", "placed-order-tickets", "completed-order-sales", "completed-order-tickets")
        return [shown[name] for name in names]

    assert figures() == [0, 0, 0, 0]
    for number in (1, 2, 1):
        hear(consumers.count_placed, OrderPlaced(order=order(number, 3)))
    assert figures() == [198, 4, 0, 0]
    hear(consumers.count_sale, OrderPaid(order=order(1, 4)))
    hear(consumers.count_placed, OrderPlaced(order=order(1, 3)))
    assert figures() == [99, 2, 99, 2]
    hear(consumers.uncount_sale, OrderCancelled(order=order(2, 5)))
    assert figures() == [0, 0, 99, 2]
    hear(consumers.uncount_unsettled, OrderUnsettled(order=order(1, 6)))
    assert figures() == [0, 0, 0, 0]
    hear(consumers.count_sale, OrderPaid(order=order(1, 7)))
    assert figures() == [0, 0, 99, 2]
    assert len(published(pb.EventChanged)) == told, "a sale changes nothing that others keep of the event"


def test_the_seller_is_whom_the_tax_of_the_event_names(making: Making) -> None:
    event = making.event()
    question = pb.GetSellerRequest(event_id=int(event["id"]))
    assert server.GetSeller(question) == pb.Seller()
    given = {"name": "VAT", "rate": 19, "registered_company": "Fair Ltd", "tax_id": "DE1", "city": "Hamburg"}
    tax = made(making.child("taxes", "tax", event, **given))
    assert server.GetSeller(question) == pb.Seller(company="Fair Ltd", tax_id="DE1", city="Hamburg")
    assert making.owner.delete(f"/v1/taxes/{tax['id']}").status_code == 200
    assert server.GetSeller(question) == pb.Seller()


def test_snapshots_show_everything_after_an_id(making: Making, orders: Orders) -> None:
    event = making.event()
    tickets = [making.ticket(event, name=name) for name in "AB"]
    hidden = making.ticket(event, name="C", is_hidden=True)
    discount, access = making.discount(event, tickets[0]["id"]), making.access(event, hidden["id"])
    making.owner.delete(f"/v1/tickets/{tickets[1]['id']}")
    first = server.SnapshotTickets(pb.SnapshotRequest(after_id=0, limit=2)).tickets
    assert [(each.name, each.deleted, each.on_sale) for each in first] == [("A", False, True), ("B", True, False)]
    assert [each.name for each in server.SnapshotTickets(pb.SnapshotRequest(after_id=first[-1].id)).tickets] == ["C"]
    codes = server.SnapshotDiscountCodes(pb.SnapshotRequest()).discount_codes
    assert [(each.id, each.is_access_code, len(each.ticket_ids)) for each in codes] == [
        (int(discount["id"]), False, 1),
        (int(access["id"]), True, 1),
    ]
    assert [each.identifier for each in server.SnapshotEvents(pb.SnapshotRequest()).events] == [
        event["attributes"]["identifier"]
    ]
    [role] = server.SnapshotEventRoles(pb.SnapshotRequest()).event_roles
    assert (role.user_id, list(role.roles)) == (OWNER, ["owner"])


def test_single_questions(making: Making) -> None:
    event = making.event()
    ticket = making.ticket(event)
    for key in (event["id"], event["attributes"]["identifier"]):
        assert server.GetEvent(pb.GetEventRequest(key=key)).id == int(event["id"])
    assert server.GetTicket(pb.GetTicketRequest(id=int(ticket["id"]))).name == "Stalls"
    number = int(event["id"])
    assert list(server.GetEventRoles(pb.GetEventRolesRequest(event_id=number, user_id=OWNER)).role.roles) == ["owner"]
    assert list(server.GetEventRoles(pb.GetEventRolesRequest(event_id=number, user_id=STRANGER)).role.roles) == []
    for unknown in (
        lambda: server.GetEvent(pb.GetEventRequest(key="deadbeef")),
        lambda: server.GetEvent(pb.GetEventRequest(key="99")),
        lambda: server.GetTicket(pb.GetTicketRequest(id=99)),
    ):
        with pytest.raises(NotFound):
            unknown()
