"""Every operation as every relation, through HTTP, against the declared policy; and a refusal changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from chassis import db as chassis_db
from chassis.testing import Client
from services.orders.domain.policy import POLICY, Operation, Relation, may, relations
from services.orders.models import Base
from services.orders.tests.fair import EVENT, Fair, patch
from services.orders.tests.test_orders import attendee_body, order_body

CALLERS: dict[Relation, tuple[int, str]] = {
    Relation.USER: (3, "user"),
    Relation.HOLDER: (4, "user"),
    Relation.BUYER: (1, "user"),
    Relation.REGISTRAR: (51, "user"),
    Relation.EVENT_ADMIN: (50, "user"),
    Relation.SERVER_ADMIN: (99, "admin"),
}
HELD: dict[Relation, frozenset[Relation]] = {
    Relation.USER: relations(),
    Relation.HOLDER: relations(is_holder=True),
    Relation.BUYER: relations(is_buyer=True),
    Relation.REGISTRAR: relations(roles=["registrar"]),
    Relation.EVENT_ADMIN: relations(roles=["coorganizer"]),
    Relation.SERVER_ADMIN: relations(is_server_admin=True),
}
SEEN: dict[Operation, Operation] = dict.fromkeys(
    (
        Operation.EDIT_ORDER,
        Operation.SET_STATUS,
        Operation.EDIT_EVERYTHING,
        Operation.DELETE_ORDER,
        Operation.CHARGE_ORDER,
        Operation.REFUND_ORDER,
        Operation.RESEND_TICKETS,
    ),
    Operation.VIEW_ORDER,
) | dict.fromkeys((Operation.EDIT_ATTENDEE, Operation.CHECK_IN, Operation.DELETE_ATTENDEE), Operation.VIEW_ATTENDEE)


class Case:
    """One order with an attendee whose address is user 4's, placed by user 1, and a tag of the event."""

    def __init__(self, client: Client, fair: Fair, status: str = "initializing") -> None:
        fair.roles.update({50: ["coorganizer"], 51: ["registrar"]})
        buyer, admin = client.as_user(1), client.as_user(99, role="admin")
        self.order = buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 1}]}).json()["data"]
        self.path = f"/v1/orders/{self.order['attributes']['identifier']}"
        self.attendee = buyer.get(f"{self.path}/attendees").json()["data"][0]
        body = patch(self.attendee, "attendee", email="user4@example.com", firstname="Ann")
        assert buyer.patch(f"/v1/attendees/{self.attendee['id']}", json=body).status_code == 200
        change = patch(self.order, status=status, payment_mode="onsite" if status == "completed" else "stripe")
        assert admin.patch(self.path, json=change).status_code == 200
        self.loose = buyer.post("/v1/attendees", json=attendee_body(1)).json()["data"]["id"]


def _edit(case: Case, client: Client) -> Any:
    return client.patch(case.path, json=patch(case.order, city="Rome"))


def _own_terms(case: Case, client: Client) -> Any:
    attendee = client.post("/v1/attendees", json=attendee_body(1)).json()["data"]["id"]
    return client.post("/v1/orders", json=order_body(attendee, amount=1, status="placed", payment_mode="bank"))


def _tag(case: Case, client: Client) -> Any:
    event = {"event": {"data": {"type": "event", "id": str(EVENT)}}}
    return client.post(
        "/v1/tags", json={"data": {"type": "tag", "attributes": {"name": "VIP"}, "relationships": event}}
    )


REQUESTS: dict[Operation, Callable[[Case, Client], Any]] = {
    Operation.LIST_ALL_ORDERS: lambda case, client: client.get("/v1/orders"),
    Operation.LIST_EVENT_ORDERS: lambda case, client: client.get(f"/v1/events/{EVENT}/orders"),
    Operation.CREATE_ORDER: lambda case, client: client.post("/v1/orders/create-order", json={"tickets": [{"id": 1}]}),
    Operation.VIEW_ORDER: lambda case, client: client.get(case.path),
    Operation.SET_STATUS: lambda case, client: client.patch(case.path, json=patch(case.order, status="cancelled")),
    Operation.DELETE_ORDER: lambda case, client: client.delete(case.path),
    Operation.CHARGE_ORDER: lambda case, client: client.post(f"{case.path}/verify"),
    Operation.REFUND_ORDER: lambda case, client: client.post(f"{case.path}/refund", json={"amount": 1}),
    Operation.RESEND_TICKETS: lambda case, client: client.post(
        "/v1/orders/resend-email", json={"data": {"order": case.order["attributes"]["identifier"]}}
    ),
    Operation.LIST_EVENT_ATTENDEES: lambda case, client: client.get(f"/v1/events/{EVENT}/attendees"),
    Operation.VIEW_ATTENDEE: lambda case, client: client.get(f"/v1/attendees/{case.attendee['id']}"),
    Operation.EDIT_ATTENDEE: lambda case, client: client.patch(
        f"/v1/attendees/{case.attendee['id']}", json=patch(case.attendee, "attendee", city="Rome")
    ),
    Operation.DELETE_ATTENDEE: lambda case, client: client.delete(f"/v1/attendees/{case.loose}"),
    Operation.VIEW_STATISTICS: lambda case, client: client.get(f"/v1/events/{EVENT}/order-statistics"),
    Operation.EXPORT_ATTENDEES: lambda case, client: client.get(f"/v1/events/{EVENT}/export/attendees/csv"),
    Operation.EDIT_TAGS: _tag,
}
# What is not refused but left out where it is not allowed: (request, whether it had its effect).
SILENT: dict[Operation, tuple[Callable[[Case, Client], Any], Callable[[Any], bool]]] = {
    Operation.EDIT_ORDER: (_edit, lambda answer: answer.json()["data"]["attributes"].get("city") == "Rome"),
    Operation.EDIT_EVERYTHING: (
        lambda case, client: client.patch(case.path, json=patch(case.order, amount=1)),
        lambda answer: answer.json()["data"]["attributes"]["amount"] == 1,
    ),
    Operation.SET_OWN_TERMS: (_own_terms, lambda answer: answer.json()["data"]["attributes"]["amount"] == 1),
    Operation.EDIT_ATTENDEE: (
        REQUESTS[Operation.EDIT_ATTENDEE],
        lambda answer: answer.json()["data"]["attributes"]["city"] == "Rome",
    ),
    Operation.CHECK_IN: (
        lambda case, client: client.patch(
            f"/v1/attendees/{case.attendee['id']}", json=patch(case.attendee, "attendee", attendee_notes="tall")
        ),
        lambda answer: answer.json()["data"]["attributes"]["attendee-notes"] == "tall",
    ),
}
COMPLETED = {Operation.REFUND_ORDER, Operation.RESEND_TICKETS}


