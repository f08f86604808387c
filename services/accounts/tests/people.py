"""People for tests: signed up and logged in as anybody would be, then given what they need directly."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from chassis.db import transaction
from chassis.mail import mail
from services.accounts.models import User

PASSWORD = "correct-horse"


@dataclass(frozen=True)
class Person:
    """Somebody who has logged in: `client` asks as them."""

    id: int
    email: str
    access_token: str
    refresh_token: str
    client: Any

    @property
    def path(self) -> str:
        return f"/v1/users/{self.id}"


def sign_up(client: Any, email: str = "ann@example.com", **attributes: Any) -> int:
    """A new user's id."""
    document = {"data": {"type": "user", "attributes": {"email": email, "password": PASSWORD, **attributes}}}
    answer = client.post("/v1/users", json=document)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["data"]["id"])


def set_flags(user_id: int, **values: Any) -> None:
    """Writes columns of a user directly."""
    with transaction() as db:
        db.execute(sa.update(User).where(User.id == user_id).values(**values))


def log_in(client: Any, email: str = "ann@example.com", password: str = PASSWORD) -> Any:
    """The answer of a login."""
    return client.post("/auth/session", json={"username": email, "password": password})


def somebody(client: Any, email: str = "ann@example.com", **flags: Any) -> Person:
    """A person who has signed up, got these flags, and logged in."""
    user_id = sign_up(client, email)
    if flags:
        set_flags(user_id, **flags)
    answer = log_in(client, email)
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    access = tokens["access_token"]
    return Person(user_id, email, access, tokens["refresh_token"], client.with_token(access))


def admin(client: Any, email: str = "admin@example.com") -> Person:
    """A server admin."""
    return somebody(client, email, is_admin=True, is_verified=True)


def super_admin(client: Any, email: str = "root@example.com") -> Person:
    """A super admin."""
    return somebody(client, email, is_admin=True, is_super_admin=True, is_verified=True)


def changes(person: Person, **attributes: Any) -> dict[str, Any]:
    """The body of a PATCH of this user; attribute names underscored."""
    dashed = {name.replace("_", "-"): value for name, value in attributes.items()}
    return {"data": {"type": "user", "id": str(person.id), "attributes": dashed}}


def mails(kind: str | None = None) -> list[Any]:
    """The queued mails, oldest first."""
    with transaction() as db:
        rows = db.execute(sa.select(mail).order_by(mail.c.id)).all()
    return [row for row in rows if kind is None or row.kind == kind]


def mailed_token(kind: str) -> str:
    """The token in the newest mail of this kind."""
    found: str = mails(kind)[-1].text.rpartition("the token is: ")[2].strip()
    return found
