"""Buyers and an organizer on a bad day: they do what people do, and try again as a phone does that has no network."""

import random
import time
import uuid
from collections.abc import Callable
from typing import Any

import requests

from chaos.rolling import once_more
from local.api import JSON_API, Api
from tests.journey.stage import OnSale, number

CARDS = ("tok_visa", "tok_visa", "tok_visa", "tok_chargeDeclined")


class GaveUp(Exception):
    """No answer for so long that a person would put the phone away. The order must end well all the same."""


def insist(ask: Callable[[], requests.Response], *, within_seconds: float = 8) -> requests.Response:
    """The same request until there is an answer that is not "later"."""
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        try:
            answer = ask()
            if answer.status_code < 500 and "Retry-After" not in answer.headers:
                return answer
        except requests.RequestException:
            pass
        time.sleep(0.4)
    raise GaveUp


class Person:
    """Somebody who is logged in, with seeded whims. `refused` counts what the system said no to.

    Who `tries_once_more` only repeats a request once, and remembers in `broken` what that did not mend.
    """

    def __init__(self, api: Api, whims: random.Random, *, tries_once_more: bool = False) -> None:
        self.api = api
        self.whims = whims
        self.refused = 0
        self.gave_up = 0
        self.tries_once_more = tries_once_more
        self.broken: list[str] = []

    def send(self, method: str, path: str, body: Any = None, *, media_type: str | None = None) -> requests.Response:
        """One wish under one Idempotency-Key. Sometimes a double click: the same request twice in a row."""
        headers = {"Idempotency-Key": uuid.uuid4().hex} if method != "GET" else {}

        def ask() -> requests.Response:
            return self.api.send(method, path, json=body, media_type=media_type, headers=headers)

        answer = self._hear(ask, f"{method} {path}")
        if method != "GET" and self.whims.random() < 0.15:
            answer = self._hear(ask, f"{method} {path}")
        self.refused += answer.status_code >= 400
        return answer

    def _hear(self, ask: Callable[[], requests.Response], what: str) -> requests.Response:
        if not self.tries_once_more:
            return insist(ask)
        answer = once_more(ask)
        if isinstance(answer, str):
            self.broken.append(f"{what}: {answer}")
            raise GaveUp
        return answer

    def change(self, type_: str, path: str, id_: str, attributes: dict[str, Any]) -> requests.Response:
        """PATCH of a resource."""
        return self.send("PATCH", path, {"data": {"type": type_, "id": id_, "attributes": attributes}})


class Buyer(Person):
    """Buys a few times; every purchase goes another way."""

    def purchase(self, event: OnSale, code: str) -> None:
        """From the cart to whatever end the whims want."""
        try:
            order = self._order(event, code)
            if order is not None and self.whims.random() > 0.12:  # else: closes the browser
                self._fill_in(order)
                self._pay(order)
        except GaveUp:
            self.gave_up += 1

    def _order(self, event: OnSale, code: str) -> dict[str, Any] | None:
        name = self.whims.choices(("Seat", "Free"), (4, 1))[0]
        body: dict[str, Any] = {"tickets": event.cart(**{name: self.whims.randint(1, 3)})}
        if name == "Seat" and self.whims.random() < 0.4:
            body["discount-code"] = code
        answer = self.send("POST", "/v1/orders/create-order", body)
        found: dict[str, Any] | None = answer.json()["data"] if answer.ok else None
        return found

    def _fill_in(self, order: dict[str, Any]) -> None:
        attendees = self.send("GET", f"/v1/orders/{number(order)}/attendees").json()["data"]
        for each in attendees:
            person = {"firstname": "Ada", "lastname": "Lovelace", "email": f"guest-{uuid.uuid4().hex[:12]}@example.com"}
            self.change("attendee", f"/v1/attendees/{each['id']}", each["id"], person)

    def _choose(self, order: dict[str, Any], mode: str, status: str) -> requests.Response:
        attributes = {"payment-mode": mode, "status": status}
        return self.change("order", f"/v1/orders/{number(order)}", order["id"], attributes)

    def _pay(self, order: dict[str, Any]) -> None:
        if not order["attributes"]["amount"]:
            self._choose(order, "free", "completed")
            return
        mode = self.whims.choices(("stripe", "paypal", "bank"), (6, 3, 1))[0]
        chosen = self._choose(order, mode, "placed" if mode == "bank" else "pending")
        if self.whims.random() < 0.12:
            self._choose(order, mode, "cancelled")
            return
        if mode == "paypal" and chosen.ok:
            url = chosen.json()["data"]["attributes"]["payment-url"]
            if url:
                insist(lambda: requests.get(url, allow_redirects=False, timeout=10))
            self._charge(order, None)
        elif mode == "stripe":
            card = self.whims.choice(CARDS)
            self._charge(order, card)
            if card != "tok_visa":
                self._charge(order, "tok_visa")

    def _charge(self, order: dict[str, Any], token: str | None) -> None:
        body = {"data": {"type": "charge", "attributes": {"stripe": token} if token else {}}}
        self.send("POST", f"/v1/orders/{number(order)}/charge", body, media_type=JSON_API)


class Organizer(Person):
    """Confirms what was paid by bank, gives money back, cancels. Looks once at every order and state."""

    def __init__(self, api: Api, whims: random.Random, *, tries_once_more: bool = False) -> None:
        super().__init__(api, whims, tries_once_more=tries_once_more)
        self._seen: set[tuple[str, str]] = set()

    def work(self, event: OnSale) -> None:
        """Once through the event's orders."""
        try:
            orders = self.send("GET", f"/v1/events/{event.identifier}/orders?page[size]=100").json().get("data", [])
            for order in orders:
                looked_at = (order["id"], order["attributes"]["status"])
                if looked_at not in self._seen:
                    self._seen.add(looked_at)
                    self._decide(order)
        except GaveUp:
            self.gave_up += 1

    def _decide(self, order: dict[str, Any]) -> None:
        status, path = order["attributes"]["status"], f"/v1/orders/{number(order)}"
        luck = self.whims.random()
        if status == "placed" and luck < 0.7:
            self.change("order", path, order["id"], {"status": "completed"})
        elif status == "completed" and luck < 0.15:
            self.change("order", path, order["id"], {"status": "cancelled", "cancel-note": "It will rain."})
        elif status == "completed" and luck < 0.4:
            attendees = self.send("GET", f"{path}/attendees").json()["data"]
            if attendees:  # else all of them were given back before
                self.send("POST", f"{path}/refund", {"attendees": [attendees[0]["id"]], "reason": "ill"})
        elif status == "completed" and luck < 0.55 and order["attributes"]["amount"]:
            self.send("POST", f"{path}/refund", {"amount": 5})
