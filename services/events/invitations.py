"""Invitations to a team: who may invite whom, and what happens when somebody accepts."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.errors import Conflict, Forbidden, Gone, NotFound, Unprocessable
from chassis.mail import Mail, queue_mail
from services.events import commands, config, queries
from services.events.domain.roles import IDS, NAMES, OWNER, TITLES
from services.events.models import Event, Role, RoleInvite, User, UsersEventsRoles

Values = dict[str, Any]


def invite(db: Session, claims: Claims, values: Values, related: Values) -> RoleInvite:
    """Invites an address to a role and mails it the link. Organizers invite; only the owner offers ownership.

    Raises Unprocessable (422) when role and role-name differ, Conflict (409) for an address that is invited already.
    """
    event = queries.event_for(db, claims, related.get("event"), "organizer", lock=True)
    role = _role(db, values, related)
    if role.id == OWNER:
        queries.require(db, claims, event.id, "owner")
        pending = select(RoleInvite.id).where(
            RoleInvite.event_id == event.id, RoleInvite.role_id == OWNER, RoleInvite.status == "pending"
        )
        db.execute(delete(RoleInvite).where(RoleInvite.id.in_(pending)))
    email = values["email"].strip()
    _check_not_invited(db, event.id, email)
    _check_not_held(db, event.id, email, role)
    token = secrets.token_urlsafe(32)
    made = RoleInvite(
        event_id=event.id,
        email=email,
        role_id=role.id,
        role_name=role.name,
        token_hash=digest(token),
        invited_by_id=claims.user_id,
        expires_at=clock.now() + timedelta(days=config.current().invite_days),
    )
    db.add(made)
    db.flush()
    _mail(db, made, event, token, version=1)
    return made


def resend(db: Session, claims: Claims, made: RoleInvite) -> None:
    """The mail once more, with a new token and more time."""
    queries.require(db, claims, made.event_id, "organizer")
    if made.status != "pending":
        raise Conflict("This invitation was answered already.", code="invite-answered")
    token = secrets.token_urlsafe(32)
    made.token_hash = digest(token)
    made.expires_at = clock.now() + timedelta(days=config.current().invite_days)
    _mail(db, made, queries.event_of(db, made), token, version=int(made.expires_at.timestamp()))


def of_token(db: Session, token: str, *, lock: bool = False) -> RoleInvite:
    """The pending invitation of this token. Raises NotFound for an unknown one, Gone (410) for one that is over."""
    found = select(RoleInvite).where(RoleInvite.token_hash == digest(token))
    made = db.scalars(found.with_for_update() if lock else found).first()
    if made is None:
        raise NotFound("There is no such invitation. Perhaps a newer one was sent.", code="invite-unknown")
    if made.status != "pending":
        raise Gone("This invitation was used already.", code="invite-used")
    if made.expires_at <= clock.now():
        raise Gone("This invitation has expired. Please ask for a new one.", code="invite-expired")
    return made


def accept(db: Session, claims: Claims, token: str) -> tuple[RoleInvite, Event]:
    """Gives the caller the role. Raises Forbidden (403) for another address, or one that is not confirmed."""
    event_id = of_token(db, token).event_id
    event = db.scalars(
        select(Event).where(Event.id == event_id, Event.deleted_at.is_(None)).with_for_update(of=Event)
    ).first()
    made = of_token(db, token, lock=True)
    if event is None:
        raise Gone("The event of this invitation is gone.", code="invite-expired")
    if claims.email.strip().lower() != made.email.lower():
        raise Forbidden("This invitation is for another address. Please log in with that one.", code="invite-foreign")
    if not claims.is_verified:
        raise Forbidden("Please confirm your e-mail address first.", code="unverified-user")
    made.status, made.accepted_at = "accepted", clock.now()
    if made.role_id == OWNER:
        commands.transfer(db, event, claims.user_id)
    else:
        commands.give_role(db, event.id, claims.user_id, made.role_id)
    return made, event


def check_deletion(db: Session, claims: Claims, made: RoleInvite) -> None:
    """Organizers delete invitations that nobody has accepted (else 409)."""
    queries.require(db, claims, made.event_id, "organizer")
    if made.status == "accepted":
        raise Conflict("This invitation was accepted; remove the role instead.", code="invite-accepted")


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def _role(db: Session, values: Values, related: Values) -> Role:
    name, role_id = values.get("role_name"), related.get("role")
    if role_id is None and name in IDS:
        role_id = IDS[name]
    role = db.get(Role, role_id) if role_id is not None else None
    if role is None or role.id not in NAMES:
        raise Unprocessable(
            "Say which role this is about.", code="role-missing", source={"pointer": "/data/relationships/role"}
        )
    if name is not None and name != role.name:
        raise Unprocessable(
            f"The role is {role.name}, but role-name says {name}.",
            code="role-name-mismatch",
            source={"pointer": "/data/attributes/role-name"},
        )
    return role


def _check_not_invited(db: Session, event_id: int, email: str) -> None:
    pending = select(RoleInvite.id).where(
        RoleInvite.event_id == event_id, func.lower(RoleInvite.email) == email.lower(), RoleInvite.status == "pending"
    )
    if db.scalars(pending).first() is not None:
        raise Conflict(
            "This address is invited already.", code="invite-exists", source={"pointer": "/data/attributes/email"}
        )


def _check_not_held(db: Session, event_id: int, email: str, role: Role) -> None:
    held = (
        select(UsersEventsRoles.id)
        .join(User, User.id == UsersEventsRoles.user_id)
        .where(
            UsersEventsRoles.event_id == event_id,
            UsersEventsRoles.role_id == role.id,
            func.lower(User.email) == email.lower(),
        )
    )
    if db.scalars(held).first() is not None:
        raise Conflict(
            "This person has that role already.", code="role-held", source={"pointer": "/data/attributes/email"}
        )


def _mail(db: Session, made: RoleInvite, event: Event, token: str, *, version: int) -> None:
    link = f"{config.current().frontend_url}/role-invites?token={quote(token)}"
    title = TITLES[made.role_id]
    subject = f"{event.name}: you are invited as {title.lower()}"
    text = (
        f"You are invited to the team of “{event.name}” as {title.lower()}.\n\n"
        f"To accept, open this link and log in with {made.email}:\n{link}\n\n"
        f"The invitation ends on {made.expires_at:%Y-%m-%d}. If you do not know what this is about, ignore it.\n"
    )
    queue_mail(db, Mail("role-invite", made.email, f"invite-{made.id}", subject, text, version=version))
