"""Lists as CSV. Clients start an export, poll its task, and open the file without a token: the path carries its own.

Nothing is stored: the token is signed, names what is exported, and is good for fifteen minutes.
"""

import base64
import csv
import hashlib
import hmac
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import flask
import orjson

from chassis import clock
from chassis.config import ServiceSettings
from chassis.errors import NotFound
from chassis.responses import JSON, respond

GOOD_FOR_SECONDS = 900
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")

Rows = Iterable[Sequence[Any]]


class Exports:
    """The exports of one service, below one path; `settings` has the secret that seals and the address of the gateway."""

    def __init__(self, path: str, settings: Callable[[], ServiceSettings]) -> None:
        self._path = path
        self._settings = settings

    def start(self, kind: str, number: int) -> flask.Response:
        """Says where the task is found. Whoever calls this has checked who asks."""
        until = int(clock.now().timestamp()) + GOOD_FOR_SECONDS
        return respond(
            {"task_url": f"{self._path}/{self._sign({'kind': kind, 'of': number, 'until': until})}"}, media_type=JSON
        )

    def state(self, token: str) -> flask.Response:
        """The task: it is always done, the file is made when it is fetched."""
        kind, _number = self._read(token)
        url = f"{self._settings().public_url}{self._path}/{token}/{kind}.csv"
        return respond({"state": "SUCCESS", "result": {"download_url": url}}, media_type=JSON)

    def file(self, token: str, name: str, rows: Mapping[str, Callable[[int], Rows]]) -> flask.Response:
        """The file; `rows` makes them, for each kind."""
        kind, number = self._read(token)
        if name != f"{kind}.csv":
            raise NotFound("There is no such file.")
        headers = {"Content-Disposition": f'attachment; filename="{kind}.csv"', "Cache-Control": "no-store"}
        content = as_csv(rows[kind](number))
        return flask.Response(content, headers=headers, content_type="text/csv; charset=utf-8")

    def _sign(self, claims: Mapping[str, Any]) -> str:
        payload = base64.urlsafe_b64encode(orjson.dumps(claims)).decode().rstrip("=")
        return f"{payload}.{self._seal(payload)}"

    def _read(self, token: str) -> tuple[str, int]:
        payload, _, seal = token.partition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(payload).encode()):
            raise NotFound("There is no such export.")
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if claims["until"] < clock.now().timestamp():
            raise NotFound("This export is over. Please start it again.", code="export-over")
        return str(claims["kind"]), int(claims["of"])

    def _seal(self, payload: str) -> str:
        secret = f"export:{self._path}:{self._settings().service_secret}".encode()  # several services may share one
        return hmac.new(secret, payload.encode(), hashlib.sha256).hexdigest()


def as_csv(rows: Rows) -> str:
    """Rows as CSV. What a spreadsheet would take for a formula is quoted, because strangers write it."""
    target = io.StringIO()
    writer = csv.writer(target)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return target.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, str) and value.startswith(DANGEROUS):
        return f"'{value}"
    return "" if value is None else value
