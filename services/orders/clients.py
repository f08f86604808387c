"""The other services, as we see them. Every call has a deadline and happens outside of any transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

import grpc

from chassis import rpc
from chassis.auth import Claims
from chassis.errors import DomainError, NotFound, Unavailable
from chassis.together import Together
from proto.accounts import accounts_pb2, accounts_pb2_grpc
from proto.events import events_pb2, events_pb2_grpc
from proto.payments import payments_pb2, payments_pb2_grpc
from proto.tickets import tickets_pb2, tickets_pb2_grpc
from services.orders import config
from services.orders.domain.carts import Code

ROLE_TIMEOUT_SECONDS = 0.3
SNAPSHOT_TIMEOUT_SECONDS = 10.0


def get_offer(
    quantities: Mapping[int, int],
    claims: Claims | None,
    *,
    event_key: str = "",
    discount: Code | None = None,
    access: Code | None = None,
    is_quote: bool = False,
    facts_only: bool = False,
) -> events_pb2.Offer:
    """What events offers this caller.

    `is_quote`: nothing is ordered, windows and limits are not looked at. `facts_only`: an existing order asks again, no
    sale rule refuses it.

    Raises what events refuses: NotFound, Unprocessable (RULES 13–16), Forbidden; Unavailable when it does not answer.
    """
    request = events_pb2.OfferRequest(
        user_id=claims.user_id if claims else 0,
        is_admin=bool(claims and claims.is_admin),
        event_key=event_key,
        is_quote=is_quote,
        ignore_sale_rules=facts_only,
        lines=[events_pb2.OfferLine(ticket_id=ticket, quantity=units) for ticket, units in quantities.items()],
    )
    if discount:
        request.discount_code_id, request.discount_code = discount.id, discount.text
    if access:
        request.access_code = access.text
    return ask_for_offer(request)


def _get_offer(request: events_pb2.OfferRequest) -> events_pb2.Offer | DomainError:
    stub = rpc.stub(events_pb2_grpc.EventsStub, "events")
    try:
        return rpc.call(stub.GetOffer, request, timeout_seconds=config.current().offer_timeout_seconds)
    except DomainError as refusal:
        return refusal


def _get_offers(requests: Sequence[events_pb2.OfferRequest]) -> Sequence[events_pb2.Offer | DomainError]:
    if len(requests) == 1:
        return [_get_offer(requests[0])]
    stub = rpc.stub(events_pb2_grpc.EventsStub, "events")
    together = events_pb2.OffersRequest(requests=requests)
    try:
        offers = rpc.call(stub.GetOffers, together, timeout_seconds=config.current().offer_timeout_seconds)
    except Unavailable as error:
        if rpc.is_unheard_of(error):
            return [_get_offer(each) for each in requests]
        raise
    return [each.offer if each.HasField("offer") else rpc.refused(each.refusal) for each in offers.answers]


# A quarter of what an order costs is asking for its offer, and in a rush many ask at once.
ask_for_offer = Together(_get_offers, at_most=32)


def get_event(key: str) -> events_pb2.Event | None:
    """The event with this number or identifier; None when events says that there is none."""
    stub = rpc.stub(events_pb2_grpc.EventsStub, "events")
    try:
        return rpc.call(stub.GetEvent, events_pb2.GetEventRequest(key=key), timeout_seconds=ROLE_TIMEOUT_SECONDS)
    except NotFound:
        return None


def get_ticket(ticket_id: int) -> events_pb2.Ticket | None:
    """The ticket type with this number; None when events says that there is none."""
    stub = rpc.stub(events_pb2_grpc.EventsStub, "events")
    try:
        return rpc.call(stub.GetTicket, events_pb2.GetTicketRequest(id=ticket_id), timeout_seconds=ROLE_TIMEOUT_SECONDS)
    except NotFound:
        return None


def get_event_role(event_id: int, user_id: int) -> events_pb2.EventRole:
    """The roles of a user in an event, as events knows them now."""
    stub = rpc.stub(events_pb2_grpc.EventsStub, "events")
    request = events_pb2.GetEventRolesRequest(event_id=event_id, user_id=user_id)
    return rpc.call(stub.GetEventRoles, request, timeout_seconds=ROLE_TIMEOUT_SECONDS).role


def get_user(user_id: int) -> accounts_pb2.User | None:
    """A user, as accounts knows them now; None when there is none."""
    stub = rpc.stub(accounts_pb2_grpc.AccountsStub, "accounts")
    try:
        return rpc.call(stub.GetUser, accounts_pb2.GetUserRequest(id=user_id), timeout_seconds=ROLE_TIMEOUT_SECONDS)
    except NotFound:
        return None


def events_after(after_id: int, limit: int) -> list[events_pb2.Event]:
    """A page of all events, in id order, deleted ones too."""
    return list(_page_of_events("SnapshotEvents", after_id, limit).events)


def tickets_after(after_id: int, limit: int) -> list[events_pb2.Ticket]:
    """A page of all ticket types, in id order, deleted ones too."""
    return list(_page_of_events("SnapshotTickets", after_id, limit).tickets)


def discount_codes_after(after_id: int, limit: int) -> list[events_pb2.DiscountCode]:
    """A page of all discount and access codes, in id order, deleted ones too."""
    return list(_page_of_events("SnapshotDiscountCodes", after_id, limit).discount_codes)


def event_roles_after(after_id: int, limit: int) -> list[events_pb2.EventRole]:
    """A page of all teams, in id order, deleted ones too."""
    return list(_page_of_events("SnapshotEventRoles", after_id, limit).event_roles)


def users_after(after_id: int, limit: int) -> list[accounts_pb2.User]:
    """A page of all users, in id order, deleted ones too."""
    stub = rpc.stub(accounts_pb2_grpc.AccountsStub, "accounts")
    request = accounts_pb2.SnapshotRequest(after_id=after_id, limit=limit)
    return list(rpc.call(stub.SnapshotUsers, request, timeout_seconds=SNAPSHOT_TIMEOUT_SECONDS).users)


def start_payment(request: payments_pb2.StartPaymentRequest) -> payments_pb2.PaymentState:
    """Opens a payment at the provider, or answers the open one."""
    stub = rpc.stub(payments_pb2_grpc.PaymentsStub, "payments")
    return rpc.call(stub.StartPayment, request, timeout_seconds=config.current().charge_timeout_seconds)


def charge(request: payments_pb2.ChargeRequest) -> payments_pb2.PaymentState:
    """Charges. A call whose answer did not come in time has status `unknown`: payments will tell by message."""
    stub = rpc.stub(payments_pb2_grpc.PaymentsStub, "payments")
    try:
        return rpc.call(stub.Charge, request, timeout_seconds=config.current().charge_timeout_seconds)
    except Unavailable as error:
        if not _may_have_happened(error):
            raise
        return payments_pb2.PaymentState(status="unknown", order_identifier=request.payment.order_identifier)


def verify_payment(identifier: str) -> payments_pb2.PaymentState:
    """Asks the provider how the open attempt stands."""
    return _about_order("Verify", identifier)


def close_attempt(identifier: str) -> payments_pb2.PaymentState:
    """Closes the open attempt at the provider; status `captured` when it had been paid."""
    return _about_order("CloseAttempt", identifier)


def scan(request: tickets_pb2.ScanRequest) -> tickets_pb2.ScanReply:
    """One entry at the door. Raises Conflict on a double entry or a revoked ticket."""
    stub = rpc.stub(tickets_pb2_grpc.TicketsStub, "tickets")
    return rpc.call(stub.Scan, request)


def _page_of_events(method: str, after_id: int, limit: int) -> Any:
    stub = rpc.stub(events_pb2_grpc.EventsStub, "events")
    request = events_pb2.SnapshotRequest(after_id=after_id, limit=limit)
    return rpc.call(getattr(stub, method), request, timeout_seconds=SNAPSHOT_TIMEOUT_SECONDS)


def _about_order(method: str, identifier: str) -> payments_pb2.PaymentState:
    stub = rpc.stub(payments_pb2_grpc.PaymentsStub, "payments")
    request = payments_pb2.OrderRequest(order_identifier=identifier)
    reply: payments_pb2.PaymentState = rpc.call(
        getattr(stub, method), request, timeout_seconds=config.current().charge_timeout_seconds
    )
    return reply


def _may_have_happened(error: DomainError) -> bool:
    """Whether the other side may have got the call: its deadline passed, or the connection broke after it was sent."""
    cause = error.__cause__
    return isinstance(cause, grpc.RpcError) and cause.code() is grpc.StatusCode.DEADLINE_EXCEEDED
