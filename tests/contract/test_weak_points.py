"""Holes that the known implementation of this API has, tried on ours. docs/compatibility.md lists all of them, and where
the rest is tested."""

import json
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
import requests
import stripe

from local.api import Api, ref
from tests.contract.scene import RECIPES, People, Scene
from tests.journey.stage import PASSWORD, Stage, code_of, number

PRIVATE = {"email", "billing-address", "contact", "details", "is-admin", "last-accessed-at"}

METHODS = {"get", "post", "patch", "delete"}

APART = {"event-topic", "stripe-authorization by keys"}  # the platform's; a second one of the scene's only account

HIDDEN = {"order", "attendee", "access-code", "discount-code", "role-invite", "users-events-roles"}


@pytest.fixture(scope="module")
def scene(people: People) -> Scene:
    """A published event with something of everything; tests here only try to change it."""
    made = Scene(people)
    for key in RECIPES:
        if "keys" not in key and key != "event-topic":
            made.the(key)
    return made.published()


@pytest.fixture(scope="module")
def rival(people: People) -> Api:
    """Somebody who runs an event too, another one."""
    rival = people.stage.person("rival")
    event = Scene(people).document("event")["data"]["attributes"]
    rival.create("/v1/events", "event", event)
    return rival


# Stock and money


def test_nobody_oversells_in_one_cart_or_by_many_at_once(people: People) -> None:
    event = people.stage.on_sale({"Seat": {"type": "paid", "price": 20, "quantity": 10}})
    people.stage.order(people.buyer, event, Seat=9)
    cart = {"tickets": event.cart(Seat=10)}
    refused = people.buyer.send("POST", "/v1/orders/create-order", json=cart)
    assert (refused.status_code, code_of(refused)) == (409, "sold-out")
    one = {"tickets": event.cart(Seat=1)}
    buyers = (people.buyer, people.stranger, people.organizer, people.admin)
    with ThreadPoolExecutor(len(buyers)) as pool:
        answers = list(pool.map(lambda who: who.send("POST", "/v1/orders/create-order", json=one), buyers))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


@pytest.mark.parametrize("mode", [{}, {"payment-mode": None}, *({"payment-mode": each} for each in ("free", "bank"))])
def test_no_buyer_completes_what_is_not_paid(scene: Scene, mode: dict[str, Any]) -> None:
    order = _ordered(scene.people.stage, scene.people.buyer, scene)
    document = {"type": "order", "id": order["id"], "attributes": {"status": "completed", **mode}}
    answer = scene.people.buyer.send("PATCH", f"/v1/orders/{number(order)}", json={"data": document})
    assert answer.status_code == 422
    assert scene.people.stage.status(scene.people.buyer, order) == "initializing"


def test_a_payment_of_another_order_pays_nothing(people: People) -> None:
    """PayPal's approval of a cheap order, shown for a dear one."""
    stage, buyer = people.stage, people.buyer
    event = stage.on_sale({"Cheap": {"type": "paid", "price": 1}, "Dear": {"type": "paid", "price": 900}})
    cheap, dear = stage.order(buyer, event, Cheap=1), stage.order(buyer, event, Dear=1)
    for order in (cheap, dear):
        stage.fill_in(buyer, order)
        stage.choose(buyer, order, "paypal")
    opened = buyer.call("POST", f"/v1/orders/{number(cheap)}/create-paypal-payment", json={})
    approval = buyer.get(f"/v1/orders/{number(cheap)}")["data"]["attributes"]["payment-url"]
    returned = requests.get(approval, allow_redirects=False, timeout=10)
    assert returned.status_code == 302
    ids = {"paypal_payer_id": "PAYER", "paypal_payment_id": opened["payment_id"]}
    body = {"data": {"type": "charge", "attributes": ids}}
    answer = buyer.send("POST", f"/v1/orders/{number(dear)}/charge", json=body)
    assert answer.status_code == 422
    assert stage.status(buyer, dear) == "pending"


