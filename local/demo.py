"""Demo data, made as people would make it: through the gateway. Made once; a second start finds it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local.api import Api, Refused, ref
from local.secrets import LocalSecrets

ADMIN, ORGANIZER, BUYER = "admin@example.com", "organizer@example.com", "buyer@example.com"
EVENT_NAME = "Harbour Lights Festival"
CODE = "EARLYBIRD"


@dataclass(frozen=True)
class Demo:
    """What the tour needs to know."""

    event_identifier: str
    event_id: str
    ticket_ids: dict[str, str]
    discount_code: str


def load(url: str, secrets: LocalSecrets) -> Demo:
    """Makes sure of the demo's people, event, tickets and code."""
    admin = Api(url).log_in(ADMIN, secrets.super_admin_password)
    for email, password, first, last in (
        (ORGANIZER, secrets.organizer_password, "Olu", "Adeyemi"),
        (BUYER, secrets.buyer_password, "Bea", "Lindqvist"),
    ):
        _make_person(url, admin, email, password, first, last)
    admin.change(
        "/v1/modules", "module", "1", {"ticket-include": True, "payment-include": True, "donation-include": True}
    )
    organizer = Api(url).log_in(ORGANIZER, secrets.organizer_password)
    event = _find_event(organizer) or _make_event(organizer)
    tickets = organizer.get(f"/v1/events/{event['id']}/tickets")["data"]
    return Demo(
        event["attributes"]["identifier"],
        event["id"],
        {ticket["attributes"]["name"]: ticket["id"] for ticket in tickets},
        CODE,
    )


def _make_person(url: str, admin: Api, email: str, password: str, first: str, last: str) -> None:
    attributes = {"email": email, "password": password, "first-name": first, "last-name": last}
    try:
        user = Api(url).create("/v1/users", "user", attributes)
    except Refused as refusal:
        if refusal.status == 409:
            return
        raise
    admin.change(f"/v1/users/{user['id']}", "user", user["id"], {"is-verified": True})


def _find_event(organizer: Api) -> dict[str, Any] | None:
    wanted = f'[{{"name":"name","op":"eq","val":"{EVENT_NAME}"}}]'
    found = organizer.get("/v1/events", params={"filter": wanted})["data"]
    published = [event for event in found if event["attributes"]["state"] == "published"]
    return published[0] if published else None


def _make_event(organizer: Api) -> dict[str, Any]:
    """On sale from yesterday until it starts. It is published last: half an event is not found, and made anew."""
    now = datetime.now(UTC).replace(microsecond=0)
    starts_at = (now + timedelta(days=60)).replace(hour=17, minute=0, second=0)
    sold_from = now - timedelta(days=1)
    event = _make_draft(organizer, starts_at)
    weekend = _make_tickets(organizer, event, sold_from, starts_at)
    _make_code(organizer, event, weekend, sold_from, starts_at)
    return organizer.change(
        f"/v1/events/{event['attributes']['identifier']}", "event", event["id"], {"state": "published"}
    )


def _make_draft(organizer: Api, starts_at: datetime) -> dict[str, Any]:
    return organizer.create(
        "/v1/events",
        "event",
        {
            "name": EVENT_NAME,
            "description": "Two evenings of music and light on the old docks.",
            "starts-at": _text(starts_at),
            "ends-at": _text(starts_at + timedelta(days=2, hours=5)),
            "timezone": "Europe/Berlin",
            "location-name": "Old Docks, Pier 3, Hamburg",
            "payment-country": "DE",
            "payment-currency": "EUR",
            "can-pay-by-stripe": True,
            "can-pay-by-paypal": True,
            "can-pay-by-bank": True,
            "can-pay-onsite": True,
            "paypal-email": "till@example.com",
            "bank-details": "IBAN DE02 1203 0000 0000 2020 51, reference: your order number",
            "after-order-message": "Doors open an hour before the first act. Bring a warm coat.",
            "owner-name": "Harbour Lights e.V.",
            "state": "draft",
        },
    )


def _make_tickets(organizer: Api, event: dict[str, Any], sold_from: datetime, sold_until: datetime) -> dict[str, Any]:
    """One of each kind; the paid one."""
    sale = {"min-order": 1, "sales-starts-at": _text(sold_from), "sales-ends-at": _text(sold_until)}
    donation = {"type": "donation", "min-price": 5.0, "max-price": 500.0}
    paid, *_ = [
        organizer.create("/v1/tickets", "ticket", {**attributes, **sale}, {"event": ref("event", event["id"])})
        for attributes in (
            {"name": "Weekend pass", "type": "paid", "price": 49.0, "quantity": 500, "max-order": 10},
            {"name": "Community", "type": "free", "price": 0, "quantity": 100, "max-order": 4},
            {"name": "Friend of the docks", **donation, "quantity": 200, "max-order": 4},
        )
    ]
    return paid


def _make_code(
    organizer: Api, event: dict[str, Any], ticket: dict[str, Any], good_from: datetime, good_until: datetime
) -> None:
    organizer.create(
        "/v1/discount-codes",
        "discount-code",
        {
            "code": CODE,
            "type": "percent",
            "value": 20,
            "tickets-number": 100,
            "min-quantity": 1,
            "max-quantity": 10,
            "valid-from": _text(good_from),
            "valid-till": _text(good_until),
            "used-for": "ticket",
            "is-active": True,
        },
        {"event": ref("event", event["id"]), "tickets": [ref("ticket", ticket["id"])]},
    )


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
