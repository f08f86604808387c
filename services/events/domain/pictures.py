"""What counts as a picture."""

import base64
import binascii
import re

from chassis.errors import Unprocessable

_DATA_URL = re.compile(r"data:[a-z]+/[a-z0-9.+-]+;base64,(?P<content>[A-Za-z0-9+/=\s]+)\Z")
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}


class NotAPicture(Unprocessable):
    code = "picture-invalid"


def decode(data_url: str, most_bytes: int) -> tuple[str, bytes]:
    """Media type and bytes of a data URL. The type is what the bytes are, not what is claimed: no SVG, no HTML."""
    found = _DATA_URL.match(data_url)
    try:
        content = base64.b64decode(found["content"], validate=False) if found else b""
    except (binascii.Error, ValueError):
        content = b""
    if len(content) > most_bytes:
        raise NotAPicture(f"A picture has {most_bytes // 1000} kB at most.", source={"pointer": "/data"})
    kind = content_type(content)
    if kind is None:
        raise NotAPicture("Send a JPEG, PNG, GIF or WebP picture as a data URL.", source={"pointer": "/data"})
    return kind, content


def content_type(content: bytes) -> str | None:
    """The media type by the first bytes; None for anything but the four kinds of pictures."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None
