"""The attempt to pay an order is closed at its provider, before the order changes or ends. Opens its own transactions."""

import logging

from chassis import clock
from chassis.db import run
from chassis.errors import DomainError
from services.orders import clients
from services.orders.commands import paying

log = logging.getLogger(__name__)


def is_paid_after_all(identifier: str, *, may_stay_open: bool) -> bool:
    """Closes the open attempt; whether it turned out to be paid, which then counts (RULES 20).

    `may_stay_open`: an order that ends does so beside an attempt that nobody can close now. Payments closes it when it hears
    of the end, and what is paid meanwhile finds its way back. Two ways to pay could not be mended like that: without it,
    raises what payments answers, Unavailable as a rule.
    """
    try:
        state = clients.close_attempt(identifier)
    except DomainError as error:
        if not may_stay_open:
            raise
        log.warning("an order ends beside its open attempt", extra={"order": identifier, "error": error.detail})
        return False
    if state.status != "captured":
        return False
    run(lambda db: paying.receive(db, state, now=clock.now()))
    return True
