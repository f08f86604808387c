"""The type `admin-statistics-user`: how many people there are, by what they may do."""

import flask

from chassis.db import transaction
from chassis.responses import respond
from services.accounts import queries


def get_user_statistics() -> flask.Response:
    """GET /v1/admin/statistics/users."""
    with transaction() as db:
        counts = queries.count_users(db)
    document = {
        "data": {
            "type": "admin-statistics-user",
            "id": "1",
            "attributes": counts,
            "links": {"self": "/v1/admin/statistics/users"},
        },
        "links": {"self": "/v1/admin/statistics/users"},
        "jsonapi": {"version": "1.0"},
    }
    return respond(document)
