"""A payment as other services see it, and what we say about it."""

import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from chassis.messages import to_stamp
from proto.payments import payments_pb2
from services.payments.domain.attempts import PAID
from services.payments.models.payments import Payment
from services.payments.models.refunds import Refund
from services.payments.models.stripe_authorizations import StripeAuthorization


def state(payment: Payment, client_payload: Mapping[str, Any] | None = None) -> payments_pb2.PaymentState:
    """How a payment stands. Once money arrived, amount and currency are those of the money, not of the wish."""
    is_paid = payment.status in PAID
    return payments_pb2.PaymentState(
        payment_id=str(payment.id),
        order_identifier=payment.order_identifier,
        mode=payment.mode,
        status=payment.status,
        amount_minor=payment.captured_minor if is_paid else payment.amount_minor,
        currency=payment.captured_currency if is_paid else payment.currency,
        provider_reference=payment.provider_reference,
        transaction_id=payment.transaction_id,
        payment_url=payment.payment_url,
        client_payload_json=orjson.dumps(dict(client_payload)).decode() if client_payload else "",
        decline_code=payment.decline_code,
        decline_reason=payment.decline_reason,
        message=payment.message,
        card=payments_pb2.Card(
            brand=payment.card_brand,
            last4=payment.card_last4,
            exp_month=payment.card_exp_month,
            exp_year=payment.card_exp_year,
        ),
        opened_at=to_stamp(payment.created_at),
    )


def none_of(order_identifier: str) -> payments_pb2.PaymentState:
    """The order has no payment."""
    return payments_pb2.PaymentState(order_identifier=order_identifier, status="none")


def refunded(payment: Payment, refund: Refund) -> payments_pb2.PaymentRefunded:
    """What became of a refund."""
    return payments_pb2.PaymentRefunded(
        refund_key=refund.refund_key,
        refund_id=str(refund.id),
        payment=state(payment),
        amount_minor=refund.amount_minor,
        status=refund.status,
        message=refund.message or refund.code,
    )


def refund_refused(refund_key: str, order_identifier: str, message: str) -> payments_pb2.PaymentRefunded:
    """There was nothing that such a refund could be taken from."""
    return payments_pb2.PaymentRefunded(
        refund_key=refund_key,
        refund_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"refund/{refund_key}")),
        payment=none_of(order_identifier),
        status="failed",
        message=message,
    )


def authorization_changed(link: StripeAuthorization, epoch: int) -> payments_pb2.StripeAuthorizationChanged:
    """Whether an event has a Stripe account of its own now. Public parts only."""
    is_linked = link.deleted_at is None
    return payments_pb2.StripeAuthorizationChanged(
        event_id=link.event_id,
        authorization_id=link.id,
        epoch=epoch,
        version=link.version,
        is_linked=is_linked,
        publishable_key=link.stripe_publishable_key if is_linked else "",
    )
