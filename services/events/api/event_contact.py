"""Messages to those who run an event."""

from typing import Any

import flask
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.db import run
from chassis.idempotency import answered
from chassis.responses import JSON
from services.events import inquiries
from services.events.api.events import events


def contact_organizer(identifier: str, body: dict[str, Any], token_info: Claims) -> flask.Response:
    """POST: whoever sees the event may ask its organizers something."""

    def work(db: Session) -> flask.Response:
        inquiries.ask(db, token_info, events.find(db, identifier, token_info), body["email"])
        return answered(db, {"success": True}, media_type=JSON)

    return run(work)