@pytest.mark.parametrize("name", ["charge", "verify", "create-paypal-payment", "refund"])
def test_strangers_do_not_pay_or_end_orders_of_others(scene: Scene, name: str) -> None:
    order = _ordered(scene.people.stage, scene.people.buyer, scene)
    stripe_token = {"data": {"type": "charge", "attributes": {"stripe": "tok_visa"}}}
    body = stripe_token if name == "charge" else {}
    for who, statuses in ((scene.people.stranger, {403, 404}), (scene.people.nobody, {401})):
        assert who.send("POST", f"/v1/orders/{number(order)}/{name}", json=body).status_code in statuses
    cancel = {"data": {"type": "order", "id": order["id"], "attributes": {"status": "cancelled"}}}
    assert scene.people.stranger.send("PATCH", f"/v1/orders/{number(order)}", json=cancel).status_code in {403, 404}
    assert scene.people.stage.status(scene.people.buyer, order) == "initializing"
    assert scene.people.stage.stripe_books(order)["charges"] == []


def test_what_is_repeated_charges_and_mails_once(people: People) -> None:
    stage, event, buyer = people.stage, people.stage.on_sale(), people.stage.person()
    order = stage.paid_order(buyer, event)
    stage.has_pdfs(buyer, order)
    stage.mail_to(buyer.address, "your order")
    before = len(stage.mails_to(buyer.address))
    path = f"/v1/orders/{number(order)}"
    assert stage.charge(buyer, order).status_code == 409
    for _ in range(2):
        assert buyer.send("POST", f"{path}/verify", json={}).status_code == 200
        event.organizer.change(path, "order", order["id"], {"status": "completed"})
    time.sleep(3)  # as long as a second round of mails would need
    assert len(stage.mails_to(buyer.address)) == before
    assert len(stage.stripe_books(order)["charges"]) == 1


@pytest.mark.parametrize(("currency", "price", "minor"), [("EUR", 19.99, 1999), ("EUR", 1.15, 115), ("JPY", 500, 500)])
def test_the_provider_is_asked_for_exactly_the_price(people: People, currency: str, price: float, minor: int) -> None:
    event = people.stage.on_sale({"Seat": {"type": "paid", "price": price}}, **{"payment-currency": currency})
    order = people.stage.paid_order(people.buyer, event)
    [charge] = people.stage.stripe_books(order)["charges"]
    assert (charge["amount"], charge["currency"]) == (minor, currency.lower())


def test_who_paid_and_never_came_back_has_a_ticket(people: People) -> None:
    """The browser pays at Stripe and is closed: nobody calls verify."""
    stage, buyer = people.stage, people.buyer
    event = stage.on_sale()
    order = stage.order(buyer, event)
    stage.fill_in(buyer, order)
    stage.choose(buyer, order, "stripe")
    intent = json.loads(stage.charge(buyer, order, None).json()["data"]["attributes"]["message"])
    browser = stripe.StripeClient("pk_test_platform", base_addresses={"api": stage.system.stripe_url})
    params = {"client_secret": intent["client_secret"], "payment_method": "pm_card_visa"}
    browser.v1.payment_intents.confirm(intent["id"], params)  # type: ignore[arg-type]
    stage.becomes(buyer, order, "completed", within_seconds=30)


@pytest.mark.parametrize("trick", [{"discount-verify": False}, {"discount_verify": False}, {"quantity_discount": 99}])
def test_no_word_of_the_client_passes_a_codes_limit(people: People, trick: dict[str, Any]) -> None:
    scene = Scene(people).published()
    code = scene.the("discount-code")
    people.organizer.change(
        f"/v1/discount-codes/{code['id']}", "discount-code", code["id"], {"tickets-number": 2, "max-quantity": 2}
    )
    line = {"id": scene.id("ticket"), "quantity": 2, **trick}
    cart = {"tickets": [line], "discount-code": code["id"], **trick}
    people.buyer.call("POST", "/v1/orders/create-order", json=cart)
    answer = people.buyer.send("POST", "/v1/orders/create-order", json=cart)
    assert (answer.status_code, code_of(answer)) == (422, "discount-exhausted")


@pytest.mark.parametrize("quantity", [-1, 0])
def test_a_negative_line_lowers_no_total(scene: Scene, quantity: int) -> None:
    lines = [{"id": scene.id("ticket"), "quantity": 2}, {"id": scene.id("ticket"), "quantity": quantity}]
    for path in ("/v1/orders/calculate-amount", "/v1/orders/create-order"):
        assert scene.people.buyer.send("POST", path, json={"tickets": lines}).status_code in (400, 422)


