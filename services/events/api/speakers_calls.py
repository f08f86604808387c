"""Calls for speakers: one per event."""

from typing import Any

import flask
from sqlalchemy import and_, or_
from sqlalchemy.orm import Session

from chassis.auth import Claims
from services.events import programme, queries
from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.models import SpeakersCall

Values = dict[str, Any]


def said_hash() -> str:
    """What the request says is the hash of a private call; empty when it says nothing."""
    return flask.request.args.get("hash", "")


def _prepare(db: Session, claims: Claims, row: SpeakersCall | None, values: Values, related: Values) -> None:
    programme.prepare_call(db, claims, row, values, related)


def _visible(claims: Claims | None) -> Any:
    """Public calls; private ones for the team, and for who says its hash."""
    shown = queries.of_visible_events(SpeakersCall)(claims)
    if shown is True:
        return True
    is_told = and_(SpeakersCall.hash != "", SpeakersCall.hash == said_hash())
    public = and_(shown, or_(SpeakersCall.privacy.is_(None), SpeakersCall.privacy != "private", is_told))
    if claims is None:
        return public
    return or_(public, SpeakersCall.event_id.in_(queries.events_of_team(claims, "team")))


speakers_calls = of_event(
    "speakers-call",
    SpeakersCall,
    visible=_visible,
    levels={"coorganizer": queries.runs(SpeakersCall.event_id)},
    prepare=_prepare,
)

create_speakers_call, get_speakers_call = speakers_calls.create, speakers_calls.fetch
update_speakers_call, delete_speakers_call = speakers_calls.update, speakers_calls.delete
get_speakers_call_of_event = events.fetch_related("speakers-call")
get_event_of_speakers_call = speakers_calls.fetch_related("event")
