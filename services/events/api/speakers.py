"""Speakers: who holds sessions."""

from typing import Any

from sqlalchemy import or_
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.jsonapi import Resource
from services.events import programme, queries
from services.events.api.events import events
from services.events.api.of_event import SPEC
from services.events.api.speakers_calls import said_hash
from services.events.models import Speaker

PICTURES = ("thumbnail-image-url", "small-image-url", "icon-image-url")
Values = dict[str, Any]


def _before_create(db: Session, claims: Claims, values: Values, related: Values) -> None:
    programme.prepare_speaker(db, claims, None, values, related, word=said_hash())


def _before_update(db: Session, claims: Claims, row: Speaker, values: Values, related: Values) -> None:
    programme.prepare_speaker(db, claims, row, values, related)


def _sees_all(claims: Claims) -> Any:
    return or_(Speaker.event_id.in_(queries.events_of_team(claims, "coorganizer")), queries.is_speaker(claims))


speakers = Resource(
    "speaker",
    Speaker,
    spec=SPEC,
    visible=queries.visible_speakers,
    levels={"coorganizer-or-self": _sees_all},
    computed={name: lambda speaker: speaker.photo_url for name in PICTURES},
    sort="order,id",
    before_create=_before_create,
    before_update=_before_update,
    may_change=programme.may_change_speaker,
)

create_speaker, get_speaker = speakers.create, speakers.fetch
update_speaker, delete_speaker = speakers.update, speakers.delete
list_speakers_of_event = events.fetch_related("speakers")
list_sessions_of_speaker = speakers.fetch_related("sessions")
get_event_of_speaker = speakers.fetch_related("event")
get_user_of_speaker = speakers.fetch_related("user")
