"""The mails that accounts writes: plain words, one link, and the bare token for those who use the API themselves."""

from html import escape
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from chassis.mail import queue_mail
from services.accounts.models import User

_frontend_url = ""


def configure(frontend_url: str) -> None:
    """Takes over where mailed links lead."""
    global _frontend_url
    _frontend_url = frontend_url.rstrip("/")


def send_verification(db: Session, user: User, token: str, *, number: int, hours: int) -> None:
    """Asks the owner of the address to confirm it."""
    _send(
        db,
        user.email,
        kind="verify-email",
        about=f"user:{user.id}",
        number=number,
        subject="Please confirm your e-mail address",
        greeting=_greeting(user),
        before="please confirm that this address is yours. Then you can publish events and order free tickets.",
        link=("Confirm my address", _link("/verify", token)),
        after=(
            f"The link is valid for {hours} hours and works once. If you did not sign up, you can ignore this mail.",
            f"For API users, the token is: {token}",
        ),
    )


def send_reset(db: Session, user: User, token: str, *, number: int) -> None:
    """Lets the owner of the address choose a new password."""
    _send(
        db,
        user.email,
        kind="reset-password",
        about=f"user:{user.id}",
        number=number,
        subject="Choose a new password",
        greeting=_greeting(user),
        before="somebody, hopefully you, asked for a new password for your account.",
        link=("Choose a new password", _link("/reset-password", token)),
        after=(
            "The link is valid for one hour and works once. If it was not you, ignore this mail: your password stays.",
            f"For API users, the token is: {token}",
        ),
    )


def send_password_changed(db: Session, user: User) -> None:
    """Tells the owner, who may not have done it."""
    _send(
        db,
        user.email,
        kind="password-changed",
        about=f"user:{user.id}",
        number=user.version,
        subject="Your password was changed",
        greeting=_greeting(user),
        before="the password of your account was changed, and all other devices were logged out.",
        link=("I did not do this", f"{_frontend_url}/forgot-password"),
        after=("If it was you, there is nothing left to do.",),
    )


def send_email_changed(db: Session, user: User, old_email: str) -> None:
    """Tells the old address, whose owner may not have done it."""
    _send(
        db,
        old_email,
        kind="email-changed",
        about=f"user:{user.id}",
        number=user.version,
        subject="Your e-mail address was changed",
        greeting=_greeting(user),
        before="your account now uses another e-mail address. This one is no longer used to log in.",
        link=None,
        after=("If it was not you, please answer the support of this platform at once.",),
    )


def _send(
    db: Session,
    recipient: str,
    *,
    kind: str,
    about: str,
    number: int,
    subject: str,
    greeting: str,
    before: str,
    link: tuple[str, str] | None,
    after: tuple[str, ...],
) -> None:
    lines = [greeting, before, *([f"{link[0]}:\n{link[1]}"] if link else []), *after]
    button = f'<p><a href="{escape(link[1])}">{escape(link[0])}</a></p>' if link else ""
    paragraphs = "".join(f"<p>{escape(each)}</p>" for each in after)
    html = f"<html><body><p>{escape(greeting)}</p><p>{escape(before)}</p>{button}{paragraphs}</body></html>"
    queue_mail(
        db,
        kind=kind,
        recipient=recipient,
        about=about,
        version=number,
        subject=subject,
        text="\n\n".join(lines) + "\n",
        html=html,
    )


def _greeting(user: User) -> str:
    name = user.first_name or user.public_name
    return f"Hello {name}," if name else "Hello,"


def _link(path: str, token: str) -> str:
    return f"{_frontend_url}{path}?{urlencode({'token': token})}"
