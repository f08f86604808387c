"""The replica of event roles: whose word counts when a Stripe account is linked."""

from sqlalchemy.orm import Session

from chassis import replicas
from proto.events.events_pb2 import EventRole as State
from services.payments.models.event_roles import EventRole


def keep_role(db: Session, role: State) -> None:
    """All roles of one user in one event, unless we know something newer."""
    replicas.apply(db, EventRole, role, {"event_id": role.event_id, "user_id": role.user_id, "roles": list(role.roles)})
