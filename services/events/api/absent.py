"""What existing clients ask for and this platform does not have: an empty page, so that their pages stand."""

from collections.abc import Callable
from typing import Any

import flask

from chassis.auth import Claims
from chassis.db import transaction
from chassis.jsonapi import Resource, tagged
from services.events import queries
from services.events.api.events import events
from services.events.api.sessions import sessions
from services.events.api.users import check_self


def _nothing_of(resource: Resource[Any], value: str, claims: Claims | None, check: str | None = None) -> flask.Response:
    with transaction() as db:
        row = resource.find(db, value, claims)
        if check is not None and claims is not None:
            queries.require(db, claims, row.id, check)
    return _nothing()


def _nothing() -> flask.Response:
    links = {"self": flask.request.full_path.rstrip("?")}
    return tagged({"data": [], "links": links, "meta": {"count": 0}, "jsonapi": {"version": "1.0"}})


def _of_events(check: str | None = None) -> Callable[..., flask.Response]:
    def list_nothing(identifier: str, token_info: Claims | None = None) -> flask.Response:
        return _nothing_of(events, identifier, token_info, check)

    return list_nothing


list_badge_forms = _of_events()
list_stations = _of_events()
list_speaker_invites = _of_events()
list_event_invoices = _of_events("coorganizer")


def list_speaker_invites_of_session(id_: str, token_info: Claims | None = None) -> flask.Response:
    """Speakers are not invited by mail here."""
    return _nothing_of(sessions, id_, token_info)


def list_favourite_events_of_user(user_id: str, token_info: Claims | None = None) -> flask.Response:
    """Only sessions can be favourites here."""
    return _nothing_of_user(user_id, token_info)


def list_event_invoices_of_user(user_id: str, token_info: Claims | None = None) -> flask.Response:
    """The platform sends organizers no invoices."""
    return _nothing_of_user(user_id, token_info)


def _nothing_of_user(user_id: str, claims: Claims | None) -> flask.Response:
    check_self(user_id, claims)
    return _nothing()
