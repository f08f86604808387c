"""Sessions that users want to see."""

from typing import Any

import flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.db import transaction
from chassis.errors import Conflict
from chassis.jsonapi import Resource, tagged
from services.events import queries
from services.events.api.events import events
from services.events.api.of_event import SPEC
from services.events.models import EventSession, UserFavouriteSession


def _visible(claims: Claims | None) -> Any:
    """One's own: so a session's to-one relation `favourite` is that of the caller."""
    return claims is not None and UserFavouriteSession.user_id == claims.user_id


def _before_create(db: Session, claims: Claims, values: dict[str, Any], related: dict[str, Any]) -> None:
    values["user_id"] = claims.user_id
    known = db.query(UserFavouriteSession.id).filter_by(session_id=related.get("session"), user_id=claims.user_id)
    if known.first() is not None:
        raise Conflict("This session is among your favourites already.", code="already-favourite")


favourites = Resource(
    "user-favourite-session", UserFavouriteSession, spec=SPEC, visible=_visible, before_create=_before_create
)

list_user_favourite_sessions, create_user_favourite_session = favourites.fetch_page, favourites.create
get_user_favourite_session, delete_user_favourite_session = favourites.fetch, favourites.delete
get_session_of_user_favourite_session = favourites.fetch_related("session")
get_user_of_user_favourite_session = favourites.fetch_related("user")


def list_favourites_of_event(identifier: str, token_info: Claims | None = None) -> flask.Response:
    """One's favourites among the sessions of an event."""
    with transaction() as db:
        event = events.find(db, identifier, token_info)
        of_event = queries.alone(select(EventSession.id).where(EventSession.event_id == event.id))
        return tagged(favourites.page(db, token_info, UserFavouriteSession.session_id.in_(of_event)))


def list_favourites_of_event_too(identifier: str, token_info: Claims | None = None) -> flask.Response:
    """The same under its other name."""
    return list_favourites_of_event(identifier, token_info)
