"""Relations that orders are documented to have and that lead nowhere here."""

import flask

from chassis.auth import Claims
from chassis.db import transaction
from chassis.errors import NotFound
from services.orders.api.resources import asks_team, orders


@asks_team
def get_marketer_of_order(identifier: str, token_info: Claims) -> flask.Response:
    """Who sold it: a code's marketer is named by the code."""
    return _nothing(identifier, token_info, "No marketer is kept with an order.")


@asks_team
def get_event_invoice_of_order(identifier: str, token_info: Claims) -> flask.Response:
    """The platform sends organizers no invoices."""
    return _nothing(identifier, token_info, "There are no invoices of the platform.")


def _nothing(identifier: str, claims: Claims, why: str) -> flask.Response:
    with transaction() as db:
        orders.find(db, identifier, claims)
    raise NotFound(why)
