"""One event, fast: the page that everybody opens.

The plain document of an event depends on the event's row alone. Every change of the row raises its version, but for the
sales figures: those are compared too. So each process keeps encoded documents by event and level, and asks the database
only for version and figures, and who is asking: one statement without a transaction. Includes and sparse
fields take the ordinary way.
"""

import threading
from collections import OrderedDict
from typing import Any

import flask

from chassis import db
from chassis.auth import Claims
from chassis.errors import NotFound
from chassis.jsonapi import etag
from chassis.jsonapi.etag import is_named
from chassis.responses import JSON_API, respond
from services.events.domain.roles import passes
from services.events.models import Event

REMEMBERED = 5_000

_STATEMENT = """
SELECT e.id, e.version, e.completed_order_sales, e.completed_order_tickets, e.placed_order_sales, e.placed_order_tickets,
  e.state = 'published',
  (SELECT array_agg(r.role_id) FROM users_events_roles r WHERE r.event_id = e.id AND r.user_id = %s)
FROM events e WHERE {} = %s AND e.deleted_at IS NULL
"""
_BY_ID, _BY_IDENTIFIER = _STATEMENT.format("e.id"), _STATEMENT.format("e.identifier")

Stamp = tuple[int, ...]  # version, and the figures of completed and placed orders

_lock = threading.Lock()
_bodies: OrderedDict[tuple[int, bool], tuple[Stamp, bytes, str]] = OrderedDict()


def forget_all() -> None:
    """Forgets everything (tests start their tables anew)."""
    with _lock:
        _bodies.clear()


def get_event(resource: Any, identifier: str, claims: Claims | None) -> flask.Response:
    """GET of one event. Raises NotFound for what is not there, or not for this caller."""
    if flask.request.query_string:
        answer: flask.Response = resource.fetch(token_info=claims, identifier=identifier)
        return answer
    event_id, stamp, runs_event = _look(identifier, claims)
    kept = _bodies.get((event_id, runs_event))
    if kept is None or kept[0] != stamp:
        return _remembered(resource, event_id, stamp, runs_event, identifier, claims)
    return _answer(kept[1], kept[2])


def _look(identifier: str, claims: Claims | None) -> tuple[int, Stamp, bool]:
    user_id = 0 if claims is None else claims.user_id
    is_number = identifier.isascii() and identifier.isdigit()
    key = int(identifier[:18]) if is_number else identifier
    for event_id, *stamp, is_published, role_ids in db.look(_BY_ID if is_number else _BY_IDENTIFIER, (user_id, key)):
        is_admin = claims is not None and claims.is_admin
        if is_published or is_admin or passes("team", role_ids or ()):
            return event_id, tuple(stamp), is_admin or passes("coorganizer", role_ids or ())
    raise NotFound("There is no such event.")


def _remembered(
    resource: Any, event_id: int, stamp: Stamp, runs_event: bool, identifier: str, claims: Claims | None
) -> flask.Response:
    """The ordinary answer; kept when the row is still the one whose stamp was read before."""
    with db.transaction() as session:
        row = resource.find(session, identifier, claims)
        document = resource.document(session, row, claims)
        is_same = _stamp(row) == stamp
    body = respond(document).get_data()
    tag = etag(body)
    if is_same:
        with _lock:
            _bodies[event_id, runs_event] = (stamp, body, tag)
            while len(_bodies) > REMEMBERED:
                _bodies.popitem(last=False)
    return _answer(body, tag)


def _stamp(event: Event) -> Stamp:
    completed = (event.completed_order_sales, event.completed_order_tickets)
    return (event.version, *completed, event.placed_order_sales, event.placed_order_tickets)


def _answer(body: bytes, tag: str) -> flask.Response:
    wanted = flask.request.headers.get("If-None-Match")
    if wanted is not None and is_named(wanted, tag):
        return flask.Response(status=304, headers={"ETag": tag})
    return flask.Response(body, content_type=JSON_API, headers={"ETag": tag})