def test_as_many_attendees_as_tickets(scene: Scene) -> None:
    cart = {"tickets": [{"id": scene.id("ticket"), "quantity": 3}]}
    order = scene.people.buyer.call("POST", "/v1/orders/create-order", json=cart)["data"]
    attendees = scene.people.buyer.get(f"/v1/orders/{order['id']}/attendees")["data"]
    assert len(attendees) == 3


def test_money_of_many_events_at_once_goes_to_each_ones_account(people: People) -> None:
    """Two events with accounts of their own and one without, paid by several at the same time."""
    stage, buyer = people.stage, people.buyer
    events = [stage.on_sale() for _ in range(3)]
    for event in events[:2]:
        code = {"stripe-auth-code": f"ac_test_{uuid.uuid4().hex}"}
        event.organizer.create(
            "/v1/stripe-authorizations", "stripe-authorization", code, {"event": ref("event", event.id)}
        )
    with ThreadPoolExecutor(6) as pool:
        orders = list(pool.map(lambda event: stage.paid_order(buyer, event), events * 2))
    accounts = [charge["_account"] for order in orders for charge in stage.stripe_books(order)["charges"]]
    assert accounts[:3] == accounts[3:]
    assert len(set(accounts)) == 3


def test_an_order_completes_while_nobody_draws_its_tickets(people: People) -> None:
    stage, event, buyer = people.stage, people.stage.on_sale(), people.buyer
    tickets = stage.system.parts["tickets"]
    tickets.kill()
    try:
        order = stage.paid_order(buyer, event)
        assert stage.status(buyer, order) == "completed"
    finally:
        tickets.start()
        tickets.wait_ready(time.monotonic() + 120)
    stage.has_pdfs(buyer, order)


# Who may read


@pytest.mark.parametrize(
    "path",
    [
        "/v1/orders",
        "/v1/orders/{order}",
        "/v1/attendees/{attendee}",
        "/v1/tickets/{ticket}/attendees",
        "/v1/events/{event}/attendees",
        "/v1/events/{event}/attendees/search?q=Grace",
        "/v1/events/{event}/export/attendees/csv",
        "/v1/events/{event}/orders",
        "/v1/events/{event}/order-statistics",
        "/v1/events/{event}/discount-codes",
        "/v1/events/{event}/access-codes",
        "/v1/events/{event}/role-invites",
        "/v1/discount-codes",
        "/v1/discount-codes/{discount-code}",
        "/v1/access-codes/{access-code}",
        "/v1/role-invites/{role-invite}",
        "/v1/users",
        "/v1/users/{organizer}",
        "/v1/users/{organizer}/orders",
        "/v1/users/{organizer}/notifications",
        "/v1/users/{organizer}/alternate-emails",
        "/v1/users/{organizer}/email-notifications",
        "/v1/users/{organizer}/export",
        "/v1/notifications",
    ],
)
def test_strangers_read_nothing_that_is_not_theirs(scene: Scene, path: str) -> None:
    assert scene.people.nobody.send("GET", _filled(path, scene)).status_code in {401, 403, 404}
    answer = scene.people.stranger.send("GET", _filled(path, scene))
    assert answer.status_code in {403, 404} or answer.json()["data"] == []


@pytest.mark.parametrize(
    ("path", "relations"),
    [
        ("/v1/events/{event}", "owner organizers coorganizers speakers speakers.user roles.user role-invites orders"),
        ("/v1/events/{event}", "attendees discount-codes access-codes tickets.discount-codes tickets.access-codes"),
        ("/v1/events/{event}/tickets", "discount-codes access-codes attendees event.owner event.orders"),
        ("/v1/events/{event}/sessions", "creator speakers.user feedbacks.user"),
        ("/v1/events/{event}/feedbacks", "user user.orders"),
        ("/v1/tickets/{ticket}", "attendees attendees.order access-codes.marketer discount-codes.marketer"),
        ("/v1/speakers/{speaker}", "user event.attendees event.owner"),
    ],
)
def test_nothing_private_is_included(scene: Scene, path: str, relations: str) -> None:
    for who in (scene.people.nobody, scene.people.stranger):
        for relation in relations.split():
            answer = who.send("GET", f"{_filled(path, scene)}?include={relation}")
            assert answer.status_code in {200, 400}, answer.text  # 400: a relation that nobody follows from here
            included = answer.json().get("included", [])
            assert {each["type"] for each in included} & HIDDEN == set(), relation
            for each in included:
                shown = {name for name, value in each.get("attributes", {}).items() if value is not None}
                assert each["type"] not in ("user", "speaker") or not shown & PRIVATE, each


