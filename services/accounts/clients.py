"""The events service, as accounts sees it."""

from chassis.rpc import call, channel
from proto.events.events_pb2 import Event, EventRole, SnapshotRequest
from proto.events.events_pb2_grpc import EventsStub

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
