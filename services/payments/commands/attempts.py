"""Whose turn it is to talk to a provider about an order.

A provider is never called inside a transaction, so a row lock cannot keep two callers apart. A lease on the row does:
`call_until`. Whoever finds it taken waits or goes away; a lease that ran out belongs to a process that died.
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from chassis import clock, messages
from chassis.db import execute
from services.payments import queries
from services.payments.clients.accounts import accounts
from services.payments.clients.providers import Provider
from services.payments.commands import leases
from services.payments.domain.attempts import LIVE, Status, is_over
from services.payments.domain.currencies import to_paypal, to_stripe
from services.payments.models.payments import Payment
from services.payments.models.stripe_authorizations import StripeAuthorization


@dataclass(frozen=True)
class Wish:
    """What orders wants paid. `request` is what the provider is told about it."""

    order_identifier: str
    event_id: int
    mode: str
    amount_minor: int
    currency: str
    request: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raises Unprocessable when the provider cannot take this amount exactly."""
        (to_stripe if self.mode == "stripe" else to_paypal)(self.amount_minor, self.currency)


class Turn(Enum):
    """What the caller may do now."""

    OURS = "ours"  # the attempt is leased to the caller
    BUSY = "busy"  # somebody else talks to the provider about it
    CLOSE_FIRST = "close-first"  # leased: an attempt in another mode or amount has to be closed before
    PAID = "paid"  # there is money already
    OVER = "over"  # whom we waited for ended without money
    NOTHING = "nothing"  # there is no attempt that is still open


@dataclass(frozen=True)
class Taken:
    """The answer to asking for a turn. `before` is the status that the attempt had."""

    turn: Turn
    payment: Payment | None = None
    provider: Provider | None = None
    before: Status = Status.OPEN
    is_repeated: bool = False  # the same means were tried before


_OPEN_FIRST = """
INSERT INTO payments (
    id, order_identifier, event_id, attempt, mode, authorization_id, amount_minor, currency, request, status,
    provider_reference, transaction_id, payment_url, payer_id, decline_code, message, card_brand, card_last4, card_exp_month,
    card_exp_year, captured_minor, captured_currency, refunded_minor, fee_minor, means_digest, close_wanted, asked,
    call_until, ask_at, created_at
)
SELECT %(id)s, %(order_identifier)s::varchar, %(event_id)s::bigint, 1, %(mode)s::varchar, (
        SELECT id FROM stripe_authorizations
        WHERE event_id = %(event_id)s::bigint AND deleted_at IS NULL AND %(mode)s::varchar = 'stripe'
    ), %(amount_minor)s, %(currency)s, %(request)s, %(status)s,
    '', '', '', '', '', '', '', '', '', '', 0, '', 0, 0, %(means_digest)s, false, 0,
    %(call_until)s::timestamptz, %(call_until)s::timestamptz, %(created_at)s
WHERE NOT EXISTS (SELECT 1 FROM payments WHERE order_identifier = %(order_identifier)s::varchar)
RETURNING authorization_id
"""


def open_first(db: Session, wish: Wish, *, means_digest: str, charging: bool) -> Taken | None:
    """`take_turn` for the usual case, an order that nobody has paid for yet, in one round trip. None: it is another case.

    Raises IntegrityError as `take_turn` does.
    """
    now = clock.now()
    fields = {
        "id": messages.new_id(),
        "order_identifier": wish.order_identifier,
        "event_id": wish.event_id,
        "mode": wish.mode,
        "amount_minor": wish.amount_minor,
        "currency": wish.currency,
        "status": Status.UNKNOWN.value if charging else Status.OPEN.value,
        "means_digest": means_digest,
        "call_until": leases.end(),
        "created_at": now,
    }
    made = execute(db, _OPEN_FIRST, {**fields, "request": Jsonb(dict(wish.request))})
    if not made:
        return None
    payment = Payment(
        **fields, attempt=1, authorization_id=made[0].authorization_id, request=dict(wish.request), provider_reference="",
        payment_url="",
    )  # fmt: skip
    return Taken(Turn.OURS, payment, provider_of(db, payment))


