"""Stripe through its SDK: PaymentIntents, refunds, Connect. One `StripeAccount` per secret key.

A payment is one PaymentIntent, made under the idempotency key that derives from our row. A token is charged in the call that
makes the intent (one round trip); if its answer is lost and the process with the token is gone, `start` with the same key
tells: either the key is still free, and is now taken by an intent that charges nothing, or Stripe says that the key
belongs to another request, and that intent is in its list. In both cases nothing can be charged behind our back.

Calls go through the SDK's `raw_request` (its connections, retries, errors, API version), because we read a few attributes of
each answer, and building and unbuilding its objects costs four times as much as the call itself.
"""

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import requests
import stripe
from stripe.oauth_error import OAuthError

from chassis import clock, tracing
from chassis.errors import Unprocessable
from services.payments.clients.http import REFUSED_KEY, Timeouts, provider_seconds
from services.payments.clients.providers import Means, NotNow, Unanswered
from services.payments.clients.stripe_documents import (
    payment_id_of,
    refund_news,
    refund_report_of,
    refusal,
    report_of,
    report_of_money,
)
from services.payments.domain.attempts import News
from services.payments.domain.currencies import to_stripe
from services.payments.domain.reports import LOST, ChargeNews, Movement, RefundReport, Report
from services.payments.models.payments import Payment
from services.payments.models.refunds import Refund

log = logging.getLogger(__name__)

API_VERSION = "2026-10-28.endive"  # pinned: the shapes below were written for it
# One repetition within the call, under the same idempotency key: it settles most lost answers at once, and the whole
# still fits into the deadline of whoever called us. Everything beyond is reconciliation's.
RETRIES = 1
CLOCKS_DIFFER = timedelta(minutes=10)
KEYS_KEPT = timedelta(hours=20)  # a little less than Stripe promises
WITH_CHARGE = ["latest_charge"]
EVENTS = (
    "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled", "payment_intent.requires_action",
    "charge.succeeded", "charge.refunded", "refund.created", "refund.updated", "refund.failed",
)  # fmt: skip


