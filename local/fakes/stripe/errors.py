"""Stripe's error bodies, which the SDK turns into exceptions by status and type."""

from collections.abc import Collection
from typing import Any

from local.fakes.answers import Refusal
from local.fakes.books import Document


def invalid(
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
    status: int = 400,
    kept: bool = False,
    **more: Any,
) -> Refusal:
    """An InvalidRequestError. Those about the state of things are `kept` under the idempotency key, as Stripe does
    once it has begun to work; those about the parameters are not."""
    error = {"type": "invalid_request_error", "message": message, "param": param, "code": code, **more}
    return Refusal(status, {"error": _without_gaps(error)}, kept=kept)


def missing_param(param: str) -> Refusal:
    return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")


def no_such(kind: str, identifier: str, param: str = "id", *, in_url: bool = True) -> Refusal:
    """A thing named in the URL is 404, one named by a parameter 400."""
    message = f"No such {kind}: '{identifier}'"
    return invalid(message, param=param, code="resource_missing", status=404 if in_url else 400)


def wrong_state(message: str, code: str, **more: Any) -> Refusal:
    return invalid(message, code=code, kept=True, **more)


def refuse_unknown(params: Document, known: Collection[str]) -> None:
    """Like Stripe: a misspelt parameter is an error, never ignored."""
    for name in params:
        if name not in known:
            raise invalid(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")


def card_error(
    message: str, code: str, decline_code: str | None = None, param: str | None = None, **more: Any
) -> Document:
    """For an answer with status 402, not a Refusal: the failed attempt stays in the books."""
    error = {"type": "card_error", "code": code, "decline_code": decline_code, "message": message, "param": param}
    return _without_gaps({**error, **more})


def _without_gaps(error: Document) -> Document:
    if code := error.get("code"):
        error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
    return {name: value for name, value in error.items() if value is not None}
