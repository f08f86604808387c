"""Copies of events."""

import flask
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.db import run
from chassis.idempotency import answered
from chassis.responses import JSON
from services.events.api.events import events
from services.events.copying import copy_event as copy


def copy_event(identifier: str, token_info: Claims) -> flask.Response:
    """POST: a draft with everything that would have to be typed again."""

    def work(db: Session) -> flask.Response:
        made = copy(db, token_info, events.find(db, identifier, token_info, lock=True))
        document = {"id": str(made.id), "identifier": made.identifier, "copied": True}
        return answered(db, document, media_type=JSON)

    return run(work)
