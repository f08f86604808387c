"""Other services, as tickets sees them."""

from chassis.rpc import call, channel
from proto.accounts import accounts_pb2
from proto.accounts.accounts_pb2 import User
from proto.accounts.accounts_pb2_grpc import AccountsStub
from proto.events.events_pb2 import Event, EventRole, GetEventRolesRequest, GetSellerRequest, Seller, SnapshotRequest
from proto.events.events_pb2_grpc import EventsStub
from proto.orders.orders_pb2 import GetOrderRequest, OrderState
from proto.orders.orders_pb2_grpc import OrdersStub

PERMISSION_SECONDS = 0.3


def fetch_roles(event_id: int, user_id: int) -> EventRole:
    """A user's roles in an event, from their owner. Raises NotFound for an unknown event, Unavailable."""
    request = GetEventRolesRequest(event_id=event_id, user_id=user_id)
    reply = call(EventsStub(channel("events")).GetEventRoles, request, timeout_seconds=PERMISSION_SECONDS)
    return reply.role


def fetch_order(identifier: str) -> OrderState:
    """An order that tickets has not heard of yet. Raises NotFound, Unavailable."""
    request = GetOrderRequest(identifier=identifier)
    reply: OrderState = call(OrdersStub(channel("orders")).GetOrder, request, timeout_seconds=1.0)
    return reply


def fetch_seller(event_id: int) -> Seller:
    """What an invoice of this event says of its seller. Raises Unavailable."""
    seller: Seller = call(EventsStub(channel("events")).GetSeller, GetSellerRequest(event_id=event_id))
    return seller


def events_after(after_id: int, limit: int) -> list[Event]:
    """Events after an id, for a replica that is built anew."""
    request = SnapshotRequest(after_id=after_id, limit=limit)
    return list(call(EventsStub(channel("events")).SnapshotEvents, request, timeout_seconds=10.0).events)


def users_after(after_id: int, limit: int) -> list[User]:
    """Users after an id, for a replica that is built anew."""
    request = accounts_pb2.SnapshotRequest(after_id=after_id, limit=limit)
    return list(call(AccountsStub(channel("accounts")).SnapshotUsers, request, timeout_seconds=10.0).users)


def event_roles_after(after_id: int, limit: int) -> list[EventRole]:
    """Event roles after an id, for a replica that is built anew."""
    request = SnapshotRequest(after_id=after_id, limit=limit)
    reply = call(EventsStub(channel("events")).SnapshotEventRoles, request, timeout_seconds=10.0)
    return list(reply.event_roles)
