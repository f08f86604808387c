"""What we keep about a person, as one file for them."""

from typing import Any

import flask
import sqlalchemy as sa
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.db import transaction
from chassis.jsonapi.values import plain
from chassis.responses import JSON, respond
from services.accounts.api.users import users
from services.accounts.models import EmailNotification, LoginSession, Notification, User, UserEmail

SECRET = frozenset({"password_hash", "email_key"})
ELSEWHERE = ("orders", "attendees", "events", "sessions", "speakers", "feedbacks", "groups", "event-invoices")


def export_user(user_id: str, token_info: Claims) -> flask.Response:
    """GET /v1/users/{user_id}/export: for the person and admins."""
    with transaction() as db:
        user = users.find(db, user_id, token_info)
        document = {
            "user": _row(user),
            "sessions": _rows(db, LoginSession, user),
            "alternate-emails": _rows(db, UserEmail, user),
            "notifications": _rows(db, Notification, user),
            "email-notifications": _rows(db, EmailNotification, user),
            "elsewhere": [f"/v1/users/{user.id}/{name}" for name in ELSEWHERE],
        }
    name = f'attachment; filename="user-{user.id}.json"'
    return respond(document, headers={"Content-Disposition": name, "Cache-Control": "no-store"}, media_type=JSON)


def _rows(db: Session, model: Any, user: User) -> list[dict[str, Any]]:
    found = db.scalars(sa.select(model).where(model.user_id == user.id).order_by(model.id)).all()
    return [_row(each) for each in found]


def _row(row: Any) -> dict[str, Any]:
    names = [column.key for column in sa.inspect(type(row)).column_attrs if column.key not in SECRET]
    return {name.replace("_", "-"): plain(getattr(row, name)) for name in names}
