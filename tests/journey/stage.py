"""What journeys are made of: people who sign up, organizers with an event on sale, orders, mails and PDFs."""

import email
import email.policy
import itertools
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import cached_property
from typing import Any, TypeVar

import psycopg
import pypdfium2
import requests
from psycopg.rows import dict_row

from local.api import Api, ref
from local.demo import ADMIN
from tests.journey.running import Running

T = TypeVar("T")
PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


def eventually(look: Callable[[], T | None], *, within_seconds: float = 20, what: str = "it") -> T:
    """What `look` finds, as soon as it finds something true."""
    deadline = time.monotonic() + within_seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {within_seconds} s; last seen: {found!r}")
        time.sleep(0.1)


def insist(ask: Callable[[], requests.Response], *, within_seconds: float = 60) -> requests.Response:
    """As a phone does that loses the network: the same request until there is an answer that is not "later"."""
    deadline = time.monotonic() + within_seconds
    while True:
        try:
            answer = ask()
            if answer.status_code < 500 and "Retry-After" not in answer.headers:
                return answer
            heard = f"{answer.status_code} {answer.text}"
        except requests.ConnectionError as error:
            heard = str(error)
        assert time.monotonic() < deadline, f"no answer within {within_seconds:g} s, but: {heard}"
        time.sleep(0.3)


def text_of_pdf(content: bytes) -> str:
    """All pages' text, white space folded."""
    document = pypdfium2.PdfDocument(content)
    return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in document).split())


@dataclass(frozen=True)
class OnSale:
    """An event that people can buy tickets of."""

    organizer: Api
    id: str
    identifier: str
    tickets: dict[str, str]

    def cart(self, **quantities: int) -> list[dict[str, Any]]:
        """Lines by ticket name."""
        return [{"id": self.tickets[name], "quantity": quantity} for name, quantity in quantities.items()]


