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
        """What an answer to this origin carries. Caches keep answers: where origins differ, every answer says so, and where
        they do not, everybody gets the same, also who names none.
        """
        if self._any:
            return _allowing(b"*")
        varying: Headers = [(b"vary", b"Origin")]
        return [*_allowing(origin), *varying] if origin is not None and self._may(origin) else varying

    def preflight(self, origin: bytes | None, methods: set[str]) -> Headers:
        """What a browser may do next, beside `headers`."""
        if origin is None or not self._may(origin):
            return []
        return [
            (b"access-control-allow-methods", ", ".join(sorted(methods | {"OPTIONS"})).encode()),
            (b"access-control-allow-headers", ALLOWED_HEADERS),
            (b"access-control-max-age", b"7200"),
        ]

    def _may(self, origin: bytes) -> bool:
        return self._any or origin.decode("latin-1") in self._origins


def _allowing(origin: bytes) -> Headers:
    return [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED_HEADERS)]
