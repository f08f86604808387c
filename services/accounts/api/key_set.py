"""The public keys, for whoever wants to verify our tokens."""

import flask

from chassis.db import transaction
from chassis.responses import JSON, respond
from services.accounts import keys


def get_jwks() -> flask.Response:
    """GET /.well-known/jwks.json. Keys are published two minutes before they sign, so a minute in caches does no harm."""
    with transaction() as db:
        document = keys.jwks(db)
    return respond(document, headers={"Cache-Control": "public, max-age=60"}, media_type=JSON)
