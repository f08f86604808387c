"""Fixtures of the tests of events: the service itself, orders as a peer that agrees, and shorthands for documents."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis import db as database
from chassis.errors import Conflict
from chassis.testing import Client, service_fixtures
from proto.orders import orders_pb2 as orders_pb
from services.events import defaults, details, offers
from services.events.main import SERVICE

globals().update(service_fixtures(SERVICE))

Published = Callable[..., list[Any]]

OWNER, STRANGER, ADMIN, SUPER = 7, 8, 90, 91
NOW = datetime.now(UTC).replace(microsecond=0)
START = NOW + timedelta(days=30)


def text(moment: datetime) -> str:
    """A time as documents write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(autouse=True)
def installed(app: Any, clean: None) -> Iterator[None]:
    """Every test begins with what an installation begins with, and with all modules on."""
    with database.engine().begin() as connection:
        defaults.install(connection)
        connection.exec_driver_sql(
            "UPDATE modules SET ticket_include = true, payment_include = true, donation_include = true"
        )
    offers.forget_all()
    details.forget_all()
    yield
    offers.forget_all()
    details.forget_all()


class Orders:
    """The orders service, as far as events asks it."""

    def __init__(self) -> None:
        self.restricted: list[orders_pb.RestrictRequest] = []
        self.sold: dict[int, int] = {}
        self.orders = 0
        self.used_codes: list[int] = []
        self.before_answer: Callable[[], object] = lambda: None

    def restrict(self, request: orders_pb.RestrictRequest) -> orders_pb.RestrictReply:
        """Refuses limits below what is sold."""
        self.restricted.append(request)
        self.before_answer()
        for limit in request.tickets:
            sold = self.sold.get(limit.ticket_id, 0)
            if sold > limit.capacity or (limit.must_be_unsold and sold):
                raise Conflict("More is sold already.", code="below-sold", meta={"held": 0, "sold": sold})
        return orders_pb.RestrictReply()

    def availability(self, request: orders_pb.AvailabilityRequest) -> orders_pb.AvailabilityReply:
        """What is sold."""
        stocks = [orders_pb.TicketStock(ticket_id=key, sold=sold) for key, sold in self.sold.items()]
        return orders_pb.AvailabilityReply(tickets=stocks)

    def sales(self, request: orders_pb.EventSalesRequest) -> orders_pb.EventSales:
        """How many orders there are."""
        return orders_pb.EventSales(has_orders=self.orders > 0)

    def used(self, request: orders_pb.UsedCodesRequest) -> orders_pb.UsedCodes:
        """Which codes somebody ordered with."""
        return orders_pb.UsedCodes(discount_code_ids=self.used_codes)


@pytest.fixture
def orders(peer: Callable[..., None]) -> Orders:
    """An orders service that answers."""
    fake = Orders()
    peer(
        "orders",
        Restrict=fake.restrict,
        GetAvailability=fake.availability,
        GetEventSales=fake.sales,
        GetUsedCodes=fake.used,
    )
    return fake


class Making:
    """What tests begin with, made through the API by its organizer."""

    def __init__(self, client: Client) -> None:
        self.anyone = client
        self.owner = client.as_user(OWNER)
        self.stranger = client.as_user(STRANGER)
        self.admin = client.as_user(ADMIN, role="admin")
        self.super_admin = client.as_user(SUPER, role="super-admin")

    def event(self, **attributes: Any) -> dict[str, Any]:
        """A published event that takes bank transfers."""
        given = {
            "name": "Opening night",
            "starts-at": text(START),
            "ends-at": text(START + timedelta(hours=5)),
            "timezone": "Europe/Berlin",
            "state": "published",
            "payment-currency": "EUR",
            "can-pay-by-bank": True,
            "is-tax-enabled": True,
            "is-sessions-speakers-enabled": True,
            **{name.replace("_", "-"): value for name, value in attributes.items()},
        }
        return made(self.owner.post("/v1/events", json={"data": {"type": "event", "attributes": given}}))

    def child(self, path: str, kind: str, event: dict[str, Any], /, **attributes: Any) -> Any:
        """A POST of something that belongs to an event, by its owner or `by` somebody; the answer."""
        related, by = attributes.pop("related", {}), attributes.pop("by", self.owner)
        document = {
            "type": kind,
            "attributes": {name.replace("_", "-"): value for name, value in attributes.items()},
            "relationships": {"event": to("event", event["id"]), **related},
        }
        return by.post(f"/v1/{path}", json={"data": document})

    def ticket(self, event: dict[str, Any], **attributes: Any) -> dict[str, Any]:
        """A ticket for 50 euros, of which there are 100."""
        given = {
            "name": "Stalls",
            "type": "paid",
            "price": 50,
            "quantity": 100,
            "sales_starts_at": text(NOW - timedelta(days=1)),
            "sales_ends_at": text(START),
            **attributes,
        }
        return made(self.child("tickets", "ticket", event, **given))

    def discount(self, event: dict[str, Any], *ticket_ids: str, **attributes: Any) -> dict[str, Any]:
        """A code of 10 per cent for these tickets."""
        given = {
            "code": "SPRING",
            "type": "percent",
            "value": 10,
            "is_active": True,
            "used_for": "ticket",
            **attributes,
        }
        related = {"tickets": {"data": [{"type": "ticket", "id": each} for each in ticket_ids]}}
        return made(self.child("discount-codes", "discount-code", event, related=related, **given))

    def access(self, event: dict[str, Any], *ticket_ids: str, **attributes: Any) -> dict[str, Any]:
        """An access code for these tickets."""
        given = {"code": "BACKSTAGE", "is_active": True, **attributes}
        related = {"tickets": {"data": [{"type": "ticket", "id": each} for each in ticket_ids]}}
        return made(self.child("access-codes", "access-code", event, related=related, **given))


@pytest.fixture
def making(client: Client) -> Making:
    """See `Making`."""
    return Making(client)


def to(kind: str, identity: str | None) -> dict[str, Any]:
    """A to-one relation of a document."""
    return {"data": None if identity is None else {"type": kind, "id": identity}}


def made(answer: Any) -> dict[str, Any]:
    """The resource of a 201."""
    assert answer.status_code == 201, answer.text
    resource: dict[str, Any] = answer.json()["data"]
    return resource


def patch(by: Client, path: str, kind: str, identity: str, **attributes: Any) -> Any:
    """A PATCH of some attributes."""
    given = {name.replace("_", "-"): value for name, value in attributes.items()}
    return by.patch(path, json={"data": {"type": kind, "id": identity, "attributes": given}})


def code_of(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["errors"][0]["code"]
