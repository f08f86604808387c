"""Other services, as accounts sees them."""

from chassis.rpc import call, channel
from proto.events.events_pb2 import Event, EventRole, SnapshotRequest
from proto.events.events_pb2_grpc import EventsStub
from proto.orders.orders_pb2 import ComingOrdersRequest
from proto.orders.orders_pb2_grpc import OrdersStub

SNAPSHOT_SECONDS = 10.0


def events_after(after_id: int, limit: int) -> list[Event]:
    """A page of all events, in id order. Raises Unavailable."""
    request = SnapshotRequest(after_id=after_id, limit=limit)
    return list(call(EventsStub(channel("events")).SnapshotEvents, request, timeout_seconds=SNAPSHOT_SECONDS).events)


def event_roles_after(after_id: int, limit: int) -> list[EventRole]:
    """A page of all teams, in id order. Raises Unavailable."""
    request = SnapshotRequest(after_id=after_id, limit=limit)
    stub = EventsStub(channel("events"))
    return list(call(stub.SnapshotEventRoles, request, timeout_seconds=SNAPSHOT_SECONDS).event_roles)


def coming_orders_of(user_id: int) -> int:
    """How many orders a user has for events that have not ended. Raises Unavailable."""
    return call(OrdersStub(channel("orders")).GetComingOrders, ComingOrdersRequest(user_id=user_id)).orders
