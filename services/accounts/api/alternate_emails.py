"""The type `user-email`: other addresses of a person, for contact only."""

from typing import Any

from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.errors import Unprocessable
from chassis.jsonapi import Resource
from services.accounts import queries
from services.accounts.api.document import SPEC
from services.accounts.api.users import users
from services.accounts.domain.emails import read_address
from services.accounts.models import UserEmail


def _before_create(db: Session, claims: Claims, values: dict[str, Any], related: dict[str, Any]) -> None:
    wanted = related.pop("user", None)
    values["user_id"] = wanted if wanted is not None and claims.is_admin else claims.user_id
    if "type" not in values:
        raise Unprocessable("A type is needed.", code="type-missing", source={"pointer": "/data/attributes/type"})
    _read(values, is_needed=True)


def _before_update(
    _db: Session, _claims: Claims, _row: UserEmail, values: dict[str, Any], related: dict[str, Any]
) -> None:
    related.clear()
    _read(values, is_needed=False)


def _read(values: dict[str, Any], *, is_needed: bool) -> None:
    values.pop("user_id", None) if not is_needed else None
    if is_needed or "email_address" in values:
        address = read_address(values.get("email_address"), "/data/attributes/email-address")
        values["email_address"], values["email_key"] = address.text, address.key


user_emails = Resource(
    "user-email",
    UserEmail,
    spec=SPEC,
    visible=queries.visible_to_owner(UserEmail.user_id),
    before_create=_before_create,
    before_update=_before_update,
)
list_user_emails, get_user_email = user_emails.fetch_page, user_emails.fetch
create_user_email, update_user_email, delete_user_email = user_emails.create, user_emails.update, user_emails.delete
get_user_of_user_email = user_emails.fetch_related("user")
get_owner_of_user_email = user_emails.fetch_related("user")  # the same under an older path
get_user_linkage_of_user_email = user_emails.fetch_linkage("user")
list_alternate_emails_of_user = users.fetch_related("alternate_emails")
get_alternate_emails_linkage_of_user = users.fetch_linkage("alternate_emails")
