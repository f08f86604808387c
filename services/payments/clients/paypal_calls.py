"""One call to PayPal at a time: the SDK's Api tamed, each call measured, and its failures told by what they mean for money."""

import logging
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol

import orjson
import paypalrestsdk
import requests
from paypalrestsdk import exceptions

from chassis import tracing
from chassis.errors import Unprocessable
from services.payments.clients.http import REFUSED_KEY, Timeouts, provider_seconds
from services.payments.clients.providers import NotNow, Unanswered

log = logging.getLogger(__name__)

REFUSES_US = "provider-refuses-us"


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
                raise NotNow("PayPal does not work right now. Nothing was charged.", code=REFUSES_US)
        return self.handle_response(answer, answer.content.decode())


class Account(Protocol):
    """Whose calls they are: it keeps the token."""

    def api(self) -> Api:
        """An Api for one call."""

    def forget_token(self) -> None:
        """The next call asks for a new one."""


class Call:
    """One call: measured, and with PayPal's failures translated. Inside it `api` is ready to use.

    Raises Unprocessable with PayPal's name for a refusal, NotNow when certainly nothing happened, Unanswered otherwise.
    """

    api: Api

    def __init__(self, paypal: Account, operation: str) -> None:
        self._paypal = paypal
        self._operation = operation
        self._began = time.perf_counter()
        self._span = tracing.span(f"paypal {operation}", "CLIENT")

    def __enter__(self) -> "Call":
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
        is_refusal = isinstance(error, exceptions.UnauthorizedAccess | exceptions.ForbiddenAccess)
        if is_refusal or getattr(error, "code", "") == REFUSES_US:
            return REFUSED_KEY
        status = getattr(getattr(error, "response", None), "status_code", None)
        return f"http-{status}" if status else getattr(error, "code", "no-answer")


def _meaning(error: BaseException) -> BaseException:
    """What a failure means for money."""
    if isinstance(error, exceptions.ClientError) and error.response.status_code == 429:
        return NotNow("PayPal is busy. Nothing was charged; please try again.")
    if isinstance(error, exceptions.UnauthorizedAccess | exceptions.ForbiddenAccess):
        log.error("PayPal does not take our credentials")
        return NotNow("PayPal does not work right now. Nothing was charged.", code=REFUSES_US)
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