class StripeAccount:
    """Our view of one Stripe account."""

    def __init__(self, client: stripe.StripeClient, account: str) -> None:
        self.client = client
        self.account = account

    @classmethod
    def connect(
        cls, api_key: str, account: str, *, bases: Mapping[str, str], session: requests.Session, timeouts: Timeouts
    ) -> "StripeAccount":
        """An account by its secret key. `bases`: where `api` and `connect` are."""
        stripe.enable_telemetry = False
        http_client = stripe.RequestsClient(timeout=(timeouts.connect, timeouts.read), session=session)
        client = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": bases["api"], "connect": bases["connect"]},
            max_network_retries=RETRIES,
            http_client=http_client,
        )
        return cls(client, account)

    def start(self, payment: Payment) -> Report:
        """Makes the intent, or finds the one that was made under its key. Stripe keeps keys for a day, its list for ever."""
        if clock.now() - payment.created_at > KEYS_KEPT and (intent := self._listed(payment)):
            return report_of(intent, payment)
        try:
            return report_of(self._create(payment), payment)
        except stripe.IdempotencyError:
            return self._find(payment)
        except stripe.InvalidRequestError as error:
            return refusal(error)

    def charge(self, payment: Payment, means: Means) -> Report:
        """Charges the token: while making the intent, or on the one that is open."""
        method = _method_of(means.stripe_token)
        if return_url := payment.request.get("return_url"):
            method["return_url"] = return_url
        try:
            if payment.provider_reference:
                return report_of(self._confirm(payment, means.stripe_token, method), payment)
            return report_of(self._create(payment, confirm=True, **method), payment)
        except stripe.CardError as error:
            return refusal(error)
        except stripe.InvalidRequestError as error:
            if error.code == "payment_intent_unexpected_state":
                return self._look_or_lost(payment)
            return refusal(error)
        except (Unanswered, stripe.IdempotencyError):
            return LOST

    def look(self, payment: Payment) -> Report:
        """The intent as it is now; without its id, whatever its key stands for."""
        if not payment.provider_reference:
            return self.start(payment)
        return report_of(self._retrieve(payment.provider_reference), payment)

    def close(self, payment: Payment) -> Report:
        """Cancels the intent. Without its id its key is taken first, so that no late request can charge under it."""
        reference = payment.provider_reference
        if not reference:
            found = self.start(payment)
            if found.news is not News.WAITS:
                return found
            reference = found.reference
        try:
            intent = self._request("cancel", "post", f"/v1/payment_intents/{reference}/cancel")
        except stripe.InvalidRequestError:  # it is over already, one way or the other
            intent = self._retrieve(reference)
        return report_of(intent, payment)

    def refund(self, payment: Payment, refund: Refund) -> RefundReport:
        """Refunds by the intent. From the second try on it first looks whether an earlier one got through."""
        try:
            if refund.provider_reference:
                return refund_report_of(self._request("refund-look", "get", f"/v1/refunds/{refund.provider_reference}"))
            if refund.tries > 1 and (found := self._refund_of(payment, refund)):
                return refund_report_of(found)
            return refund_report_of(self._create_refund(payment, refund))
        except (stripe.InvalidRequestError, stripe.CardError) as error:
            return RefundReport("failed", code=error.code or "refused", message=error.user_message or "")
        except (Unanswered, stripe.IdempotencyError):
            return RefundReport("lost")

    def movements(self, since: datetime) -> Iterator[Movement]:
        """Succeeded intents that carry our ids, and all refunds, newest first."""
        window = {"created": {"gte": int(since.timestamp())}}
        for intent in self._list("/v1/payment_intents", **window, expand=["data.latest_charge"]):
            if intent["status"] == "succeeded" and payment_id_of(intent):
                yield ChargeNews(report_of_money(intent), payment_id_of(intent))
        for made in self._list("/v1/refunds", **window):
            yield refund_news(made)

    def exchange(self, code: str) -> Mapping[str, Any]:
        """The keys that an OAuth code stands for. Raises Unprocessable (`stripe-auth-code-invalid`)."""
        try:
            return self._request(
                "oauth", "post", "/oauth/token", grant_type="authorization_code", code=code, base="connect"
            )
        except OAuthError as error:
            log.warning("Stripe refused an authorization code", extra={"code": error.code})
            raise Unprocessable(
                "Stripe does not accept this authorization code. Please connect the account once more.",
                code="stripe-auth-code-invalid",
                source={"pointer": "/data/attributes/stripe-auth-code"},
            ) from None

    def describe(self) -> Mapping[str, Any]:
        """The account that our key opens."""
        return self._request("account", "get", "/v1/account")

    def create_webhook(self, url: str, key: str) -> Mapping[str, Any]:
        """An endpoint at this account; its secret is told only here. Raises Unprocessable when Stripe does not take it."""
        try:
            return self._request(
                "webhook", "post", "/v1/webhook_endpoints", url=url, enabled_events=list(EVENTS), idempotency_key=key
            )
        except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
            raise Unprocessable("Stripe does not take our webhook address.", code=error.code or "refused") from None

    def delete_webhook(self, reference: str) -> None:
        """Events for it end. Raises Unprocessable when it is gone already."""
        try:
            self._request("webhook", "delete", f"/v1/webhook_endpoints/{reference}")
        except stripe.InvalidRequestError as error:
            raise Unprocessable("Stripe does not know this webhook.", code=error.code or "refused") from None

    def _create(self, payment: Payment, **more: Any) -> Mapping[str, Any]:
        return self._request(
            "charge" if more else "start",
            "post",
            "/v1/payment_intents",
            amount=to_stripe(payment.amount_minor, payment.currency),
            currency=payment.currency.lower(),
            allowed_payment_method_types=["card"],  # outcomes are known at once; wallets count as cards
            description=payment.request.get("description") or f"Order {payment.order_identifier}",
            metadata={
                "payment_id": str(payment.id),
                "order_identifier": payment.order_identifier,
                "event_id": str(payment.event_id),
            },
            expand=WITH_CHARGE,
            idempotency_key=payment.idempotency_key,
            **more,
        )

    def _confirm(self, payment: Payment, token: str, method: Mapping[str, Any]) -> Mapping[str, Any]:
        digest = hashlib.sha256(token.encode()).hexdigest()[:16]
        return self._request(
            "charge",
            "post",
            f"/v1/payment_intents/{payment.provider_reference}/confirm",
            expand=WITH_CHARGE,
            idempotency_key=f"{payment.idempotency_key}-{digest}",
            **method,
        )

    def _retrieve(self, reference: str) -> Mapping[str, Any]:
        try:
            return self._request("look", "get", f"/v1/payment_intents/{reference}", expand=WITH_CHARGE)
        except stripe.InvalidRequestError as error:
            log.error("Stripe does not know an intent of ours", extra={"reference": reference, "code": error.code})  # noqa: TRY400
            raise Unanswered("The card processor does not know this payment right now.") from None

    def _create_refund(self, payment: Payment, refund: Refund) -> Mapping[str, Any]:
        return self._request(
            "refund",
            "post",
            "/v1/refunds",
            payment_intent=payment.provider_reference,
            amount=to_stripe(refund.amount_minor, refund.currency),
            reason="requested_by_customer",
            metadata={"refund_id": str(refund.id), "payment_id": str(payment.id)},
            idempotency_key=refund.idempotency_key,
        )

    def _refund_of(self, payment: Payment, refund: Refund) -> Mapping[str, Any] | None:
        made_for = self._list("/v1/refunds", payment_intent=payment.provider_reference)
        return next((made for made in made_for if (made["metadata"] or {}).get("refund_id") == str(refund.id)), None)

    def _find(self, payment: Payment) -> Report:
        """The intent that was made for this row. Raises Unanswered when it is not there yet."""
        if intent := self._listed(payment):
            return report_of(intent, payment)
        raise Unanswered("Stripe has not decided about this payment yet. Please try again in a moment.")

    def _listed(self, payment: Payment) -> Mapping[str, Any] | None:
        since = int((payment.created_at - CLOCKS_DIFFER).timestamp())
        made = self._list("/v1/payment_intents", created={"gte": since}, expand=["data.latest_charge"])
        return next((intent for intent in made if payment_id_of(intent) == str(payment.id)), None)

    def _look_or_lost(self, payment: Payment) -> Report:
        try:
            return self.look(payment)
        except (Unanswered, NotNow):
            return LOST

    def _list(self, path: str, **params: Any) -> Iterator[Mapping[str, Any]]:
        """All items of a list, page by page."""
        more: dict[str, Any] = {}
        while True:
            page = self._request("list", "get", path, limit=100, **params, **more)
            yield from page["data"]
            if not page["has_more"]:
                return
            more = {"starting_after": page["data"][-1]["id"]}

    def _request(self, operation: str, method: str, path: str, **params: Any) -> Mapping[str, Any]:
        """One call through the SDK, measured; failures that mean the same everywhere get their meaning here.

        Raises Unanswered, NotNow, or what Stripe says about the request itself. The SDK's exceptions hold the whole answer,
        client secrets included: they are never logged or chained.
        """
        began = time.perf_counter()
        outcome = "ok"
        try:
            with tracing.span(f"stripe {operation}", "CLIENT"):
                answer: Mapping[str, Any] = self.client.raw_request(method, path, **params).data
        except stripe.RateLimitError:
            outcome = "rate-limited"
            raise NotNow("The card processor is busy. Nothing was charged; please try again.") from None
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            outcome = REFUSED_KEY if self.account == "stripe" else "organizer-key-refused"
            log.error("Stripe does not take our key", extra={"account": self.account, "status": error.http_status})  # noqa: TRY400
            raise NotNow(
                "Card payments do not work right now. Nothing was charged.", code="provider-refuses-us"
            ) from None
        except (stripe.CardError, stripe.InvalidRequestError, stripe.IdempotencyError, OAuthError) as error:
            outcome = error.code or type(error).__name__
            raise
        except stripe.StripeError as error:
            outcome = f"http-{error.http_status}" if error.http_status else "no-answer"
            raise Unanswered("The card processor does not answer right now. Please try again in a moment.") from None
        else:
            return answer
        finally:
            seconds = time.perf_counter() - began
            provider_seconds.labels("stripe", operation, outcome).observe(seconds)
            log.info("provider call", extra={"provider": self.account, "operation": operation, "outcome": outcome})


def read_event(body: bytes, signature: str, secrets: Sequence[str]) -> Mapping[str, Any]:
    """The event in a webhook. Raises SignatureVerificationError when none of our secrets signed it within five minutes."""
    for place, secret in enumerate(secrets or [""], start=1):
        try:
            stripe.WebhookSignature.verify_header(body, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE)
        except stripe.SignatureVerificationError:
            if place >= len(secrets):
                raise
        else:
            break
    event: Mapping[str, Any] = orjson.loads(body)
    return event


def _method_of(token: str) -> dict[str, Any]:
    if token.startswith("pm_"):
        return {"payment_method": token}
    return {"payment_method_data": {"type": "card", "card": {"token": token}}}