def test_those_who_run_the_event_do_include_it(scene: Scene) -> None:
    """The other side of the test above: its relations are real ones."""
    found = scene.people.organizer.get(_filled("/v1/events/{event}?include=owner,discount-codes,access-codes", scene))
    assert {each["type"] for each in found["included"]} == {"user", "discount-code", "access-code"}


@pytest.mark.parametrize(
    "question",
    [
        'filter=[{{"name": "owner", "op": "has", "val": {{"name": "email", "op": "ilike", "val": "{guess}"}}}}]',
        'filter=[{{"name": "orders", "op": "any", "val": {{"name": "id", "op": "gt", "val": 0}}}}]',
        'filter=[{{"name": "access-codes", "op": "any", "val": {{"name": "code", "op": "ilike", "val": "%"}}}}]',
    ],
)
def test_a_filter_tells_strangers_nothing(scene: Scene, question: str) -> None:
    """What may not be seen is not asked about either: refused, or the same answer whether or not the guess is right."""
    identifier = scene.attribute("event", "identifier")
    narrowed = f"&filter[identifier]={identifier}"
    answers = [
        scene.people.stranger.send("GET", f"/v1/events?{question.format(guess=guess)}{narrowed}")
        for guess in (scene.people.organizer.address, "nobody@example.com")
    ]
    statuses = {answer.status_code for answer in answers}
    assert statuses == {400} or len({str(answer.json()["data"]) for answer in answers}) == 1
    assert statuses == {400} or "any" not in question or answers[0].json()["data"] == []


def test_sorting_tells_strangers_nothing(people: People) -> None:
    """Two events of two owners: sorted by what may not be seen, they stand the same way upwards and downwards."""
    identifiers = [people.stage.on_sale().identifier for _ in range(2)]
    both = f'filter=[{{"name": "identifier", "op": "in_", "val": {json.dumps(identifiers)}}}]'

    def sorted_by(key: str) -> list[str]:
        found = people.stranger.get(f"/v1/events?{both}&sort={key}")["data"]
        return [each["attributes"]["identifier"] for each in found]

    assert sorted_by("-id") == sorted_by("id")[::-1] == identifiers[::-1]
    assert sorted_by("-owner.email") == sorted_by("owner.email") == identifiers
    refused = people.stranger.send("GET", f"/v1/events?{both}&sort=orders.amount")
    assert (refused.status_code, code_of(refused)) == (400, "sort-invalid")


def test_deleted_rows_are_for_admins(people: People) -> None:
    scene = Scene(people).published()
    track = scene.id("track")
    people.organizer.call("DELETE", f"/v1/tracks/{track}?permanent=true")
    path = f"/v1/tracks/{track}?get_trashed=true"
    assert [who.send("GET", path).status_code for who in (people.nobody, people.stranger)] == [404, 404]
    assert people.admin.send("GET", path).status_code == 200, "permanent=true counted for somebody who is no admin"


def test_the_public_settings_hold_no_secret_and_no_billing_data(people: People) -> None:
    shown = people.nobody.get("/v1/settings")["data"]["attributes"]
    assert shown
    words = ("secret", "password", "billing", "invoice", "smtp", "sendgrid", "token")
    assert [name for name, value in shown.items() if value and any(word in name for word in words)] == []


# Who may write


