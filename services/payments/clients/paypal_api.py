"""PayPal through its SDK: payments with intent sale, executed once the payer has approved them.

A payment can be executed once, whoever asks how often; creating, executing and refunding carry request ids that derive from our
rows, so that a repeated call answers the first one. PayPal has no way to cancel a payment: a closed one is simply never
executed by us, and expires there after three hours.
"""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
import paypalrestsdk
import requests
from paypalrestsdk.resource import Resource

from chassis.errors import Unprocessable
from services.payments.clients.http import Timeouts
from services.payments.clients.paypal_calls import Api, Call
from services.payments.clients.paypal_documents import creation, movements_in, refund_report_of, report_of
from services.payments.clients.providers import Means, NotNow, Unanswered
from services.payments.domain.attempts import News, Status
from services.payments.domain.currencies import to_paypal
from services.payments.domain.reports import LOST, Movement, RefundReport, Report
from services.payments.models.payments import Payment
from services.payments.models.refunds import Refund


class Headers(Protocol):
    """Headers of a request, whatever their case."""

    def get(self, key: str, default: str, /) -> str:
        """One of them."""


NOT_APPROVED = "payment-not-approved"
MISMATCH = "payment-mismatch"
ALREADY_DONE = "PAYMENT_ALREADY_DONE"
PAGE = 20
TOKEN_SPARE_SECONDS = 60