def take_turn(
    db: Session, wish: Wish, *, charging: bool, means_digest: str = "", waited_for: uuid.UUID | None = None
) -> Taken:
    """A lease on the order's open attempt, which is written first when there is none.

    When `charging`, the attempt is `unknown` from this commit on: if we die before the provider's answer is written, that is what
    it is. Raises IntegrityError when another attempt was opened at the same moment; asking again finds it.
    """
    attempts = queries.attempts_of_order_locked(db, wish.order_identifier)
    found = queries.standing(attempts)
    if found is not None and found.status == Status.CAPTURED:
        return Taken(Turn.PAID, found)
    if (
        found is not None
        and found.id == waited_for
        and is_over(Status(found.status))
        and found.means_digest == means_digest
    ):
        return Taken(Turn.OVER, found)
    authorization = queries.authorization_of_event(db, wish.event_id) if wish.mode == "stripe" else None
    if found is not None and found.status in LIVE:
        if _is_leased(found):
            return Taken(Turn.BUSY, found)
        if not _is_for(found, wish, authorization):
            return _lease(db, found, Turn.CLOSE_FIRST)
        payment, provider = found, provider_of(db, found)
    else:
        provider = accounts().of(wish.mode, authorization)
        payment = _open(db, wish, authorization, attempt=len(attempts) + 1)
    before = Status(payment.status)
    is_repeated = bool(means_digest) and payment.means_digest == means_digest
    _take(payment)
    if charging:
        payment.status = Status.UNKNOWN
        payment.means_digest = means_digest or payment.means_digest
    db.flush()
    return Taken(Turn.OURS, payment, provider, before, is_repeated)


def take_live(db: Session, order_identifier: str, *, waited_for: uuid.UUID | None = None) -> Taken:
    """A lease on the order's open attempt, if there is one. Whom the caller `waited_for` makes no difference here."""
    del waited_for
    found = queries.standing(queries.attempts_of_order_locked(db, order_identifier))
    if found is None or found.status not in LIVE:
        return Taken(Turn.PAID if found is not None and found.status == Status.CAPTURED else Turn.NOTHING, found)
    return Taken(Turn.BUSY, found) if _is_leased(found) else _lease(db, found, Turn.OURS)


def take_one(db: Session, payment_id: uuid.UUID) -> Taken:
    """A lease on this attempt, whatever its status: reconciliation asks.

    Its provider is found afterwards: an attempt whose account cannot be used must not be asked about first for ever.
    """
    found = queries.payment_locked(db, payment_id)
    if found is None:
        return Taken(Turn.NOTHING)
    if _is_leased(found):
        return Taken(Turn.BUSY, found)
    found.asked += 1
    before = Status(found.status)
    _take(found)
    db.flush()
    return Taken(Turn.OURS, found, before=before)


_WANT_CLOSED = """
UPDATE payments SET close_wanted = true, ask_at = %s WHERE order_identifier = %s AND status = ANY(%s) RETURNING id
"""


def want_closed(db: Session, order_identifier: str) -> bool:
    """Notes that the order's open attempt shall be closed at its provider, soon. Whether there is one."""
    values = (clock.now(), order_identifier, [status.value for status in LIVE])
    return bool(execute(db, _WANT_CLOSED, values))


def provider_of(db: Session, payment: Payment) -> Provider:
    """The account that this payment was opened at, also after its authorization was removed.

    Raises NotConfigured, SecretsNotConfigured, or AccountGone when its keys were erased.
    """
    authorization = db.get(StripeAuthorization, payment.authorization_id) if payment.authorization_id else None
    return accounts().of(payment.mode, authorization)


def account_of(db: Session, payment: Payment) -> str:
    """What the ledger calls the account that this payment was opened at."""
    authorization = db.get(StripeAuthorization, payment.authorization_id) if payment.authorization_id else None
    return authorization.account if authorization else payment.mode


def digest(token: str) -> str:
    """What we keep of a token, to recognize it when it comes again."""
    return hashlib.sha256(token.encode()).hexdigest()[:32] if token else ""


def _open(db: Session, wish: Wish, authorization: StripeAuthorization | None, attempt: int) -> Payment:
    payment = Payment(
        order_identifier=wish.order_identifier,
        event_id=wish.event_id,
        attempt=attempt,
        mode=wish.mode,
        authorization_id=authorization.id if authorization else None,
        amount_minor=wish.amount_minor,
        currency=wish.currency,
        request=dict(wish.request),
        status=Status.OPEN,
        means_digest="",
    )
    db.add(payment)
    return payment


def _is_for(payment: Payment, wish: Wish, authorization: StripeAuthorization | None) -> bool:
    """Whether this attempt still pays what is wanted, the way it is wanted, into the right account."""
    return (payment.mode, payment.amount_minor, payment.currency, payment.authorization_id) == (
        wish.mode,
        wish.amount_minor,
        wish.currency,
        authorization.id if authorization else None,
    ) and not payment.close_wanted


def _is_leased(payment: Payment) -> bool:
    return payment.call_until is not None and payment.call_until > clock.now()


def _lease(db: Session, payment: Payment, turn: Turn) -> Taken:
    before = Status(payment.status)
    provider = provider_of(db, payment)
    _take(payment)
    db.flush()
    return Taken(turn, payment, provider, before)


def _take(payment: Payment) -> None:
    payment.call_until = leases.end()
    payment.ask_at = payment.call_until