@pytest.mark.parametrize(
    ("call", "type_"),
    [
        ("PATCH /v1/discount-codes/{discount-code}", "discount-code"),
        ("DELETE /v1/discount-codes/{discount-code}", None),
        ("PATCH /v1/access-codes/{access-code}", "access-code"),
        ("DELETE /v1/access-codes/{access-code}", None),
        ("PATCH /v1/stripe-authorizations/{stripe-authorization}", "stripe-authorization"),
        ("DELETE /v1/stripe-authorizations/{stripe-authorization}", None),
        ("DELETE /v1/role-invites/{role-invite}", None),
        ("PATCH /v1/orders/{order}", "order"),
        ("DELETE /v1/orders/{order}", None),
        ("POST /v1/orders/{order}/verify", None),
        ("PATCH /v1/attendees/{attendee}", "attendee"),
        ("DELETE /v1/attendees/{attendee}", None),
        ("DELETE /v1/social-links/{social-link}", None),
        ("DELETE /v1/sponsors/{sponsor}", None),
        ("DELETE /v1/tracks/{track}", None),
        ("PATCH /v1/events/{event}", "event"),
    ],
)
def test_nobody_changes_what_belongs_to_another_event(scene: Scene, rival: Api, call: str, type_: str | None) -> None:
    """To run any event is no right to touch this one."""
    method, path = _filled(call, scene).split()
    id_ = path.split("/")[3]
    body = {"data": {"type": type_, "id": id_, "attributes": {"is-active": False, "name": "Mine"}}} if type_ else None
    assert rival.send(method, path, json=body).status_code in {403, 404}
    assert scene.people.nobody.send(method, path, json=body).status_code == 401


@pytest.mark.parametrize("key", [key for key in RECIPES if key not in APART])
def test_nobody_touches_any_part_of_another_event(scene: Scene, rival: Api, key: str) -> None:
    """Not only the parts above: whatever a scene is made of."""
    recipe, id_ = RECIPES[key], scene.id(key)
    path = f"{recipe.path}/{id_}"
    before = scene.people.admin.send("GET", path)
    attributes = {name: value for name, value in scene.the(key)["attributes"].items() if value is not None}
    changed = {**attributes, "name": "Mine", "description": "Mine", "is-active": False, "title": "Mine"}
    body = {"data": {"type": recipe.type, "id": id_, "attributes": changed}}
    for method, document in (("PATCH", body), ("DELETE", None)):
        assert rival.send(method, path, json=document).status_code in {403, 404, 405}
        assert scene.people.nobody.send(method, path, json=document).status_code in {401, 405}
    after = scene.people.admin.send("GET", path)
    assert (after.status_code, after.json()["data"]) == (200, before.json()["data"])


def test_what_does_not_say_that_it_is_public_answers_nobody(stage: Stage) -> None:
    """Every operation of the public document, without a login."""
    document = stage.nobody.get("/openapi.json")
    answered = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in METHODS and operation["security"] and {} not in operation["security"]:
                filled = path.replace("{order_identifier}", str(uuid.uuid4()))
                answer = stage.nobody.send(method.upper(), re.sub(r"{[^}]+}", "1", filled))
                if answer.status_code != 401:
                    answered.append((method, path, answer.status_code))
    assert answered == []


@pytest.mark.parametrize(
    ("path", "type_", "attributes"),
    [
        ("/v1/tags", "tag", {"name": "vip", "color": "#ff0000"}),
        ("/v1/social-links", "social-link", {"name": "site", "link": "https://example.com"}),
        ("/v1/tracks", "track", {"name": "Mine", "color": "#ff0000"}),
        ("/v1/custom-forms", "custom-form", {"form": "attendee", "field-identifier": "shoe", "type": "text"}),
        ("/v1/role-invites", "role-invite", {"email": "me@example.com", "role-name": "owner"}),
        ("/v1/access-codes", "access-code", {"code": "MINE", "tickets-number": 5}),
    ],
)
def test_nobody_adds_to_another_event(
    scene: Scene, rival: Api, path: str, type_: str, attributes: dict[str, Any]
) -> None:
    relations = {"event": {"data": ref("event", scene.id("event"))}}
    body = {"data": {"type": type_, "attributes": attributes, "relationships": relations}}
    assert rival.send("POST", path, json=body).status_code in {403, 404, 422}
    assert scene.people.nobody.send("POST", path, json=body).status_code == 401


