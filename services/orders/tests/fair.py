"""Stand-ins for the neighbours: events with one fair, and payments with outcomes that a test chooses."""

import json
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from chassis import db as chassis_db
from chassis import rpc
from chassis.errors import DomainError, NotFound
from chassis.messages import to_stamp
from proto.events import events_pb2
from proto.payments import payments_pb2
from services.orders import consumers
from services.orders.models import Attendee, CodeUse, Order, Stock

EVENT = 7


class Fair:
    """Event 7. Tickets: 1 costs 50.00, 2 costs 20.50, 3 is free, 4 takes donations from 5 to 100, 5 is another event's."""

    def __init__(self) -> None:
        start = datetime.now(UTC) + timedelta(days=30)
        self.event = events_pb2.Event(
            id=EVENT,
            version=1,
            identifier="fa1r0000",
            name="The Fair",
            starts_at=to_stamp(start),
            ends_at=to_stamp(start + timedelta(hours=8)),
            timezone="Europe/Berlin",
            location_name="Town Hall",
            state="published",
            privacy="public",
            currency="EUR",
            owner_name="Ada",
            owner_id=50,
            bank_details="IBAN DE00",
            payment_modes=["stripe", "paypal", "bank", "onsite"],
            is_ticket_form_enabled=True,
        )
        self.tickets = {
            1: self.ticket(1, "Day", "paid", 5000),
            2: self.ticket(2, "Evening", "paid", 2050),
            3: self.ticket(3, "Child", "free", 0),
            4: self.ticket(4, "Friend", "donation", 0, min_price_minor=500, max_price_minor=10000),
        }
        self.discount: events_pb2.Discount | None = None
        self.access_code: events_pb2.AccessCode | None = None
        self.tax: events_pb2.Tax | None = None
        self.roles: dict[int, list[str]] = {}
        self.form = [
            events_pb2.FormField(identifier="firstname", name="First name", is_required=True),
            events_pb2.FormField(identifier="email", name="E-mail", is_required=True),
        ]
        self.before_offer: Callable[[], None] = lambda: None
        self.offers = 0
        self.refusal: Exception | None = None
        self.asked = events_pb2.OfferRequest()

    def ticket(self, number: int, name: str, kind: str, price_minor: int, **more: Any) -> events_pb2.Ticket:
        """A ticket type of this fair."""
        values = {"quantity": 100, "max_order": 10, "min_order": 1, "on_sale": True, "version": 1, **more}
        return events_pb2.Ticket(
            id=number,
            event_id=EVENT,
            name=name,
            type=kind,
            price_minor=price_minor,
            currency=self.event.currency,
            **values,
        )

    def limit(self, number: int, quantity: int) -> None:
        """So many seats of a ticket type."""
        self.tickets[number].quantity = quantity
        self.tickets[number].version += 1

    def offer_code(
        self, kind: str = "percent", value: str = "10", *, tickets: tuple[int, ...] = (1, 2), uses: int = 0
    ) -> None:
        """Discount code 9, SAVE."""
        self.discount = events_pb2.Discount(
            id=9,
            code="SAVE",
            type=kind,
            value=value,
            version=1,
            is_active=True,
            tickets_number=uses,
            ticket_ids=tickets,
        )

    def get_offers(self, request: events_pb2.OffersRequest) -> events_pb2.Offers:
        return events_pb2.Offers(answers=[self._answer(each) for each in request.requests])

    def _answer(self, request: events_pb2.OfferRequest) -> events_pb2.OfferAnswer:
        try:
            return events_pb2.OfferAnswer(offer=self.get_offer(request))
        except DomainError as refusal:
            return events_pb2.OfferAnswer(refusal=rpc.refusal(refusal))

    def get_offer(self, request: events_pb2.OfferRequest) -> events_pb2.Offer:
        self.offers += 1
        self.asked = request
        if self.refusal is not None and not request.ignore_sale_rules:
            raise self.refusal
        wanted = [line.ticket_id for line in request.lines]
        if unknown := [each for each in wanted if each not in self.tickets]:
            raise NotFound(f"There is no ticket {unknown}.")
        roles = self.roles.get(request.user_id, [])
        runs = request.is_admin or bool({"owner", "organizer", "coorganizer"} & set(roles))
        asks = bool(request.discount_code_id or request.discount_code)
        discount = self.discount if asks and not runs else None
        opens = bool(request.access_code_id or request.access_code)
        offer = events_pb2.Offer(
            event=self.event,
            tickets=[
                events_pb2.OfferedTicket(
                    ticket=self.tickets[each], is_discounted=discount is not None and each in discount.ticket_ids
                )
                for each in wanted
            ],
            runs_event=runs,
            payment_modes=["free", *self.event.payment_modes],
            order_expiry_minutes=15,
            attendee_form=self.form,
        )
        if discount is not None:
            offer.discount.CopyFrom(discount)
        if opens and self.access_code is not None:
            offer.access_code.CopyFrom(self.access_code)
        if self.tax is not None:
            offer.tax.CopyFrom(self.tax)
        self.before_offer()
        return offer

    def get_event(self, request: events_pb2.GetEventRequest) -> events_pb2.Event:
        if request.key not in (str(EVENT), self.event.identifier):
            raise NotFound("There is no such event.")
        return self.event

    def get_ticket(self, request: events_pb2.GetTicketRequest) -> events_pb2.Ticket:
        if request.id not in self.tickets:
            raise NotFound("There is no such ticket.")
        return self.tickets[request.id]

    def get_roles(self, request: events_pb2.GetEventRolesRequest) -> events_pb2.EventRolesReply:
        roles = self.roles.get(request.user_id, []) if request.event_id == EVENT else []
        role = events_pb2.EventRole(
            id=request.user_id, version=1, event_id=request.event_id, user_id=request.user_id, roles=roles
        )
        return events_pb2.EventRolesReply(role=role)


