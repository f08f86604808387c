"""Changes of events and teams that are more than plain CRUD: read, decide, write. What changed is told by `telling`."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.errors import Conflict, Forbidden, Unprocessable
from services.events import queries
from services.events.domain import forms, identifiers, publishing
from services.events.domain.roles import ORGANIZER, OWNER
from services.events.models import CustomForm, Event, EventSubTopic, Group, Member, Role, UsersEventsRoles
from services.events.telling import touch

Values = dict[str, Any]

DEFAULT_CURRENCY = "USD"
OF_ADMINS = ("is_featured", "is_promoted", "is_demoted")


def new_event(db: Session, claims: Claims, values: Values, related: Values) -> Event:
    """An event that the caller will own. Raises UnverifiedUser (403), and what makes it unfit to be published."""
    publishing.check_person(claims.is_verified or claims.is_admin, "create")
    _keep_for_admins(claims, values)
    values["payment_currency"] = values.get("payment_currency") or DEFAULT_CURRENCY
    values = {name: value for name, value in values.items() if value is not None}
    values["name"] = values["name"].strip()
    publishing.check_zone(values["timezone"])
    publishing.check_years(values.get("starts_at"), values.get("ends_at"))
    if values.get("state") == "published":
        _check_publication(claims, values["name"], values["starts_at"], values["ends_at"])
        values["published_at"] = clock.now()
    _check_group(db, claims, related)
    _check_topics(db, related)
    event = Event(identifier=identifiers.new_event_identifier(), owner_id=claims.user_id, **values)
    event.__dict__["founded_by"] = claims.user_id
    return event


def found_event(db: Session, event: Event) -> None:
    """What every new event begins with: its owner, and a form that asks attendees who they are."""
    founder = event.__dict__.pop("founded_by", None)
    if founder is None:
        return
    give_role(db, event.id, founder, OWNER)
    db.add_all(CustomForm(event_id=event.id, **field) for field in forms.first_fields())
    db.flush()


def change_event(db: Session, claims: Claims, event: Event, values: Values, related: Values) -> None:
    """Checks a change of an event before it is made. Raises what makes the result impossible."""
    _keep_for_admins(claims, values)
    for name in ("name", "state", "payment_currency", "privacy"):
        if name in values and values[name] is None:
            del values[name]
    if "name" in values:
        values["name"] = values["name"].strip()
    if values.get("timezone", event.timezone) != event.timezone:
        publishing.check_zone(values["timezone"])
    publishing.check_years(values.get("starts_at"), values.get("ends_at"))
    _check_group(db, claims, related, event)
    _check_topics(db, related, event)
    after = {name: values.get(name, getattr(event, name)) for name in ("name", "starts_at", "ends_at", "state")}
    if after["state"] != "published":
        return
    publishing.check_published(after["name"], after["starts_at"], after["ends_at"])
    if event.state != "published":
        publishing.check_person(claims.is_verified or claims.is_admin, "publish")
        values["published_at"] = clock.now()


def _check_publication(claims: Claims, name: str, starts_at: Any, ends_at: Any) -> None:
    publishing.check_person(claims.is_verified or claims.is_admin, "publish")
    publishing.check_published(name, starts_at, ends_at)


def _keep_for_admins(claims: Claims, values: Values) -> None:
    """Clients send every attribute: what others may not set is ignored."""
    if not claims.is_admin:
        for name in OF_ADMINS:
            values.pop(name, None)


def _check_group(db: Session, claims: Claims, related: Values, event: Event | None = None) -> None:
    group_id = related.get("group")
    if group_id is None or (event is not None and event.group_id == group_id) or claims.is_admin:
        return
    group = db.get(Group, group_id)
    if group is None or group.user_id != claims.user_id:
        raise Forbidden("Only the owner of a group adds events to it.", code="group-owner-required")


def _check_topics(db: Session, related: Values, event: Event | None = None) -> None:
    sub_topic_id = related.get("event_sub_topic")
    if sub_topic_id is None:
        return
    topic_id = related.get("event_topic", event.event_topic_id if event else None)
    found = db.scalar(select(EventSubTopic.event_topic_id).where(EventSubTopic.id == sub_topic_id))
    if found is not None and topic_id is not None and found != topic_id:
        raise Unprocessable(
            "The sub topic belongs to another topic.",
            code="sub-topic-unfit",
            source={"pointer": "/data/relationships/event-sub-topic"},
        )


# Teams


def give_role(db: Session, event_id: int, user_id: int, role_id: int) -> UsersEventsRoles:
    """Gives somebody a role in an event. Raises Conflict (409) when they hold it already."""
    member = member_of(db, event_id, user_id)  # locked: two who give the same role wait for each other
    if role_id in queries.role_ids(db, event_id, user_id):
        raise Conflict("This person has that role already.", code="role-held")
    held = UsersEventsRoles(event_id=event_id, user_id=user_id, role_id=role_id)
    db.add(held)
    touch(member)
    db.flush()
    return held


def change_role(db: Session, held: UsersEventsRoles, role_id: int | None) -> None:
    """Makes it another role. Raises Unprocessable (422) where there is no such role, Conflict (409) when it is held too."""
    source = {"pointer": "/data/relationships/role"}
    if role_id is None:
        raise Unprocessable("Say which role. To take one away, delete it.", code="role-missing", source=source)
    if db.get(Role, role_id) is None:
        raise Unprocessable("There is no such role.", code="related-not-found", source=source)
    member = member_of(db, held.event_id, held.user_id)
    if role_id in queries.role_ids(db, held.event_id, held.user_id):
        raise Conflict("This person has that role already.", code="role-held")
    held.role_id = role_id
    db.flush()
    touch(member)


def take_role(db: Session, held: UsersEventsRoles) -> None:
    """Takes a role away."""
    member = member_of(db, held.event_id, held.user_id)
    db.delete(held)
    db.flush()
    touch(member)


def member_of(db: Session, event_id: int, user_id: int) -> Member:
    """What others replicate of this person in this event, locked; made when it is not there."""
    db.execute(
        insert(Member)
        .values(event_id=event_id, user_id=user_id, version=0, changed_at=clock.now())
        .on_conflict_do_nothing(index_elements=["event_id", "user_id"])
    )
    found = select(Member).where(Member.event_id == event_id, Member.user_id == user_id)
    return db.scalars(found.with_for_update().execution_options(populate_existing=True)).one()


def transfer(db: Session, event: Event, new_owner_id: int) -> None:
    """Makes somebody the owner; who was it stays as an organizer. The event leaves its group."""
    old = db.scalars(
        select(UsersEventsRoles).where(UsersEventsRoles.event_id == event.id, UsersEventsRoles.role_id == OWNER)
    ).first()
    if old is not None and old.user_id == new_owner_id:
        raise Conflict("This person owns the event already.", code="role-held")
    if old is not None:
        old_owner_id = old.user_id
        take_role(db, old)
        if ORGANIZER not in queries.role_ids(db, event.id, old_owner_id):
            give_role(db, event.id, old_owner_id, ORGANIZER)
    db.execute(
        delete(UsersEventsRoles).where(
            UsersEventsRoles.event_id == event.id,
            UsersEventsRoles.user_id == new_owner_id,
            UsersEventsRoles.role_id == ORGANIZER,
        )
    )
    give_role(db, event.id, new_owner_id, OWNER)
    event.owner_id, event.group_id = new_owner_id, None