@pytest.mark.parametrize(
    ("path", "related"),
    [
        ("/v1/events/{event}/relationships/coorganizers", "user"),
        ("/v1/tickets/{ticket}/relationships/access-codes", "access-code"),
        ("/v1/discount-codes/{discount-code}/relationships/tickets", "ticket"),
        ("/v1/sessions/{session}/relationships/speakers", "speaker"),
        ("/v1/orders/{order}/relationships/attendees", "attendee"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_relationship_endpoints_are_no_back_door(
    scene: Scene, rival: Api, method: str, path: str, related: str
) -> None:
    key = "organizer" if related == "user" else related
    body = {"data": [ref(related, scene.id(key))]}
    answer = rival.send(method, _filled(path, scene), json=body, media_type="application/vnd.api+json")
    assert answer.status_code in {403, 404, 405}


def test_an_invitation_cannot_be_read_into_a_role(scene: Scene) -> None:
    """Whoever reads it finds no token, and a guessed one is worth nothing."""
    invite = scene.people.organizer.get(f"/v1/role-invites/{scene.id('role-invite')}")["data"]
    assert invite["attributes"]["hash"] is None
    guess = {"data": {"token": "1" * 40}}
    assert scene.people.stranger.send("POST", "/v1/role_invites/accept-invite", json=guess).status_code in {404, 422}


def test_nobody_makes_themselves_an_admin(stage: Stage) -> None:
    person = stage.person("climber")
    power = {"is-admin": True, "is-super-admin": True, "is-sales-admin": True, "is-marketer": True}
    path, id_ = f"/v1/users/{person.user_id}", str(person.user_id)
    person.send("PATCH", path, json={"data": {"type": "user", "id": id_, "attributes": power}})
    shown = person.get(path)["data"]["attributes"]
    assert [name for name in power if shown[name]] == []


# Passwords and settings


def test_a_password_changes_by_its_own_endpoints_only(stage: Stage) -> None:
    """Not by a PATCH of the user, and not by the token that confirmed the address."""
    person = stage.person("locked")
    path, id_ = f"/v1/users/{person.user_id}", str(person.user_id)
    person.change(path, "user", id_, {"password": "chosen-by-a-thief"})
    token = stage.token_in(stage.mail_to(person.address, "confirm"))
    taken = {"data": {"token": token, "password": "chosen-by-a-thief"}}
    assert stage.nobody.send("PATCH", "/v1/auth/reset-password", json=taken).status_code in {400, 404, 422}
    logins = {
        word: stage.nobody.send("POST", "/auth/session", json={"email": person.address, "password": word}).status_code
        for word in ("chosen-by-a-thief", PASSWORD)
    }
    assert logins == {"chosen-by-a-thief": 401, PASSWORD: 200}


def test_a_reset_does_not_tell_who_has_an_account(people: People) -> None:
    answers = [
        people.nobody.send("POST", "/v1/auth/reset-password", json={"data": {"email": address}})
        for address in (people.stranger.address, "nobody-at-all@example.com")
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].text == answers[1].text


def test_a_setting_counts_from_the_moment_it_is_changed(people: People) -> None:
    stage, event = people.stage, people.stage.on_sale()
    minutes = stage.admin.get("/v1/settings")["data"]["attributes"]["order-expiry-time"]
    try:
        for wanted in (25, 35):
            stage.admin.change("/v1/settings", "setting", "1", {"order-expiry-time": wanted})
            times = stage.order(people.buyer, event)["attributes"]
            begins, ends = (datetime.fromisoformat(times[name]) for name in ("created-at", "expires-at"))
            assert round((ends - begins).total_seconds() / 60) == wanted
    finally:
        stage.admin.change("/v1/settings", "setting", "1", {"order-expiry-time": minutes})


def _ordered(stage: Stage, buyer: Api, scene: Scene) -> dict[str, Any]:
    """An order of one ticket of the scene, with its attendee filled in."""
    order: dict[str, Any] = buyer.call(
        "POST", "/v1/orders/create-order", json={"tickets": [{"id": scene.id("ticket"), "quantity": 1}]}
    )["data"]
    stage.fill_in(buyer, order)
    return order


def _filled(path: str, scene: Scene) -> str:
    for key in ("organizer", *RECIPES):
        name = f"{{{key}}}"
        if name in path:
            path = path.replace(name, scene.id(key))
    return path
