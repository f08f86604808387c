"""Other services, as events sees them. Every call has a deadline, and none is made inside a transaction."""

from chassis import rpc
from proto.accounts.accounts_pb2 import SnapshotRequest, User
from proto.accounts.accounts_pb2_grpc import AccountsStub
from proto.orders.orders_pb2 import (
    AvailabilityRequest,
    EventSalesRequest,
    RestrictRequest,
    TicketStock,
    UsedCodesRequest,
)
from proto.orders.orders_pb2_grpc import OrdersStub


def _orders() -> OrdersStub:
    return OrdersStub(rpc.channel("orders"))


def restrict(request: RestrictRequest) -> None:
    """Makes orders keep tighter limits from now on. Raises Conflict (`below-sold`) when more is promised already."""
    rpc.call(_orders().Restrict, request)


def stock_of_event(event_id: int) -> dict[int, TicketStock]:
    """What is held and sold of each ticket of an event; tickets that nobody wanted yet are missing."""
    reply = rpc.call(_orders().GetAvailability, AvailabilityRequest(event_id=event_id))
    return {each.ticket_id: each for each in reply.tickets}


def has_orders(event_id: int) -> bool:
    """Whether an event has orders, whatever became of them."""
    return rpc.call(_orders().GetEventSales, EventSalesRequest(event_id=event_id)).has_orders


def used_codes_of_event(event_id: int) -> frozenset[int]:
    """The discount codes that some order of an event names, whatever became of that order."""
    return frozenset(rpc.call(_orders().GetUsedCodes, UsedCodesRequest(event_id=event_id)).discount_code_ids)


def users_after(after_id: int, limit: int) -> list[User]:
    """A page of all users, in id order."""
    request = SnapshotRequest(after_id=after_id, limit=limit)
    return list(rpc.call(AccountsStub(rpc.channel("accounts")).SnapshotUsers, request, timeout_seconds=10).users)
