"""A copy of an event, with everything that an organizer would have to type again: in one transaction, or not at all.

Copied: the event (as a draft, with an identifier of its own), its team, ticket types with tags, discount codes for tickets
with their links (nothing used yet), tax, forms, tracks, microlocations, session types, speakers call, sponsors,
exhibitors, FAQs, social links and copyright; pictures that are kept here become pictures of the copy. Not copied: what
other people did (orders, attendees, sessions, speakers, feedback, favourites), what grants or bills (access codes, the
code of the event, invitations, Stripe) and counters.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from chassis.auth import Claims
from services.events import commands, media, queries
from services.events.domain import identifiers, publishing
from services.events.domain.roles import OWNER
from services.events.models import (
    CustomForm,
    CustomFormOption,
    DiscountCode,
    Event,
    EventCopyright,
    Exhibitor,
    Faq,
    FaqType,
    Microlocation,
    SessionType,
    SocialLink,
    SpeakersCall,
    Sponsor,
    Tax,
    Ticket,
    TicketTag,
    Track,
    UsersEventsRoles,
    discount_code_tickets,
    ticket_tag_tickets,
)

NEVER = frozenset({"id", "event_id", "version", "changed_at", "created_at", "hash"})
OF_EVENT_NEVER = NEVER | {
    "identifier",
    "state",
    "published_at",
    "deleted_at",
    "owner_id",
    "group_id",
    "copied_from_id",
    "is_stripe_linked",
    "is_featured",
    "is_promoted",
    "is_announced",
    "completed_order_sales",
    "completed_order_tickets",
    "placed_order_sales",
    "placed_order_tickets",
}
PLAIN = (Tax, Track, Microlocation, SessionType, SpeakersCall, Sponsor, Exhibitor, SocialLink, EventCopyright)

Map = dict[int, int]


def copy_event(db: Session, claims: Claims, event: Event) -> Event:
    """The copy. The caller has been found to run the event; their right to create events is checked here."""
    publishing.check_person(claims.is_verified or claims.is_admin, "copy")
    queries.require(db, claims, event.id, "coorganizer")
    copy = Event(
        **_values(event, OF_EVENT_NEVER),
        identifier=identifiers.new_event_identifier(),
        state="draft",
        copied_from_id=event.id,
    )
    media.copy_pictures(db, copy)
    db.add(copy)
    db.flush()
    _copy_team(db, claims, event, copy)
    for model in PLAIN:
        _copy_all(db, model, event, copy)
    tickets = _copy_all(db, Ticket, event, copy)
    _link(db, ticket_tag_tickets, _copy_all(db, TicketTag, event, copy), tickets)
    codes = _copy_all(db, DiscountCode, event, copy, lambda code: code.used_for == "ticket")
    _link(db, discount_code_tickets, codes, tickets)
    _copy_faqs(db, event, copy)
    _copy_forms(db, event, copy)
    return copy


def _values(row: Any, without: frozenset[str]) -> dict[str, Any]:
    columns = inspect(type(row)).columns
    return {column.key: getattr(row, column.key) for column in columns if column.key not in without}


def _live(db: Session, model: Any, event: Event) -> list[Any]:
    found = select(model).where(model.event_id == event.id).order_by(model.id)
    if hasattr(model, "deleted_at"):
        found = found.where(model.deleted_at.is_(None))
    return list(db.scalars(found))


def _copy_all(
    db: Session, model: Any, event: Event, copy: Event, wanted: Callable[[Any], bool] = lambda _: True, **extra: Any
) -> Map:
    """Copies of all live rows of a type; which number became which."""
    pairs = [
        (row.id, model(**{**_values(row, NEVER), "event_id": copy.id, **extra}))
        for row in _live(db, model, event)
        if wanted(row)
    ]
    for _, new in pairs:
        media.copy_pictures(db, new)
        db.add(new)
    db.flush()
    return {old: new.id for old, new in pairs}


def _copy_team(db: Session, claims: Claims, event: Event, copy: Event) -> None:
    """The same people in the same roles. A copy made by a server admin stays with the owner of the event."""
    held = db.scalars(
        select(UsersEventsRoles).where(UsersEventsRoles.event_id == event.id).order_by(UsersEventsRoles.id)
    ).all()
    for each in held:
        commands.give_role(db, copy.id, each.user_id, each.role_id)
    copy.owner_id = event.owner_id
    if event.owner_id is None:
        commands.give_role(db, copy.id, claims.user_id, OWNER)
        copy.owner_id = claims.user_id


def _link(db: Session, table: Any, left: Map, right: Map) -> None:
    first, second = table.c[0], table.c[1]
    rows = db.execute(select(first, second).where(first.in_(left), second.in_(right))).all()
    if rows:
        db.execute(table.insert(), [{first.name: left[a], second.name: right[b]} for a, b in rows])


def _copy_faqs(db: Session, event: Event, copy: Event) -> None:
    types = _copy_all(db, FaqType, event, copy)
    for faq in _live(db, Faq, event):
        values = {**_values(faq, NEVER), "event_id": copy.id, "faq_type_id": types.get(faq.faq_type_id or 0)}
        db.add(Faq(**values))


def _copy_forms(db: Session, event: Event, copy: Event) -> None:
    fields = _copy_all(db, CustomForm, event, copy)
    options = select(CustomFormOption).where(
        CustomFormOption.custom_form_id.in_(fields), CustomFormOption.deleted_at.is_(None)
    )
    for option in db.scalars(options.order_by(CustomFormOption.id)):
        db.add(CustomFormOption(value=option.value, custom_form_id=fields[option.custom_form_id]))
