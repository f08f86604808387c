"""PayPal through its SDK: payments with intent sale, executed once the payer has approved them.

A payment can be executed once, whoever asks how often; creating, executing and refunding carry request ids that derive from our
rows, so that a repeated call answers the first one. PayPal has no way to cancel a payment: a closed one is simply never
executed by us, and expires there after three hours.
"""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol

import orjson
import paypalrestsdk
import requests
from paypalrestsdk import exceptions
from paypalrestsdk.resource import Resource

from chassis import tracing
from chassis.errors import Unprocessable
from services.payments.clients.http import Timeouts, provider_seconds
from services.payments.clients.providers import Means, NotNow, Unanswered
from services.payments.domain.attempts import News, Status
from services.payments.domain.currencies import from_paypal, to_paypal
from services.payments.domain.reports import LOST, ChargeNews, Movement, RefundNews, RefundReport, Report
from services.payments.models.payments import Payment
from services.payments.models.refunds import Refund


class Headers(Protocol):
    """Headers of a request, whatever their case."""

    def get(self, key: str, default: str, /) -> str:
        """One of them."""


log = logging.getLogger(__name__)

NOT_APPROVED = "payment-not-approved"
MISMATCH = "payment-mismatch"
ALREADY_DONE = "PAYMENT_ALREADY_DONE"
PAGE = 20
TOKEN_SPARE_SECONDS = 60


class Api(paypalrestsdk.Api):
    """The SDK's Api with our session and time-outs, and without its habit of logging headers and bodies.

    One per call, because the SDK keeps its token in it and repeats for ever when PayPal goes on saying 401.
    """

    def __init__(
        self, base: str, client_id: str, client_secret: str, token: str, session: requests.Session, timeouts: Timeouts
    ):
        super().__init__(
            mode="live", endpoint=base, client_id=client_id, client_secret=client_secret, token=token or None
        )
        self._session = session
        self._timeouts = timeouts
        self._refusals = 0

    def http_call(self, url: str, method: str, **kwargs: Any) -> Any:
        """One exchange. Raises the SDK's exceptions, or requests' when there is no answer."""
        answer = self._session.request(method, url, timeout=(self._timeouts.connect, self._timeouts.read), **kwargs)
        if answer.status_code == 401:
            self._refusals += 1
            if self._refusals > 1:
                raise NotNow("PayPal does not work right now. Nothing was charged.", code="provider-refuses-us")
        return self.handle_response(answer, answer.content.decode())


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
                made = paypalrestsdk.Payment(_creation(payment), api=call.api)
                made.request_id = payment.idempotency_key
                call.check(made.create(), made)
                return _report(made.to_dict())
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
                    return _refund_report(paypalrestsdk.Refund.find(refund.provider_reference, api=call.api).to_dict())
            with self._call("refund") as call:
                sale = paypalrestsdk.Sale({"id": payment.transaction_id}, api=call.api)
                amount = {"total": to_paypal(refund.amount_minor, refund.currency), "currency": refund.currency}
                wish = Resource({"amount": amount, "invoice_number": str(refund.id)}, api=call.api)
                wish.request_id = refund.idempotency_key
                made = sale.refund(wish)
                call.check(made.success(), made)
                return _refund_report(made.to_dict())
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
                yield from _movements(made)
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
                return _report(paypalrestsdk.Payment.find(payment.provider_reference, api=call.api).to_dict())
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
                return _report(made.to_dict())
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

    def _call(self, operation: str) -> "_Call":
        return _Call(self, operation)

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


class _Call:
    """One call: measured, and with PayPal's failures translated. Inside it `api` is ready to use.

    Raises Unprocessable with PayPal's name for a refusal, NotNow when certainly nothing happened, Unanswered otherwise.
    """

    api: Api

    def __init__(self, paypal: PayPal, operation: str) -> None:
        self._paypal = paypal
        self._operation = operation
        self._began = time.perf_counter()
        self._span = tracing.span(f"paypal {operation}", "CLIENT")

    def __enter__(self) -> "_Call":
        self._span.__enter__()
        try:
            self.api = self._paypal.api()
        except Exception as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._span.__exit__(kind, error, traceback)
        outcome = self._outcome(error)
        provider_seconds.labels("paypal", self._operation, outcome).observe(time.perf_counter() - self._began)
        log.info("provider call", extra={"provider": "paypal", "operation": self._operation, "outcome": outcome})
        if isinstance(error, exceptions.UnauthorizedAccess | NotNow):
            self._paypal.forget_token()
        if error is not None and (meant := _meaning(error)) is not error:
            raise meant from None

    def check(self, success: bool, answer: Any) -> None:
        """The SDK answers a 400 with False and puts what PayPal said into `error`."""
        if not success:
            raise _refusal(answer.error)

    def _outcome(self, error: BaseException | None) -> str:
        if error is None:
            return "ok"
        status = getattr(getattr(error, "response", None), "status_code", None)
        return f"http-{status}" if status else getattr(error, "code", "no-answer")


def _meaning(error: BaseException) -> BaseException:
    """What a failure means for money."""
    if isinstance(error, exceptions.ClientError) and error.response.status_code == 429:
        return NotNow("PayPal is busy. Nothing was charged; please try again.")
    if isinstance(error, exceptions.UnauthorizedAccess | exceptions.ForbiddenAccess):
        log.error("PayPal does not take our credentials")
        return NotNow("PayPal does not work right now. Nothing was charged.", code="provider-refuses-us")
    if isinstance(error, exceptions.ResourceInvalid | exceptions.ResourceNotFound | exceptions.ResourceGone):
        return _refusal(_read(error.content))
    if isinstance(error, exceptions.ConnectionError | requests.RequestException | ValueError):
        return Unanswered("PayPal does not answer right now. Please try again in a moment.")
    return error