class Stage:
    """Makes people and events on a running system."""

    def __init__(self, system: Running) -> None:
        self.system = system
        self.nobody = Api(system.url)

    @cached_property
    def admin(self) -> Api:
        """The super admin."""
        return Api(self.system.url).log_in(ADMIN, self.system.super_admin_password)

    def set_up(self) -> "Stage":
        """The operator's first act: modules on."""
        self.admin.change(
            "/v1/modules", "module", "1", {"ticket-include": True, "payment-include": True, "donation-include": True}
        )
        return self

    def person(self, name: str = "person") -> Api:
        """Somebody who signed up, opened the mail, and logged in."""
        address = f"{name}-{next(_numbers)}-{uuid.uuid4().hex[:6]}@example.com"
        self.nobody.create(
            "/v1/users",
            "user",
            {"email": address, "password": PASSWORD, "first-name": name.capitalize(), "last-name": "Example"},
        )
        token = self.token_in(self.mail_to(address, "confirm"))
        self.nobody.call("POST", "/v1/auth/verify-email", json={"data": {"token": token}})
        return self.nobody.log_in(address, PASSWORD)

    def mails_to(self, address: str) -> list[EmailMessage]:
        """All mails to this address, oldest first."""
        mails = [_read_mail(content) for content in self.system.mails() if address.encode() in content]
        return [mail for mail in mails if address in str(mail["To"])]

    def mail_to(self, address: str, subject: str) -> EmailMessage:
        """The newest mail to this address with this in its subject, as soon as it is there."""

        def look() -> EmailMessage | None:
            found = [mail for mail in self.mails_to(address) if subject.lower() in str(mail["Subject"]).lower()]
            return found[-1] if found else None

        return eventually(look, what=f"a mail to {address} about {subject!r}")

    def token_in(self, mail: EmailMessage) -> str:
        """The token in the link that the mail carries."""
        body = mail.get_body(("plain",))
        assert body is not None
        found = re.search(r"[?&]token=([A-Za-z0-9_.~-]+)", body.get_content())
        assert found, body.get_content()
        return found.group(1)

    def on_sale(
        self, tickets: dict[str, dict[str, Any]] | None = None, organizer: Api | None = None, /, **attributes: Any
    ) -> OnSale:
        """A published event of a new organizer, or of this one.

        `tickets`: name to attributes (default: one paid ticket "Seat" for 20 EUR).
        """
        organizer = organizer or self.person("organizer")
        now = datetime.now(UTC).replace(microsecond=0)
        event = organizer.create(
            "/v1/events",
            "event",
            {
                "name": f"Concert {next(_numbers)}",
                "starts-at": text(now + timedelta(days=30)),
                "ends-at": text(now + timedelta(days=30, hours=4)),
                "timezone": "Europe/Berlin",
                "location-name": "Town Hall",
                "payment-currency": "EUR",
                "payment-country": "DE",
                "can-pay-by-stripe": True,
                "can-pay-by-paypal": True,
                "can-pay-by-bank": True,
                "paypal-email": "till@example.com",
                "bank-details": "IBAN DE02 1203 0000 0000 2020 51",
                **attributes,
            },
        )
        made: dict[str, str] = {}
        for name, given in (tickets or {"Seat": {"type": "paid", "price": 20}}).items():
            ticket = organizer.create(
                "/v1/tickets",
                "ticket",
                {
                    "name": name,
                    "quantity": 100,
                    "min-order": 1,
                    "max-order": min(10, given.get("quantity", 10)),
                    "sales-starts-at": text(now - timedelta(days=1)),
                    "sales-ends-at": text(now + timedelta(days=29)),
                    **given,
                },
                {"event": ref("event", event["id"])},
            )
            made[name] = ticket["id"]
        organizer.change(f"/v1/events/{event['id']}", "event", event["id"], {"state": "published"})
        return OnSale(organizer, event["id"], event["attributes"]["identifier"], made)

    def discount(self, event: OnSale, **attributes: Any) -> dict[str, Any]:
        """A discount code for all of the event's tickets (default: 10 %)."""
        now = datetime.now(UTC).replace(microsecond=0)
        return event.organizer.create(
            "/v1/discount-codes",
            "discount-code",
            {
                "code": f"CODE{next(_numbers)}",
                "type": "percent",
                "value": 10,
                "tickets-number": 100,
                "min-quantity": 1,
                "max-quantity": 10,
                "valid-from": text(now - timedelta(days=1)),
                "valid-till": text(now + timedelta(days=20)),
                "used-for": "ticket",
                "is-active": True,
                **attributes,
            },
            {
                "event": ref("event", event.id),
                "tickets": [ref("ticket", ticket) for ticket in event.tickets.values()],
            },
        )

    def order(self, buyer: Api, event: OnSale, *, discount: str | None = None, **quantities: int) -> dict[str, Any]:
        """One call: an order in `initializing` with its blank attendees."""
        body: dict[str, Any] = {"tickets": event.cart(**(quantities or {"Seat": 1}))}
        if discount:
            body["discount-code"] = discount
        made: dict[str, Any] = buyer.call("POST", "/v1/orders/create-order", json=body)["data"]
        return made

    def fill_in(self, buyer: Api, order: dict[str, Any], *people: tuple[str, str, str]) -> list[str]:
        """Names and addresses of the attendees; their ids. `people`: first name, last name, address."""
        attendees = buyer.get(f"/v1/orders/{number(order)}/attendees")["data"]
        given = people or tuple(
            ("Ada", f"Guest{at}", f"guest{at}-{uuid.uuid4().hex[:6]}@example.com") for at in range(99)
        )
        for attendee, (first, last, address) in zip(attendees, given, strict=False):
            buyer.change(
                f"/v1/attendees/{attendee['id']}",
                "attendee",
                attendee["id"],
                {"firstname": first, "lastname": last, "email": address},
            )
        return [attendee["id"] for attendee in attendees]

    def choose(self, buyer: Api, order: dict[str, Any], mode: str, status: str = "pending") -> dict[str, Any]:
        """The buyer picks a way to pay."""
        return buyer.change(
            f"/v1/orders/{number(order)}", "order", order["id"], {"payment-mode": mode, "status": status}
        )

    def charge(
        self,
        buyer: Api,
        order: dict[str, Any],
        token: str | None = "tok_visa",  # noqa: S107 (everybody's test card)
        **rest: Any,
    ) -> requests.Response:
        """POST …/charge, whatever the answer."""
        attributes = {"stripe": token} if token is not None else {}
        body = {"data": {"type": "charge", "attributes": attributes}}
        return buyer.send("POST", f"/v1/orders/{number(order)}/charge", json=body, **rest)

    def paid_order(self, buyer: Api, event: OnSale, **quantities: int) -> dict[str, Any]:
        """Ordered, filled in and paid by card."""
        order = self.order(buyer, event, discount=None, **quantities)
        self.fill_in(buyer, order)
        self.choose(buyer, order, "stripe")
        answer = self.charge(buyer, order)
        assert answer.status_code == 200, answer.text
        return order

    def status(self, buyer: Api, order: dict[str, Any]) -> str:
        """The order's status now."""
        found: str = buyer.get(f"/v1/orders/{number(order)}")["data"]["attributes"]["status"]
        return found

    def becomes(self, buyer: Api, order: dict[str, Any], status: str, within_seconds: float = 20) -> None:
        """Waits until the order has this status."""
        eventually(
            lambda: self.status(buyer, order) == status, within_seconds=within_seconds, what=f"the order being {status}"
        )

    def has_pdfs(self, buyer: Api, order: dict[str, Any]) -> list[dict[str, Any]]:
        """The order's attendees, as soon as each has a PDF."""

        def look() -> list[dict[str, Any]] | None:
            attendees: list[dict[str, Any]] = buyer.get(f"/v1/orders/{number(order)}/attendees")["data"]
            return attendees if all(each["attributes"]["pdf-url"] for each in attendees) else None

        return eventually(look, what="a PDF for each attendee", within_seconds=30)

    def stripe_books(self, order: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """What the card provider's books say of this order: charges that took money, and refunds."""
        books = requests.get(f"{self.system.stripe_url}/_control/books", timeout=10).json()
        intents = [each for each in books["payment_intents"] if number(order) in str(each.get("metadata", {}))]
        ids = {each["id"] for each in intents}
        charges = [each for each in books["charges"] if each.get("payment_intent") in ids and each.get("captured")]
        taken = {each["id"] for each in charges if each["status"] == "succeeded"}
        return {
            "charges": [each for each in charges if each["id"] in taken],
            "refunds": [each for each in books["refunds"] if each.get("charge") in taken],
        }

    def fault(self, provider: str, **fault: Any) -> None:
        """Scripts a fault of the fake provider."""
        url = self.system.stripe_url if provider == "stripe" else self.system.paypal_url
        answer = requests.post(f"{url}/_control/faults", json=fault, timeout=10)
        assert answer.ok, answer.text

    def rows(self, service: str, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        """What a service's database says. For looking, and for turning a clock back; never for a short cut."""
        with psycopg.connect(self.system.database_urls[service], autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []


def number(order: dict[str, Any]) -> str:
    """The order's identifier."""
    return str(order["attributes"]["identifier"])


def code_of(answer: requests.Response) -> str:
    """The code of a refusal."""
    return str(answer.json()["errors"][0]["code"])


def text(moment: datetime) -> str:
    """As the API writes times."""
    return moment.isoformat().replace("+00:00", "Z")


def _read_mail(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message
