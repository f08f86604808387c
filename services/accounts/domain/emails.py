"""E-mail addresses: what counts as one, and what makes two of them the same."""

import re
import unicodedata
from dataclasses import dataclass

from chassis.errors import Unprocessable

LONGEST = 254
TYPED = 320  # letters may come decomposed; composing them takes the square of their number, so nothing longer is
_SHAPE = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@<>()\[\],;:\\\"/]+\.[^\s@<>()\[\],;:\\\"/.]{2,}")


class InvalidEmail(Unprocessable):
    code = "email-invalid"


@dataclass(frozen=True)
class Address:
    """`text` as its owner writes it, `key` as it is compared: nobody signs up twice by changing capitals."""

    text: str
    key: str


def read_address(given: object, pointer: str = "/data/attributes/email") -> Address:
    """The address that somebody typed. Raises InvalidEmail (422); whether it exists shows only by a mail."""
    text = _composed(given) if isinstance(given, str) and len(given.strip()) <= TYPED else ""
    printable = text.isprintable() and ".." not in text and not text.startswith(".") and ".@" not in text
    if len(text) > LONGEST or not printable or not _SHAPE.fullmatch(text) or text.rpartition("@")[2].startswith("."):
        raise InvalidEmail("This is not a valid e-mail address.", source={"pointer": pointer})
    return Address(text, key_of(text))


def key_of(text: str) -> str:
    """What an address is looked up by."""
    return _composed(text).casefold()[:LONGEST]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip()[:TYPED])
