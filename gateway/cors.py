"""Which browsers may call. No cookies are used, so an origin gets no more than anybody else with the same token."""

from collections.abc import Sequence

Headers = list[tuple[bytes, bytes]]

ALLOWED_HEADERS = (
    b"authorization, content-type, accept, if-match, if-none-match, idempotency-key, x-csrf-token, x-request-id"
)
EXPOSED_HEADERS = b"etag, location, retry-after, x-request-id, idempotent-replayed, content-disposition"


class Cors:
    """`origins` lists those that may call, or is ["*"]."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origins)

    def headers(self, origin: bytes | None) -> Headers:
        """What an answer to this origin carries; nothing for strangers and for non-browsers."""
        if origin is None or not (self._any or origin.decode("latin-1") in self._origins):
            return []
        allowed = b"*" if self._any else origin
        return [
            (b"access-control-allow-origin", allowed),
            (b"access-control-expose-headers", EXPOSED_HEADERS),
            (b"vary", b"Origin"),
        ]

    def preflight(self, origin: bytes | None, methods: set[str]) -> Headers:
        """What a browser may do next, beside `headers`."""
        if not self.headers(origin):
            return []
        return [
            (b"access-control-allow-methods", ", ".join(sorted(methods | {"OPTIONS"})).encode()),
            (b"access-control-allow-headers", ALLOWED_HEADERS),
            (b"access-control-max-age", b"7200"),
        ]
