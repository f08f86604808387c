"""The handlers of the notes service."""

from typing import Any

import flask
from sqlalchemy import func, insert, select, text

from chassis import db
from chassis.auth import Claims
from chassis.errors import Conflict, Unavailable
from chassis.idempotency import answered
from chassis.responses import JSON, respond
from chassis.tests.notes.main import notes


class WallFull(Conflict):
    code = "wall-full"


def pin_note(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """The wall takes three notes."""
    wanted = body["data"]["attributes"]["text"]
    with db.transaction() as session:
        session.execute(text("LOCK TABLE notes IN EXCLUSIVE MODE"))
        if session.execute(select(func.count()).select_from(notes)).scalar_one() >= 3:
            raise WallFull("The wall has three notes already.", meta={"notes": 3})
        id_ = session.execute(
            insert(notes).values(author=token_info.user_id, text=wanted).returning(notes.c.id)
        ).scalar_one()
        document = {"data": {"type": "note", "id": str(id_), "attributes": {"text": wanted}}}
        return answered(session, document, 201, {"Location": f"/v1/notes/{id_}"})


def count_notes(token_info: Claims | None) -> flask.Response:
    """How many notes hang there, and who asks."""
    with db.transaction() as session:
        count = session.execute(select(func.count()).select_from(notes)).scalar_one()
    return respond({"meta": {"count": count, "caller": token_info.user_id if token_info else None}}, media_type=JSON)


def clear_wall(token_info: Claims) -> flask.Response:
    """Takes all notes off."""
    with db.transaction() as session:
        session.execute(notes.delete())
        return answered(session, {"meta": {"message": "The wall is empty."}})


def fail(kind: str) -> flask.Response:
    """Fails in many ways."""
    if kind == "mistake":
        raise ZeroDivisionError("secret detail")
    if kind == "down":
        raise Unavailable("Come back later.", retry_after_seconds=7)
    if kind == "driver":
        db.look("SELECT %s::text", ["secret \x00"])
    with db.transaction() as session:
        if kind == "value":
            session.execute(text("SELECT CAST(:given AS date)"), {"given": "secret"})
        session.execute(text("SELECT 1 / 0"))
    return respond({})
