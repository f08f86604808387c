"""The types `notification` and `email-notification`: what a person was told, and which mails they want."""

from typing import Any

from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.errors import Unprocessable
from chassis.jsonapi import Resource
from services.accounts import queries
from services.accounts.api.document import SPEC
from services.accounts.api.users import users
from services.accounts.models import EmailNotification, Event, Notification

events = Resource("event", Event, spec=SPEC, visible=queries.events_of_caller)

notifications = Resource(
    "notification",
    Notification,
    spec=SPEC,
    visible=queries.visible_to_owner(Notification.user_id),
    columns={"received-at": "created_at"},
    sort="-id",
)
list_notifications, get_notification = notifications.fetch_page, notifications.fetch
update_notification, delete_notification = notifications.update, notifications.delete
get_user_of_notification = notifications.fetch_related("user")
get_user_linkage_of_notification = notifications.fetch_linkage("user")
list_notifications_of_user = users.fetch_related("notifications")
get_notifications_linkage_of_user = users.fetch_linkage("notifications")


def _own(db: Session, claims: Claims, values: dict[str, Any], related: dict[str, Any]) -> None:
    """Preferences belong to whoever makes them; admins may make them for others. They are about one event."""
    wanted = related.pop("user", None)
    values["user_id"] = wanted if wanted is not None and claims.is_admin else claims.user_id
    if related.get("event") is None:
        raise Unprocessable(
            "An event is needed.", code="event-missing", source={"pointer": "/data/relationships/event"}
        )


def _keep_owner(_db: Session, _claims: Claims, _row: Any, _values: dict[str, Any], related: dict[str, Any]) -> None:
    """Neither the person nor the event is changed: that would be another preference."""
    related.clear()


email_notifications = Resource(
    "email-notification",
    EmailNotification,
    spec=SPEC,
    visible=queries.visible_to_owner(EmailNotification.user_id),
    before_create=_own,
    before_update=_keep_owner,
)
list_email_notifications, get_email_notification = email_notifications.fetch_page, email_notifications.fetch
create_email_notification, update_email_notification = email_notifications.create, email_notifications.update
delete_email_notification = email_notifications.delete
get_user_of_email_notification = email_notifications.fetch_related("user")
get_user_linkage_of_email_notification = email_notifications.fetch_linkage("user")
get_event_of_email_notification = email_notifications.fetch_related("event")
get_event_linkage_of_email_notification = email_notifications.fetch_linkage("event")
list_email_notifications_of_user = users.fetch_related("email_notifications")
get_email_notifications_linkage_of_user = users.fetch_linkage("email_notifications")
