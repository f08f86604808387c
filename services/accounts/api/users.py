"""The JSON:API type `user`, and the small questions around it."""

from typing import Any

import flask
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.errors import BadRequest
from chassis.idempotency import answered
from chassis.jsonapi import Query, Resource, current_query, viewer_of
from chassis.jsonapi.finding import find
from chassis.responses import JSON, JSON_API, respond
from services.accounts import clients, hashing, messages, queries
from services.accounts.api.callers import client_address
from services.accounts.api.document import SPEC
from services.accounts.commands import erasure, people
from services.accounts.commands.people import Account
from services.accounts.domain import policy
from services.accounts.domain.emails import read_address
from services.accounts.domain.passwords import read_new_password
from services.accounts.limits import limits, take
from services.accounts.models import User

TEAM_ROLES = ("owner", "organizer", "coorganizer", "track_organizer", "moderator", "registrar")
AT_SIGN_UP = frozenset({"email", "password", *people.POWERS, "is_verified", "is_blocked"})


def _has(role: str) -> Any:
    return lambda user: role in user.team_roles


def _flag(role: str) -> str:
    return f"is-user-{role.replace('_', '-')}"


def _before_update(db: Session, claims: Claims, user: User, values: dict[str, Any], _: dict[str, Any]) -> None:
    people.read_changes(db, claims, user, values)


users = Resource(
    "user",
    User,
    spec=SPEC,
    visible=queries.visible_to_owner(User.id),
    columns={_flag(role): User.team_roles.any_() == role for role in TEAM_ROLES},
    computed={_flag(role): _has(role) for role in TEAM_ROLES},
    links={
        "favourite-events": "/v1/users/{id}/user-favourite-events",
        "favourite-sessions": "/v1/users/{id}/user-favourite-sessions",
    },
    before_update=_before_update,
    after_change=messages.tell_user_changed,
)
list_users, get_user = users.fetch_page, users.fetch


def create_user(body: dict[str, Any]) -> flask.Response:
    """POST /v1/users: sign-up. What only admins or the server set is ignored here."""
    incoming = users.read(body)
    address = read_address(incoming.values.get("email"))
    password = read_new_password(incoming.values.get("password"), "/data/attributes/password")
    take(limits().sign_up, client_address())
    account = Account(address, hashing.hash_password(password))
    profile = {name: value for name, value in incoming.values.items() if name not in AT_SIGN_UP and value is not None}

    def work(db: Session) -> flask.Response:
        user = people.sign_up(db, account, profile)
        document = users.document(db, user, _as_themselves(user))
        return answered(db, document, 201, {"Location": users.location(user)})

    return run(work)


def update_user(user_id: str, body: dict[str, Any], token_info: Claims) -> flask.Response:
    """PATCH /v1/users/{user_id}. A new address gets a mail, and is counted as one that was asked for."""
    _count_mail(user_id, body, token_info)
    return users.update(body=body, token_info=token_info, user_id=user_id)


def delete_user(user_id: str, token_info: Claims) -> flask.Response:
    """DELETE /v1/users/{user_id}; ``permanent=true`` erases, at once and for good.

    Orders is asked first whether the user still expects to go somewhere, outside of the transaction as every call. Who
    buys in the moment in between is deleted all the same: the order stays, as after an erasure.
    """
    query = current_query()
    if not query.is_permanent:
        _require_nothing_coming(user_id, token_info, query)

    def work(db: Session) -> flask.Response:
        user, _ = find(db, viewer_of(token_info, query), users, user_id, lock=True)
        users.require_unchanged(db, user, token_info)
        if query.is_permanent:
            policy.require_erasable(token_info, user)
        if user.deleted_at is None:
            people.delete_user(db, token_info, user)
        if query.is_permanent and user.erased_at is None:
            erasure.erase(db, user)
        sentence = "The user was erased." if query.is_permanent else "The user was deleted."
        return answered(db, {"meta": {"message": sentence}, "jsonapi": {"version": "1.0"}})

    return run(work)


def check_email(body: dict[str, Any]) -> flask.Response:
    """POST /v1/users/check_email: sign-up forms ask this. It tells who has an account, so it is limited per address."""
    return respond({"exists": _exists(body)}, media_type=JSON)


def check_email_availability(body: dict[str, Any]) -> flask.Response:
    """POST /v1/users/checkEmail: the same for older clients, which read `result`."""
    exists = _exists(body)
    return respond({"exists": exists, "result": str(exists)}, media_type=JSON_API)


def get_own_id(token_info: Claims) -> flask.Response:
    """GET /v1/users/user-details/get-user-id."""
    return respond({"user_id": str(token_info.user_id)}, media_type=JSON)


def _count_mail(user_id: str, body: dict[str, Any], claims: Claims) -> None:
    """Before the transaction that changes the address, as all counting; not for what is refused without a mail."""
    given = users.read(body, partial=True).values.get("email")
    if given is None or not claims.is_fresh:
        return
    with transaction() as db:
        user, _ = find(db, viewer_of(claims, current_query()), users, user_id)
        policy.require_power_over(claims, user)
        address = read_address(given)
        is_new = people.is_new_address(user, address)
    if is_new:
        take(limits().mail_from_address, client_address())
        take(limits().mail_to_account, address.key)


def _require_nothing_coming(user_id: str, claims: Claims, query: Query) -> None:
    """Raises UserHasOrders (409); and first of all whatever refuses this caller, so that only who may delete learns it."""
    with transaction() as db:
        user, _ = find(db, viewer_of(claims, query), users, user_id)
        policy.require_deletable(claims, user)
        number, is_deleted = user.id, user.deleted_at is not None
    if not is_deleted and (orders := clients.coming_orders_of(number)):
        raise people.UserHasOrders(orders)


def _exists(body: Any) -> bool:
    given = body.get("email") if isinstance(body, dict) else None
    if not isinstance(given, str) or not given.strip():
        raise BadRequest("An e-mail address is needed.", code="email-missing", source={"pointer": "/email"})
    take(limits().email_check, client_address())
    with transaction() as db:
        return queries.living_user(db, given) is not None


def _as_themselves(user: User) -> Claims:
    """Whoever signs up sees what they wrote, although nobody is logged in yet."""
    return Claims(user.id, user.email, "user", False, "", True, "", 0.0, 0.0)