class Bank:
    """Payments. `outcome` is what the next charge answers; `calls` is what was asked."""

    def __init__(self) -> None:
        self.outcome = "captured"
        self.closing = "closed"
        self.calls: list[tuple[str, str]] = []
        self.refusal: Exception | None = None
        self.closing_refusal: Exception | None = None
        self.gate: threading.Event | None = None
        self.called = threading.Event()
        self.payment_ids: dict[str, str] = {}

    def state(self, request: payments_pb2.StartPaymentRequest, status: str) -> payments_pb2.PaymentState:
        payment_id = self.payment_ids.setdefault(request.order_identifier, str(uuid.uuid4()))
        return payments_pb2.PaymentState(
            payment_id=payment_id,
            order_identifier=request.order_identifier,
            mode=request.mode,
            status=status,
            amount_minor=request.amount_minor,
            currency=request.currency,
            provider_reference="pi_1" if request.mode == "stripe" else "PAY-1",
            transaction_id="ch_1" if status == "captured" else "",
            payment_url="https://paypal.example/approve" if request.mode == "paypal" else "",
            decline_code="card_declined" if status == "declined" else "",
            decline_reason="insufficient_funds" if status == "declined" else "",
            message="Your card was declined." if status == "declined" else "",
            card=payments_pb2.Card(brand="Visa", last4="4242", exp_month="12", exp_year="2030"),
        )

    def start_payment(self, request: payments_pb2.StartPaymentRequest) -> payments_pb2.PaymentState:
        self._note("start", request.order_identifier)
        state = self.state(request, "open")
        if request.mode == "stripe":
            state.client_payload_json = json.dumps({"id": "pi_1", "client_secret": "pi_1_secret", "status": "open"})
        return state

    def charge(self, request: payments_pb2.ChargeRequest) -> payments_pb2.PaymentState:
        self._note("charge", request.payment.order_identifier)
        if self.refusal is not None:
            raise self.refusal
        return self.state(request.payment, self.outcome)

    def verify(self, request: payments_pb2.OrderRequest) -> payments_pb2.PaymentState:
        self._note("verify", request.order_identifier)
        return captured_payment(request.order_identifier, self.outcome)

    def close_attempt(self, request: payments_pb2.OrderRequest) -> payments_pb2.PaymentState:
        self._note("close", request.order_identifier)
        if self.closing_refusal is not None:
            raise self.closing_refusal
        return captured_payment(request.order_identifier, self.closing)

    def _note(self, what: str, identifier: str) -> None:
        self.calls.append((what, identifier))
        self.called.set()
        if self.gate is not None:
            self.gate.wait(10)


def captured_payment(identifier: str, status: str = "captured", **changed: Any) -> payments_pb2.PaymentState:
    """The payment that fits the order as it is stored."""
    with Session(chassis_db.engine()) as session:
        order = session.execute(sa.select(Order).where(Order.identifier == identifier)).scalar_one()
        values = {
            "payment_id": f"pay-{identifier[:8]}",
            "order_identifier": identifier,
            "mode": order.payment_mode or "stripe",
            "status": status,
            "amount_minor": order.amount_minor,
            "currency": order.currency,
            "transaction_id": "ch_1",
            **changed,
        }
    return payments_pb2.PaymentState(**values)


def seats() -> dict[int, tuple[int, int]]:
    """(held, sold) per ticket type, as the ledger counts."""
    with Session(chassis_db.engine()) as session:
        return {row.ticket_id: (row.held, row.sold) for row in session.execute(sa.select(Stock)).scalars()}


def seat_rows() -> dict[int, tuple[int, int]]:
    """(held, sold) per ticket type, as the attendee rows say."""
    with Session(chassis_db.engine()) as session:
        found: dict[int, tuple[int, int]] = {}
        for row in session.execute(sa.select(Attendee)).scalars():
            held, sold = found.get(row.ticket_id, (0, 0))
            found[row.ticket_id] = (held + (row.seat == "held"), sold + (row.seat == "sold"))
    return found


def uses(code_id: int = 9) -> int:
    """How often a discount code is used, as the ledger counts."""
    with Session(chassis_db.engine()) as session:
        return session.execute(sa.select(CodeUse.used).where(CodeUse.code_id == code_id)).scalar() or 0


def stored(identifier: str) -> Order:
    """The order as it is stored."""
    with Session(chassis_db.engine(), expire_on_commit=False) as session:
        return session.execute(sa.select(Order).where(Order.identifier == identifier)).scalar_one()


def status_of(identifier: str) -> str:
    """The status as it is stored."""
    return stored(identifier).status


def change(identifier: str, **values: Any) -> None:
    """Changes an order behind the service's back."""
    with chassis_db.engine().begin() as connection:
        connection.execute(sa.update(Order).where(Order.identifier == identifier).values(**values))


def patch(order: Any, kind: str = "order", **attributes: Any) -> dict[str, Any]:
    """The body of a PATCH of this resource."""
    named = {name.replace("_", "-"): value for name, value in attributes.items()}
    return {"data": {"type": kind, "id": order["id"], "attributes": named}}


def charge_body(**attributes: Any) -> dict[str, Any]:
    """What a client sends to be charged."""
    return {"data": {"type": "charge", "attributes": attributes}}


def hear(handler: Any, message: Any) -> None:
    """What the inbox does with a message."""
    chassis_db.run(lambda session: handler(session, message))


def hear_captured(payment: payments_pb2.PaymentState) -> None:
    """The money of an order has arrived."""
    hear(consumers.complete_paid_order, payments_pb2.PaymentCaptured(payment=payment))