@pytest.mark.parametrize("operation", REQUESTS)
def test_operations_are_allowed_as_the_policy_says(
    operation: Operation, client: Client, fair: Fair, bank: Any, published: Callable[..., list[Any]]
) -> None:
    for relation, (user_id, role) in CALLERS.items():
        case = Case(client, fair, "completed" if operation in COMPLETED else "pending")
        before = _everything() if not may(operation, HELD[relation]) else None
        said = len(published())
        answer = REQUESTS[operation](case, client.as_user(user_id, role=role))
        if before is None:
            assert answer.status_code in (200, 201), (relation, answer.text)
        elif operation is Operation.EDIT_ATTENDEE and relation is Relation.REGISTRAR:
            assert answer.json()["data"]["attributes"]["city"] is None
        else:
            assert answer.status_code == _refusal(operation, relation), (relation, answer.text)
            assert (_everything(), len(published())) == (before, said), relation
        if operation is Operation.EDIT_TAGS:
            _forget_tags()


@pytest.mark.parametrize("operation", SILENT)
def test_what_a_caller_may_not_set_is_left_out(operation: Operation, client: Client, fair: Fair, bank: Any) -> None:
    request, had_effect = SILENT[operation]
    for relation, (user_id, role) in CALLERS.items():
        answer = request(Case(client, fair, "pending"), client.as_user(user_id, role=role))
        if may(operation, HELD[relation]):
            assert answer.status_code in (200, 201), (relation, answer.text)
            assert had_effect(answer), relation
        else:
            assert answer.status_code in (200, 201, 403, 404), (relation, answer.text)
            assert answer.status_code in (403, 404) or not had_effect(answer), relation


def test_nobody_does_anything_without_a_login(client: Client, fair: Fair) -> None:
    case = Case(client, fair)
    for operation, request in {**REQUESTS, Operation.EDIT_ORDER: _edit}.items():
        assert request(case, client).status_code == 401, operation


def test_the_table_names_every_operation_and_the_tests_drive_each() -> None:
    assert set(POLICY) == set(Operation) == set(REQUESTS) | set(SILENT)


def test_a_holder_sees_only_the_own_row_and_nothing_of_the_buyer(client: Client, fair: Fair) -> None:
    case = Case(client, fair)
    holder = client.as_user(4)
    shown = holder.get(f"{case.path}?include=attendees,user").json()
    assert "city" not in shown["data"]["attributes"]
    assert "user" not in shown["data"]["relationships"]
    assert [each["id"] for each in shown["included"]] == [case.attendee["id"]]
    listed = holder.get("/v1/users/4/orders").json()
    assert [each["id"] for each in listed["data"]] == [case.order["id"]]
    assert holder.get("/v1/users/1/orders").status_code == 403
    unverified = client.as_user(4, is_verified=False)
    assert unverified.get("/v1/users/4/orders").json()["data"] == []
    assert unverified.get(case.path).status_code == 404


def test_filters_and_sorting_reach_no_further_than_the_eye(client: Client, fair: Fair) -> None:
    case = Case(client, fair)
    holder = client.as_user(4)
    for name in ("city", "order-notes", "transaction-id"):
        found = holder.get(f'/v1/users/4/orders?filter=[{{"name":"{name}","op":"isnot","val":null}}]&sort={name}')
        assert found.json()["data"] == []
    by_user = '[{"name":"user","op":"has","val":{"name":"email","op":"ilike","val":"%"}}]'
    assert holder.get(f"/v1/users/4/orders?filter={by_user}").json()["data"] == []
    assert case.order


def _refusal(operation: Operation, relation: Relation) -> int:
    if operation is Operation.VIEW_ORDER or operation is Operation.VIEW_ATTENDEE:
        return 404
    if operation is Operation.DELETE_ORDER:
        return 403  # refused by role, before anybody looks for it
    seen_by = SEEN.get(operation)
    if operation is Operation.DELETE_ATTENDEE and relation in (Relation.REGISTRAR, Relation.HOLDER):
        return 404  # a loose attendee is nobody else's
    return 404 if seen_by is not None and not may(seen_by, HELD[relation]) else 403


def _everything() -> dict[str, list[Any]]:
    """All rows of this service's own tables but what it learns of roles."""
    with chassis_db.engine().connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(sa.select(table)).all()))
            for table in Base.metadata.sorted_tables
            if not table.name.startswith("replica") and table.name != "event_roles"
        }


def _forget_tags() -> None:
    with chassis_db.engine().begin() as connection:
        connection.exec_driver_sql("DELETE FROM tags")
