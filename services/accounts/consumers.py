"""What accounts does when events speaks: names of events and teams for a person's pages."""

from datetime import UTC

import sqlalchemy as sa
from sqlalchemy.orm import Session

from chassis.inbox import consumes
from chassis.replicas import apply
from proto.events import events_pb2 as pb
from services.accounts import queries
from services.accounts.commands import notices
from services.accounts.models import EventReplica, EventRoleReplica, User


@consumes(pb.EventChanged)
def know_event(db: Session, message: pb.EventChanged) -> None:
    """Keeps the event's name and dates."""
    event = message.event
    values = {
        "identifier": event.identifier,
        "name": event.name,
        "starts_at": event.starts_at.ToDatetime(UTC) if event.HasField("starts_at") else None,
        "ends_at": event.ends_at.ToDatetime(UTC) if event.HasField("ends_at") else None,
        "timezone": event.timezone,
        "state": event.state,
        "deleted_at": event.deleted_at.ToDatetime(UTC) if event.HasField("deleted_at") else None,
    }
    apply(db, EventReplica, event, values)


@consumes(pb.EventRoleChanged)
def know_event_role(db: Session, message: pb.EventRoleChanged) -> None:
    """Keeps who is in which team, and notes on the user which roles they hold anywhere."""
    role = message.event_role
    values = {"event_id": role.event_id, "user_id": role.user_id, "roles": list(role.roles)}
    if apply(db, EventRoleReplica, role, values):
        db.execute(sa.update(User).where(User.id == role.user_id).values(team_roles=queries.team_roles(role.user_id)))
        if role.roles:
            notices.welcome_to_team(db, role.user_id, role.event_id, list(role.roles))
