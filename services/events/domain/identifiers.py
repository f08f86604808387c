"""How events and texts are called in paths."""

import re
import secrets
import unicodedata


def new_event_identifier() -> str:
    """Eight hexadecimal digits with at least one letter, so that nobody takes it for a number."""
    while True:
        identifier = secrets.token_hex(4)
        if not identifier.isdigit():
            return identifier


def slug(name: str) -> str:
    """“Film & Media” as film-media; letters of every script stay."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[^\w]+", "-", plain).strip("-")[:200] or "other"
