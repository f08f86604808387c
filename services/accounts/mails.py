"""The mails that accounts writes: plain words, one link, and the bare token for those who use the API themselves."""

from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from chassis.mail import Mail, queue_mail
from chassis.mail_message import one_line
from services.accounts import config
from services.accounts.models import User

NAMELESS = "Hello,"
LONGEST_NAME = 60


@dataclass(frozen=True)
class _Letter:
    """What a mail says: a sentence that follows the greeting, a link with its words, and paragraphs below it.

    `number` tells one letter of its kind from the next to the same user. `is_nameless`: it goes to an unproven address.
    """

    kind: str
    number: int
    subject: str
    sentence: str
    link: tuple[str, str] | None
    after: tuple[str, ...]
    is_nameless: bool = False


def send_verification(db: Session, user: User, token: str, *, number: int, hours: int) -> None:
    """Asks the owner of the address to confirm it."""
    letter = _Letter(
        "verify-email",
        number,
        subject="Please confirm your e-mail address",
        sentence="please confirm that this address is yours. Then you can publish events and order free tickets.",
        link=("Confirm my address", _link("/verify", token)),
        after=(
            f"The link is valid for {hours} hours and works once. If you did not sign up, you can ignore this mail.",
            f"For API users, the token is: {token}",
        ),
        is_nameless=True,
    )
    _send(db, user, user.email, letter)


def send_reset(db: Session, user: User, token: str, *, number: int) -> None:
    """Lets the owner of the address choose a new password."""
    letter = _Letter(
        "reset-password",
        number,
        subject="Choose a new password",
        sentence="somebody, hopefully you, asked for a new password for your account.",
        link=("Choose a new password", _link("/reset-password", token)),
        after=(
            "The link is valid for one hour and works once. If it was not you, ignore this mail: your password stays.",
            f"For API users, the token is: {token}",
        ),
    )
    _send(db, user, user.email, letter)


def send_password_changed(db: Session, user: User) -> None:
    """Tells the owner, who may not have done it."""
    letter = _Letter(
        "password-changed",
        user.version,
        subject="Your password was changed",
        sentence="the password of your account was changed, and all other devices were logged out.",
        link=("I did not do this", f"{config.current().frontend_url}/forgot-password"),
        after=("If it was you, there is nothing left to do.",),
    )
    _send(db, user, user.email, letter)


def send_email_changed(db: Session, user: User, old_email: str) -> None:
    """Tells the old address, whose owner may not have done it."""
    letter = _Letter(
        "email-changed",
        user.version,
        subject="Your e-mail address was changed",
        sentence="your account now uses another e-mail address. This one is no longer used to log in.",
        link=None,
        after=("If it was not you, please answer the support of this platform at once.",),
    )
    _send(db, user, old_email, letter)


def about(user: User) -> str:
    """What all mails to this person are about, also those to an address of before."""
    return f"user:{user.id}"


def _send(db: Session, user: User, recipient: str, letter: _Letter) -> None:
    greeting, link = NAMELESS if letter.is_nameless else _greeting(user), letter.link
    lines = [greeting, letter.sentence, *([f"{link[0]}:\n{link[1]}"] if link else []), *letter.after]
    button = f'<p><a href="{escape(link[1])}">{escape(link[0])}</a></p>' if link else ""
    paragraphs = "".join(f"<p>{escape(each)}</p>" for each in letter.after)
    html = f"<html><body><p>{escape(greeting)}</p><p>{escape(letter.sentence)}</p>{button}{paragraphs}</body></html>"
    text = "\n\n".join(lines) + "\n"
    queue_mail(db, Mail(letter.kind, recipient, about(user), letter.subject, text, html, version=letter.number))


def _greeting(user: User) -> str:
    """By name only where the address is proven: or anybody could have us mail words of theirs to anybody."""
    name = one_line(user.first_name or user.public_name or "")[:LONGEST_NAME] if user.is_verified else ""
    return f"Hello {name}," if name else NAMELESS


def _link(path: str, token: str) -> str:
    return f"{config.current().frontend_url}{path}?{urlencode({'token': token})}"
