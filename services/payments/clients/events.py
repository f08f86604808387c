"""The events service, as payments sees it."""

from chassis import rpc
from proto.events import events_pb2, events_pb2_grpc

ROLES_TIMEOUT_SECONDS = 0.3
SNAPSHOT_TIMEOUT_SECONDS = 10.0


def get_event(key: str) -> events_pb2.Event:
    """An event by number or identifier. Raises NotFound, or Unavailable when events does not answer."""
    stub = events_pb2_grpc.EventsStub(rpc.channel("events"))
    found: events_pb2.Event = rpc.call(stub.GetEvent, events_pb2.GetEventRequest(key=key))
    return found


def get_roles(event_id: int, user_id: int) -> events_pb2.EventRole:
    """A user's roles in an event. Raises Unavailable when events does not answer within 300 ms."""
    stub = events_pb2_grpc.EventsStub(rpc.channel("events"))
    request = events_pb2.GetEventRolesRequest(event_id=event_id, user_id=user_id)
    reply: events_pb2.EventRolesReply = rpc.call(stub.GetEventRoles, request, timeout_seconds=ROLES_TIMEOUT_SECONDS)
    return reply.role


def event_roles_after(after_id: int, limit: int) -> list[events_pb2.EventRole]:
    """A page of all roles that events knows. Raises Unavailable."""
    stub = events_pb2_grpc.EventsStub(rpc.channel("events"))
    request = events_pb2.SnapshotRequest(after_id=after_id, limit=limit)
    page = rpc.call(stub.SnapshotEventRoles, request, timeout_seconds=SNAPSHOT_TIMEOUT_SECONDS)
    return list(page.event_roles)
