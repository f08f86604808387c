"""What a new password has to be. Length is all that helps; the rest is chosen by the person."""

import unicodedata

from chassis.errors import Unprocessable

SHORTEST = 8
LONGEST = 1000  # more is an attempt to keep us busy


class WeakPassword(Unprocessable):
    code = "password-too-short"


def prepared(password: str) -> str:
    """The same password, however a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", password)


def read_new_password(given: object, pointer: str) -> str:
    """A password that may be set. Raises WeakPassword (422)."""
    if isinstance(given, str) and len(given) > LONGEST:  # first: preparing takes the square of the length
        raise WeakPassword(
            f"A password has at most {LONGEST} characters.", code="password-too-long", source={"pointer": pointer}
        )
    if not isinstance(given, str) or len(prepared(given)) < SHORTEST:
        raise WeakPassword(f"A password needs at least {SHORTEST} characters.", source={"pointer": pointer})
    return prepared(given)
