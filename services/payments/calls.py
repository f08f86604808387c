"""Talking to a provider, in three steps that may each be the last: the row is committed, the provider is called, what it said
is committed.

Whatever happens in between, the row says what nobody knows (`unknown`), and asking the provider again is always safe. These
functions are entrances: they open transactions, and none is open while a provider is called.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from chassis import db
from chassis.errors import Unprocessable
from proto.payments.payments_pb2 import PaymentState
from services.payments import queries, statements
from services.payments.clients.providers import AccountGone, Means, NotNow, Provider
from services.payments.commands import attempts, refunds
from services.payments.commands.attempts import Taken, Turn, Wish
from services.payments.commands.settling import release, settle
from services.payments.domain.attempts import News, Status
from services.payments.domain.reports import RefundReport, Report
from services.payments.models.payments import Payment

log = logging.getLogger(__name__)

WAIT_SECONDS = 8.0
POLL_SECONDS = 0.05
_NO_NEWS = {
    Status.OPEN: News.WAITS,
    Status.REQUIRES_ACTION: News.NEEDS_ACTION,
    Status.UNKNOWN: News.LOST,
}
ROUNDS = 4  # an old attempt is closed, a lost one is settled, a new one is opened: more never happens in one request


class PaymentMismatch(Unprocessable):
    code = "payment-mismatch"


class Declined(Unprocessable):
    """The provider's own code, such as `card_declined`; `meta` may hold its `decline-code`."""


def start(wish: Wish) -> PaymentState:
    """Opens the order's payment at its provider, or answers the open one. Money that is there already wins."""
    wish.check()
    for _ in range(ROUNDS):
        taken = _take_turn(wish, "", charging=False)
        if taken.turn is Turn.CLOSE_FIRST:
            _close(taken)
            continue
        if taken.turn is not Turn.OURS:
            return _as_it_stands(taken)
        payment, provider = _parts(taken)
        with _lease_ends(payment):
            if payment.payment_url:
                # PayPal's page is all that a payer needs; Stripe's secrets are not kept, but asked for.
                return _settled(payment, Report(_NO_NEWS[taken.before]))
            found = provider.look(payment) if payment.provider_reference else provider.start(payment)
            return _unless_declined(payment, found)
    return _standing(wish.order_identifier)


def charge(wish: Wish, means: Means) -> PaymentState:
    """Charges the order, once however often and by however many at once it is called.

    Raises Unprocessable with the provider's code on a decline (that attempt is over), `payment-mismatch` or
    `payment-not-approved` when PayPal's payment is not what it should be. An unknown outcome is a status, not an error.
    """
    wish.check()
    digest = attempts.digest(means.stripe_token)
    for _ in range(ROUNDS):
        taken = _take_turn(wish, digest, charging=True)
        if taken.turn is Turn.CLOSE_FIRST:
            _close(taken)
            continue
        if taken.turn is Turn.OVER:
            raise _refusal(taken)
        if taken.turn is not Turn.OURS:
            return _as_it_stands(taken)
        payment, provider = _parts(taken)
        with _lease_ends(payment):
            if taken.before is Status.UNKNOWN or taken.is_repeated:
                found = provider.look(payment)
                if found.news is News.DECLINED:  # what was tried before has failed: this is a new try
                    _settled(payment, found)
                    continue
                if found.news is not News.WAITS:
                    return _settled(payment, found)
                payment.provider_reference = payment.provider_reference or found.reference
            return _outcome(payment, _charged(payment, provider, taken.before, means))
    return _standing(wish.order_identifier)


def verify(order_identifier: str) -> PaymentState:
    """Asks the provider how the order's open attempt stands, and settles it."""
    taken = _take(partial(attempts.take_live, order_identifier=order_identifier))
    if taken.turn is not Turn.OURS:
        return _as_it_stands(taken, order_identifier)
    payment, provider = _parts(taken)
    with _lease_ends(payment):
        return _settled(payment, provider.look(payment))


def close(order_identifier: str) -> PaymentState:
    """Closes the order's open attempt at its provider. Answers `captured` when it was paid, `unknown` when nobody knows yet."""
    taken = _take(partial(attempts.take_live, order_identifier=order_identifier))
    return _close(taken) if taken.turn is Turn.OURS else _as_it_stands(taken, order_identifier)


def reconcile(payment_id: uuid.UUID) -> None:
    """Asks about one attempt (closes it where that is wanted) and settles what is said. Raises Unavailable."""
    taken = db.run(lambda session: attempts.take_one(session, payment_id))
    if taken.turn is not Turn.OURS:
        return
    payment = taken.payment
    assert payment is not None  # noqa: S101 (a turn that is ours has it)
    with _lease_ends(payment):
        provider = db.run(lambda session: attempts.provider_of(session, payment))
        report = provider.close(payment) if payment.close_wanted else provider.look(payment)
        _settled(payment, report)