def _read(content: Any) -> Mapping[str, Any]:
    try:
        told = orjson.loads(content or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _refusal(told: Mapping[str, Any] | None) -> Unprocessable:
    name = str((told or {}).get("name") or "refused")
    log.warning("PayPal refused", extra={"code": name, "debug_id": (told or {}).get("debug_id")})
    return Unprocessable(str((told or {}).get("message") or "PayPal refused this payment."), code=name)


def _refused(found: Report, code: str, message: str) -> Report:
    return Report(News.WAITS, reference=found.reference, payment_url=found.payment_url, code=code, message=message)


def _creation(payment: Payment) -> dict[str, Any]:
    total = to_paypal(payment.amount_minor, payment.currency)
    transaction: dict[str, Any] = {
        "amount": {"total": total, "currency": payment.currency},
        "description": (payment.request.get("description") or f"Order {payment.order_identifier}")[:127],
        "invoice_number": str(payment.id),  # PayPal itself refuses to take one invoice twice
        "custom": str(payment.id),
    }
    lines = payment.request.get("lines") or []
    if lines and sum(line["quantity"] * line["price_minor"] for line in lines) == payment.amount_minor:
        transaction["item_list"] = {
            "items": [
                {
                    "name": line["name"][:127],
                    "quantity": str(line["quantity"]),
                    "price": to_paypal(line["price_minor"], payment.currency),
                    "currency": payment.currency,
                }
                for line in lines
            ]
        }
    urls = {"return_url": payment.request.get("return_url", ""), "cancel_url": payment.request.get("cancel_url", "")}
    return {
        "intent": "sale",
        "payer": {"payment_method": "paypal"},
        "redirect_urls": urls,
        "transactions": [transaction],
    }


def _report(made: Mapping[str, Any]) -> Report:
    """What a payment document says. An executed one has a sale inside."""
    transaction = (made.get("transactions") or [{}])[0]
    sale = next((each["sale"] for each in transaction.get("related_resources") or () if "sale" in each), None)
    payer = (made.get("payer") or {}).get("payer_info") or {}
    amount = transaction.get("amount") or {}
    currency = amount.get("currency", "")
    common = {
        "reference": made["id"],
        "payment_url": next(
            (link["href"] for link in made.get("links") or () if link.get("rel") == "approval_url"), ""
        ),
        "payer_id": payer.get("payer_id") or "",
        "has_approval": bool(payer.get("payer_id")),
    }
    if sale:
        return _sale_report(sale, common)
    if made.get("state") == "failed":
        return Report(
            News.DECLINED, reference=made["id"], code=made.get("failure_reason") or "failed", message="PayPal refused."
        )
    return Report(
        News.WAITS, amount_minor=from_paypal(amount["total"], currency) if currency else 0, currency=currency, **common
    )


def _sale_report(sale: Mapping[str, Any], common: Mapping[str, Any]) -> Report:
    state = sale.get("state")
    if state in ("completed", "partially_refunded", "refunded"):
        currency = sale["amount"]["currency"]
        fee = sale.get("transaction_fee") or {}
        return Report(
            News.CAPTURED,
            transaction_id=sale["id"],
            amount_minor=from_paypal(sale["amount"]["total"], currency),
            currency=currency,
            fee_minor=from_paypal(fee["value"], currency) if fee.get("currency") == currency else 0,
            **common,
        )
    if state in ("denied", "voided"):
        return Report(News.DECLINED, code=sale.get("reason_code") or "denied", message="PayPal refused.", **common)
    return Report(News.LOST, **common)  # pending: an eCheck, or a review


def report_of_sale(sale: Mapping[str, Any]) -> tuple[str, str, Report]:
    """Our payment id, PayPal's, and what a sale in a webhook proves."""
    ours = str(sale.get("custom") or sale.get("invoice_number") or "")
    reference = str(sale.get("parent_payment") or "")
    return ours, reference, _sale_report(sale, {"reference": reference})


def _refund_report(made: Mapping[str, Any]) -> RefundReport:
    state = {"completed": "succeeded", "failed": "failed", "cancelled": "failed"}.get(made.get("state", ""), "pending")
    return RefundReport(
        state, reference=made["id"], code=made.get("reason_code") or ("refused" if state == "failed" else "")
    )


def refund_news(made: Mapping[str, Any]) -> RefundNews:
    """What a refund, in an event or inside a payment, tells. We gave it our id as its invoice number."""
    currency = str(made["amount"]["currency"])
    return RefundNews(
        _refund_report(made),
        refund_id=str(made.get("invoice_number") or ""),
        payment_reference=str(made.get("parent_payment") or ""),
        amount_minor=abs(from_paypal(made["amount"]["total"], currency)),
        currency=currency,
    )


def _movements(made: Mapping[str, Any]) -> Iterator[Movement]:
    report = _report(made)
    transaction = (made.get("transactions") or [{}])[0]
    ours = str(transaction.get("custom") or transaction.get("invoice_number") or "")
    if report.news is not News.CAPTURED or not ours:
        return
    yield ChargeNews(report, ours)
    for each in transaction.get("related_resources") or ():
        if "refund" in each:
            yield refund_news(each["refund"])
