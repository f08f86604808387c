"""What accounts does when events speaks: names of events and teams for a person's pages."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from chassis.inbox import consumes
from chassis.messages import from_stamp
from chassis.replicas import apply
from proto.events import events_pb2 as pb
from services.accounts import queries
from services.accounts.commands import notices
from services.accounts.models import Event, EventRole, User


@consumes(pb.EventChanged)
def know_event(db: Session, message: pb.EventChanged) -> None:
    """Keeps the event's name and dates."""
    keep_event(db, message.event)


@consumes(pb.EventRoleChanged)
def know_event_role(db: Session, message: pb.EventRoleChanged) -> None:
    """Keeps who is in which team, and welcomes whoever is new in one."""
    role = message.event_role
    if keep_event_role(db, role) and role.roles:
        notices.welcome_to_team(db, role.user_id, role.event_id, list(role.roles))


def keep_event(db: Session, event: pb.Event) -> bool:
    """Stores what a message or a snapshot says of an event; whether it was news."""
    values = {
        "identifier": event.identifier,
        "name": event.name,
        "starts_at": from_stamp(event.starts_at),
        "ends_at": from_stamp(event.ends_at),
        "timezone": event.timezone,
        "state": event.state,
        "deleted_at": from_stamp(event.deleted_at),
    }
    return apply(db, Event, event, values)


def keep_event_role(db: Session, role: pb.EventRole) -> bool:
    """The same for a team, and notes on the user which roles they hold anywhere."""
    values = {"event_id": role.event_id, "user_id": role.user_id, "roles": list(role.roles)}
    is_news = apply(db, EventRole, role, values)
    if is_news:
        # A statement sees what had been committed when it began: of two teams heard of at once the second waits before it looks.
        db.execute(sa.select(User.id).where(User.id == role.user_id).with_for_update())
        db.execute(sa.update(User).where(User.id == role.user_id).values(team_roles=queries.team_roles(role.user_id)))
    return is_news