class PayPal:
    """The platform's account."""

    account = "paypal"

    def __init__(
        self, base: str, client_id: str, client_secret: str, *, session: requests.Session, timeouts: Timeouts
    ) -> None:
        self.base = base
        self._credentials = (client_id, client_secret)
        self._session = session
        self._timeouts = timeouts
        self._token = ""
        self._token_until = 0.0
        self._token_lock = threading.Lock()

    def start(self, payment: Payment) -> Report:
        """Creates the payment; the same request id answers the same one."""
        try:
            with self._call("start") as call:
                made = paypalrestsdk.Payment(creation(payment), api=call.api)
                made.request_id = payment.idempotency_key
                call.check(made.create(), made)
                return report_of(made.to_dict())
        except Unprocessable as error:
            return Report(News.DECLINED, code=error.code, message=error.detail)

    def charge(self, payment: Payment, means: Means) -> Report:
        """Executes the payment with the payer that PayPal reports. Not approved yet, or not what we made: nothing happens."""
        found = self._look_or_start(payment)
        if found.news is not News.WAITS:
            return found
        if not found.has_approval:
            return _refused(found, NOT_APPROVED, "This payment has not been approved at PayPal yet.")
        if means.paypal_payer_id and means.paypal_payer_id != found.payer_id:
            return _refused(found, MISMATCH, "Somebody else approved this payment at PayPal.")
        if (found.amount_minor, found.currency) != (payment.amount_minor, payment.currency):
            return _refused(found, MISMATCH, "The amount approved at PayPal is not the amount of this order.")
        try:
            return self._execute(payment, found)
        except Unanswered:
            return self._settled_or_lost(payment)

    def look(self, payment: Payment) -> Report:
        """The payment as it is now; without its id it is created (again: the same one)."""
        return self._look_or_start(payment)

    def close(self, payment: Payment) -> Report:
        """There is nothing to cancel at PayPal: unless it was executed, we promise never to do so."""
        if not payment.provider_reference:
            return Report(News.CANCELLED)
        found = self._look_or_start(payment)
        return Report(News.CANCELLED, reference=found.reference) if found.news is News.WAITS else found

    def refund(self, payment: Payment, refund: Refund) -> RefundReport:
        """Refunds the sale. The request id makes a repetition answer the first one."""
        try:
            if refund.provider_reference:
                with self._call("refund-look") as call:
                    return refund_report_of(
                        paypalrestsdk.Refund.find(refund.provider_reference, api=call.api).to_dict()
                    )
            with self._call("refund") as call:
                sale = paypalrestsdk.Sale({"id": payment.transaction_id}, api=call.api)
                amount = {"total": to_paypal(refund.amount_minor, refund.currency), "currency": refund.currency}
                wish = Resource({"amount": amount, "invoice_number": str(refund.id)}, api=call.api)
                wish.request_id = refund.idempotency_key
                made = sale.refund(wish)
                call.check(made.success(), made)
                return refund_report_of(made.to_dict())
        except Unprocessable as error:
            return RefundReport("failed", code=error.code, message=error.detail)
        except Unanswered:
            return RefundReport("lost")

    def movements(self, since: datetime) -> Iterator[Movement]:
        """Sales and refunds inside the payments made since then."""
        params: dict[str, Any] = {"start_time": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "count": PAGE}
        while True:
            with self._call("list") as call:
                page = paypalrestsdk.Payment.all(params, api=call.api).to_dict()
            for made in page.get("payments") or ():
                yield from movements_in(made)
            if not page.get("next_id"):
                return
            params = {**params, "start_id": page["next_id"]}

    def verify_webhook(self, headers: Headers, body: bytes, webhook_id: str) -> bool:
        """Whether PayPal says that it sent this. The body travels as it came: one changed space breaks the signature.

        PayPal is asked at our configured address only; the certificate's URL in the headers is for PayPal to judge.
        """
        told = {
            "auth_algo": headers.get("Paypal-Auth-Algo", ""),
            "cert_url": headers.get("Paypal-Cert-Url", ""),
            "transmission_id": headers.get("Paypal-Transmission-Id", ""),
            "transmission_sig": headers.get("Paypal-Transmission-Sig", ""),
            "transmission_time": headers.get("Paypal-Transmission-Time", ""),
            "webhook_id": webhook_id,
        }
        document = orjson.dumps(told)[:-1] + b',"webhook_event":' + body + b"}"
        with self._call("verify-webhook") as call:
            answer = call.api.http_call(
                f"{self.base}/v1/notifications/verify-webhook-signature",
                "POST",
                data=document,
                headers=call.api.headers(),
            )
            return bool(answer.get("verification_status") == "SUCCESS")

    def _look_or_start(self, payment: Payment) -> Report:
        if not payment.provider_reference:
            return self.start(payment)
        try:
            with self._call("look") as call:
                return report_of(paypalrestsdk.Payment.find(payment.provider_reference, api=call.api).to_dict())
        except Unprocessable as error:  # PayPal forgets what nobody approved; what we tried to execute it must know
            if payment.status == Status.UNKNOWN:
                raise Unanswered("PayPal does not know this payment right now.") from None
            return Report(News.CANCELLED, code=error.code, message=error.detail)

    def _execute(self, payment: Payment, found: Report) -> Report:
        try:
            with self._call("charge") as call:
                made = paypalrestsdk.Payment({"id": payment.provider_reference or found.reference}, api=call.api)
                wish = Resource({"payer_id": found.payer_id}, api=call.api)
                wish.request_id = f"{payment.idempotency_key}-execute"
                call.check(made.post("execute", wish, made), made)
                return report_of(made.to_dict())
        except Unprocessable as error:
            if error.code == ALREADY_DONE:
                return self._look_or_start(payment)
            return Report(News.DECLINED, reference=found.reference, code=error.code, message=error.detail)

    def _settled_or_lost(self, payment: Payment) -> Report:
        """After a lost answer. "Not executed" proves nothing yet: the request may still be on its way."""
        try:
            found = self._look_or_start(payment)
        except (Unanswered, NotNow):
            return LOST
        return found if found.news in (News.CAPTURED, News.DECLINED) else LOST

    def _call(self, operation: str) -> Call:
        return Call(self, operation)

    def api(self) -> Api:
        """An Api for one call, with the token that all calls share."""
        with self._token_lock:
            token = self._token if time.monotonic() < self._token_until else ""
        made = Api(self.base, *self._credentials, token, self._session, self._timeouts)
        if not token:
            granted = made.get_token_hash()
            with self._token_lock:
                self._token = granted["access_token"]
                self._token_until = time.monotonic() + max(int(granted.get("expires_in", 0)) - TOKEN_SPARE_SECONDS, 0)
        return made

    def forget_token(self) -> None:
        """The next call asks for a new one."""
        with self._token_lock:
            self._token_until = 0.0


def _refused(found: Report, code: str, message: str) -> Report:
    return Report(News.WAITS, reference=found.reference, payment_url=found.payment_url, code=code, message=message)