def refund(refund_id: uuid.UUID) -> None:
    """Carries one refund out, or asks how it ended. Raises NotNow when the provider does nothing now."""
    taken = db.run(lambda session: refunds.take(session, refund_id))
    if taken is None:
        return
    payment, wanted = taken
    try:
        provider = db.run(lambda session: attempts.provider_of(session, payment))
        report = provider.refund(payment, wanted)
    except AccountGone as error:
        report = RefundReport("failed", code=error.code, message=error.detail)
    except BaseException:
        db.run(lambda session: refunds.postpone(session, refund_id))
        raise
    db.persist(lambda session: refunds.settle_refund(session, refund_id, report))


def _charged(payment: Payment, provider: Provider, before: Status, means: Means) -> Report:
    if means.paypal_payment_id and means.paypal_payment_id != payment.provider_reference:
        return Report(
            News.WAITS, code=PaymentMismatch.code, message="This is not the payment that belongs to the order."
        )
    try:
        return provider.charge(payment, means)
    except NotNow:
        _settled(payment, Report(_NO_NEWS[before]))
        raise


def _unless_declined(payment: Payment, report: Report) -> PaymentState:
    """The state now. Raises Declined for an attempt that is over; a card that failed in the browser ends none."""
    answer = _settled(payment, report)
    if report.news is News.DECLINED:
        raise _declined(report.message, report.code, report.decline_code)
    return answer


def _outcome(payment: Payment, report: Report) -> PaymentState:
    """The state after a charge. A refusal is committed before it is raised."""
    answer = _unless_declined(payment, report)
    if report.news is News.WAITS and report.code:
        raise Unprocessable(report.message, code=report.code, meta={"payment-url": answer.payment_url})
    return answer


def _close(taken: Taken) -> PaymentState:
    payment, provider = _parts(taken)
    with _lease_ends(payment):
        return _settled(payment, provider.close(payment))


def _settled(payment: Payment, report: Report) -> PaymentState:
    """Written although the database restarts: otherwise the payer waits until the lease has run out and somebody asks again."""

    def work(session: Session) -> PaymentState:
        now = settle(session, payment.id, report, ends_call=True)
        return statements.state(now, report.client_payload)

    return db.persist(work)


def _take_turn(wish: Wish, means_digest: str, *, charging: bool) -> Taken:
    try:
        opened = db.run(
            lambda session: attempts.open_first(session, wish, means_digest=means_digest, charging=charging)
        )
    except IntegrityError:  # somebody else opens it at this very moment
        opened = None
    return opened or _take(partial(attempts.take_turn, wish=wish, means_digest=means_digest, charging=charging))


def _take(take: Callable[..., Taken]) -> Taken:
    """A turn. While somebody else has it, waits for them: their outcome is our answer."""
    deadline = time.monotonic() + WAIT_SECONDS
    collisions = 0
    known: dict[str, uuid.UUID] = {}
    while True:
        try:
            taken = db.run(partial(take, **known))
        except IntegrityError:  # another attempt was opened at the same moment; next time we find it
            collisions += 1
            if collisions == ROUNDS:
                raise
            continue
        if taken.turn is not Turn.BUSY or taken.payment is None or time.monotonic() > deadline:
            return taken
        known = {"waited_for": taken.payment.id}
        time.sleep(POLL_SECONDS)


@contextmanager
def _lease_ends(payment: Payment) -> Iterator[None]:
    """Whatever goes wrong, the next caller need not wait for the lease to run out."""
    try:
        yield
    except BaseException:
        db.run(lambda session: release(session, payment.id))
        raise


def _refusal(taken: Taken) -> Unprocessable:
    assert taken.payment is not None  # noqa: S101 (somebody else's attempt)
    return _declined(taken.payment.message, taken.payment.decline_code, taken.payment.decline_reason)


def _declined(message: str, code: str, reason: str) -> Declined:
    meta = {"decline-code": reason} if reason else {}
    return Declined(message or "The payment was declined.", code=code or "declined", meta=meta)


def _as_it_stands(taken: Taken, order_identifier: str = "") -> PaymentState:
    return statements.state(taken.payment) if taken.payment else statements.none_of(order_identifier)


def _standing(order_identifier: str) -> PaymentState:
    with db.transaction() as session:
        found = queries.standing_of_order(session, order_identifier)
        return statements.state(found) if found else statements.none_of(order_identifier)


def _parts(taken: Taken) -> tuple[Payment, Provider]:
    assert taken.payment is not None and taken.provider is not None  # noqa: S101, PT018 (a turn that is ours has both)
    return taken.payment, taken.provider
