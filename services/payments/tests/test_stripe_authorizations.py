"""Organizers' Stripe accounts: who may link them, what is shown, and where the money goes."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from chassis import db as database
from chassis import replicas
from chassis.testing import Client
from local.fakes.running import RunningFake
from proto.events.events_pb2 import EventRole, EventRoleChanged, EventRolePage
from proto.payments.payments_pb2 import PaymentRefunded, StripeAuthorizationChanged
from services.payments import consumers, jobs
from services.payments.clients import accounts
from services.payments.tests.conftest import COORGANIZER, ORGANIZER, Shop, rows
from services.payments.tests.steps import ask, deliver, document, events, link

STRANGER = 3
Peer = Callable[..., None]


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_an_organizer_links_an_account_and_sees_its_public_parts(
    client: Client, world: RunningFake, published: Any
) -> None:
    answer = link(client)
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert answer.headers["Location"] == f"/v1/stripe-authorizations/{data['id']}"
    assert data["attributes"]["stripe-publishable-key"].startswith("pk_test_")
    assert set(data["attributes"]) == {"stripe-publishable-key", "stripe-user-id", "stripe-email"}
    assert "event" in data["relationships"]
    (said,) = published(StripeAuthorizationChanged)
    assert (said.event_id, said.version, said.is_linked, str(said.authorization_id)) == (7, 1, True, data["id"])
    assert said.publishable_key == data["attributes"]["stripe-publishable-key"]


def test_everybody_else_who_is_logged_in_sees_the_publishable_key_only(client: Client, world: RunningFake) -> None:
    number = link(client).json()["data"]["id"]
    for path in (
        f"/v1/stripe-authorizations/{number}",
        f"/v1/stripe-authorization/{number}",
        "/v1/events/7/stripe-authorization",
        "/v1/events/abcd1234/stripe-authorization",
    ):
        answer = client.as_user(STRANGER).get(path)
        assert (answer.status_code, list(answer.json()["data"]["attributes"])) == (200, ["stripe-publishable-key"]), (
            path
        )
        assert client.get(path).status_code == 401
    linkage = client.as_user(STRANGER).get(f"/v1/stripe-authorizations/{number}/relationships/event")
    assert linkage.json()["data"] == {"type": "event", "id": "7"}


def test_an_event_without_an_account_has_none(client: Client, world: RunningFake) -> None:
    assert client.as_user(STRANGER).get("/v1/events/7/stripe-authorization").status_code == 404
    assert client.as_user(STRANGER).get("/v1/stripe-authorizations/1").status_code == 404


@pytest.mark.parametrize("user", [COORGANIZER, STRANGER])
def test_below_organizer_nobody_links_changes_or_removes(client: Client, world: RunningFake, user: int) -> None:
    assert code_of(link(client, user)) == (403, "event-role-required")
    number = link(client).json()["data"]["id"]
    somebody = client.as_user(user)
    change = {"data": {"type": "stripe-authorization", "id": number, "attributes": {"stripe-auth-code": "ac_test_2"}}}
    assert code_of(somebody.patch(f"/v1/stripe-authorizations/{number}", json=change)) == (403, "event-role-required")
    assert code_of(somebody.delete(f"/v1/stripe-authorizations/{number}")) == (403, "event-role-required")
    assert code_of(somebody.delete(f"/v1/stripe-authorization/{number}")) == (403, "event-role-required")
    assert rows("SELECT version, deleted_at FROM stripe_authorizations") == [(1, None)]


def test_server_admins_may(client: Client, world: RunningFake) -> None:
    admin = client.as_user(99, role="admin")
    assert admin.post("/v1/stripe-authorizations", json=document()).status_code == 201


def test_the_role_is_remembered_and_follows_events(client: Client, world: RunningFake) -> None:
    assert link(client).status_code == 201
    role = EventRole(id=700 + ORGANIZER, version=2, event_id=7, user_id=ORGANIZER, roles=[])
    with database.transaction() as session:
        consumers.replicate_event_role(session, EventRoleChanged(event_role=role))
    number = rows("SELECT id FROM stripe_authorizations")[0][0]
    assert client.as_user(ORGANIZER).delete(f"/v1/stripe-authorizations/{number}").status_code == 403


def test_all_roles_are_read_from_events_once_a_day(
    client: Client, world: RunningFake, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_roles_read_at", None)
    monkeypatch.setattr(replicas, "PAGE", 2)
    asked: list[int] = []
    known = [EventRole(id=n, version=1, event_id=7, user_id=n, roles=["owner"]) for n in (11, 12, 13)]

    def snapshot(request: Any) -> EventRolePage:
        asked.append(request.after_id)
        return EventRolePage(event_roles=[role for role in known if role.id > request.after_id][: request.limit])

    peer("events", SnapshotEventRoles=snapshot)
    jobs.read_event_roles()
    jobs.read_event_roles()
    assert asked == [0, 12, 13]
    assert rows("SELECT user_id, roles FROM event_roles ORDER BY 1") == [(n, ["owner"]) for n in (11, 12, 13)]


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ({"event": 8}, (403, "stripe-not-enabled")),
        ({"event": 404}, (404, "not-found")),
        ({"code": "ac_nobody"}, (422, "stripe-auth-code-invalid")),
    ],
)
def test_what_cannot_be_linked_is_refused_and_changes_nothing(
    client: Client, world: RunningFake, published: Any, what: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert code_of(link(client, **what)) == refusal
    assert rows("SELECT 1 FROM stripe_authorizations") == []
    assert published() == []


def test_without_a_code_or_an_event_it_is_422(client: Client, world: RunningFake) -> None:
    somebody = client.as_user(ORGANIZER)
    body = document()
    del body["data"]["relationships"]["event"]
    assert somebody.post("/v1/stripe-authorizations", json=body).status_code == 422
    body = document()
    body["data"]["attributes"] = {}
    assert somebody.post("/v1/stripe-authorizations", json=body).status_code == 422
    body["data"]["type"] = "order"
    body["data"]["attributes"] = {"stripe-auth-code": "ac_test_1"}
    assert somebody.post("/v1/stripe-authorizations", json=body).status_code == 409


def test_one_event_has_one_account_and_the_code_of_the_second_is_not_used_up(
    client: Client, world: RunningFake
) -> None:
    first = link(client, code="ac_test_1")
    assert code_of(link(client, code="ac_test_2")) == (409, "stripe-already-linked")
    client.as_user(ORGANIZER).delete(first.headers["Location"])
    assert link(client, code="ac_test_2").status_code == 201


def test_two_at_once_link_one(client: Client, world: RunningFake) -> None:
    from services.payments.commands import authorizations
    from services.payments.domain.authorizations import Keys

    with database.transaction() as session:
        authorizations.link(session, 7, Keys("sk_a", "pk_a"))
    with pytest.raises(authorizations.AlreadyLinked), database.transaction() as session:
        authorizations.link(session, 7, Keys("sk_b", "pk_b"))
    assert rows("SELECT stripe_publishable_key FROM stripe_authorizations") == [("pk_a",)]


def test_the_same_request_with_the_same_key_links_once(client: Client, world: RunningFake) -> None:
    headers = {"Idempotency-Key": "k1"}
    somebody = client.as_user(ORGANIZER)
    first = somebody.post("/v1/stripe-authorizations", json=document(), headers=headers)
    second = somebody.post("/v1/stripe-authorizations", json=document(), headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()


def test_the_older_path_takes_keys_and_shows_none_of_the_secret_ones(client: Client, world: RunningFake) -> None:
    keys = {
        "stripe-secret-key": "sk_test_own",
        "stripe-publishable-key": "pk_test_own",
        "stripe-refresh-token": "rt_own",
    }
    answer = client.as_user(ORGANIZER).post("/v1/stripe-authorization", json=document(attributes=keys))
    assert answer.status_code == 201
    assert answer.json()["data"]["attributes"]["stripe-publishable-key"] == "pk_test_own"
    assert "sk_test_own" not in answer.text
    assert "rt_own" not in answer.text


@pytest.mark.parametrize("secret", ["nonsense", "pk_test_own", "sk_live_of_nobody"])
def test_keys_that_open_no_account_are_refused(client: Client, world: RunningFake, secret: str) -> None:
    keys = {"stripe-secret-key": secret, "stripe-publishable-key": "pk_test_own"}
    answer = client.as_user(ORGANIZER).post("/v1/stripe-authorization", json=document(attributes=keys))
    assert code_of(answer) == (422, "stripe-keys-invalid")


def stored() -> str:
    return str(rows("SELECT row_to_json(a)::text FROM stripe_authorizations a")) + str(
        rows("SELECT convert_from(payload, 'LATIN1') FROM outbox")
        + rows("SELECT convert_from(body, 'LATIN1') FROM idempotency")
    )


def test_secrets_are_encrypted_at_rest_and_in_no_message(client: Client, world: RunningFake) -> None:
    keys = {
        "stripe-secret-key": "sk_test_own",
        "stripe-publishable-key": "pk_test_own",
        "stripe-refresh-token": "rt_own",
    }
    client.as_user(ORGANIZER).post(
        "/v1/stripe-authorization", json=document(attributes=keys), headers={"Idempotency-Key": "k1"}
    )
    (endpoint,) = world.books()["webhook_endpoints"]
    for secret in ("sk_test_own", "rt_own", endpoint["secret"]):
        assert secret not in stored()
    assert rows("SELECT secret_key_sealed LIKE 'k1:%%' FROM stripe_authorizations") == [(True,)]


def test_secrets_move_to_the_newest_key(client: Client, world: RunningFake, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from services.payments.vault import Vault

    link(client)
    both = Vault({"k2": b"2" * 32, "k1": b"1" * 32})
    monkeypatch.setattr(accounts, "_accounts", replace(accounts.accounts(), vault=both))
    jobs.tidy_up()
    assert rows(
        "SELECT secret_key_sealed LIKE 'k2:%%', webhook_secret_sealed LIKE 'k2:%%' FROM stripe_authorizations"
    ) == [(True, True)]
    monkeypatch.setattr(accounts, "_accounts", replace(accounts.accounts(), vault=Vault({"k2": b"2" * 32})))
    assert Shop(lambda *_: []).charge().status == "captured"


def test_a_secret_copied_into_another_row_cannot_be_read(client: Client, world: RunningFake) -> None:
    link(client)
    with database.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE stripe_authorizations SET event_id = 9")
    with pytest.raises(Exception, match="cannot be read"):
        Shop(lambda *_: []).charge(event_id=9)


def test_charges_of_the_event_go_to_the_organizers_account(client: Client, world: RunningFake, shop: Shop) -> None:
    link(client)
    shop.charge()
    shop.order = "of-another-event"
    shop.charge(event_id=8)
    own, platform = (charge["_account"] for charge in world.books()["charges"])
    assert (own != platform, platform) == (True, "acct_1StagedoorPlatform")
    assert rows("SELECT debit FROM ledger_transfers ORDER BY id") == [(f"held/stripe/{own}",), ("held/stripe",)]


def test_refunds_come_from_the_account_that_was_charged_also_after_it_was_removed(
    client: Client, world: RunningFake, shop: Shop
) -> None:
    linked = link(client)
    shop.charge()
    client.as_user(ORGANIZER).delete(linked.headers["Location"])
    jobs.tidy_up()
    ask(shop)
    jobs.carry_out_refunds()
    assert shop.last(PaymentRefunded).status == "succeeded"
    assert [refund["_account"] for refund in world.books()["refunds"]] == [world.books()["charges"][0]["_account"]]


def test_the_secret_goes_when_nothing_can_be_refunded_any_more(client: Client, world: RunningFake, shop: Shop) -> None:
    linked = link(client)
    shop.charge()
    client.as_user(ORGANIZER).delete(linked.headers["Location"])
    jobs.tidy_up()
    assert rows("SELECT secret_key_sealed <> '' FROM stripe_authorizations") == [(True,)]
    ask(shop)
    jobs.carry_out_refunds()
    jobs.tidy_up()
    assert rows("SELECT secret_key_sealed, refresh_token_sealed, webhook_secret_sealed FROM stripe_authorizations") == [
        ("", "", "")
    ]
    assert world.books()["webhook_endpoints"] == []


def test_removing_closes_the_account_for_new_charges_and_says_so(
    client: Client, world: RunningFake, shop: Shop, published: Any
) -> None:
    linked = link(client)
    path = linked.headers["Location"]
    answer = client.as_user(ORGANIZER).delete(path)
    assert answer.json()["meta"]["message"] == "Object successfully deleted"
    assert client.as_user(ORGANIZER).get(path).status_code == 404
    assert [(m.version, m.is_linked, m.publishable_key) for m in published(StripeAuthorizationChanged)][-1] == (
        2,
        False,
        "",
    )
    shop.charge()
    assert [charge["_account"] for charge in world.books()["charges"]] == ["acct_1StagedoorPlatform"]


def test_changing_the_account_closes_the_open_attempt_at_the_old_one(
    client: Client, world: RunningFake, shop: Shop
) -> None:
    shop.start()
    link(client)
    second = shop.start()
    intents = world.books()["payment_intents"]
    assert [intent["status"] for intent in intents] == ["canceled", "requires_payment_method"]
    assert intents[1]["id"] == second.provider_reference


def test_new_keys_of_the_same_account_replace_the_old_ones(client: Client, world: RunningFake, published: Any) -> None:
    somebody = client.as_user(ORGANIZER)
    keys = {"stripe-secret-key": "sk_test_a", "stripe-publishable-key": "pk_test_a"}
    number = somebody.post("/v1/stripe-authorization", json=document(attributes=keys)).json()["data"]["id"]
    new = {"stripe-secret-key": "sk_test_b", "stripe-publishable-key": "pk_test_b"}
    body = {"data": {"type": "stripe-authorization", "id": number, "attributes": new}}
    answer = somebody.patch(f"/v1/stripe-authorization/{number}", json=body)
    assert answer.json()["data"]["attributes"]["stripe-publishable-key"] == "pk_test_b"
    assert [message.version for message in published(StripeAuthorizationChanged)] == [1, 2]


def test_another_account_cannot_take_over_the_payments_of_the_first(
    client: Client, world: RunningFake, shop: Shop
) -> None:
    number = link(client, code="ac_test_1").json()["data"]["id"]
    shop.charge()
    body = {"data": {"type": "stripe-authorization", "id": number, "attributes": {"stripe-auth-code": "ac_test_2"}}}
    answer = client.as_user(ORGANIZER).patch(f"/v1/stripe-authorizations/{number}", json=body)
    assert code_of(answer) == (409, "stripe-account-in-use")
    assert rows("SELECT version FROM stripe_authorizations") == [(1,)]


def test_a_patch_that_only_repeats_what_is_read_changes_nothing(
    client: Client, world: RunningFake, published: Any
) -> None:
    number = link(client).json()["data"]["id"]
    body = {
        "data": {"type": "stripe-authorization", "id": number, "attributes": {"stripe-publishable-key": "pk_other"}}
    }
    answer = client.as_user(ORGANIZER).patch(f"/v1/stripe-authorizations/{number}", json=body)
    assert answer.status_code == 200
    assert answer.json()["data"]["attributes"]["stripe-publishable-key"] != "pk_other"
    assert len(published(StripeAuthorizationChanged)) == 1
    wrong = {"data": {**body["data"], "id": "77"}}
    assert client.as_user(ORGANIZER).patch(f"/v1/stripe-authorizations/{number}", json=wrong).status_code == 400


def test_the_account_gets_a_webhook_of_its_own_with_a_secret_of_its_own(
    client: Client, world: RunningFake, shop: Shop
) -> None:
    link(client)
    (endpoint,) = world.books()["webhook_endpoints"]
    prefix = "https://tickets.example.com/v1/webhooks/stripe/"
    assert endpoint["url"].startswith(prefix)
    world.fault(fault="lose-answer", method="POST", path="/v1/payment_intents", count=2)
    assert shop.charge().status == "unknown"
    (body,) = events(world, "charge.succeeded")
    path = "/" + endpoint["url"].removeprefix(prefix)
    assert deliver(client, body, path=path).status_code == 400  # the platform's secret is not this account's
    assert deliver(client, body, path=path, secret=endpoint["secret"]).status_code == 200
    assert shop.heard().count("PaymentCaptured") == 1
    assert deliver(client, body, path="/" + "x" * 43).status_code == 404


def test_an_account_whose_webhook_could_not_be_made_gets_it_later(client: Client, world: RunningFake) -> None:
    world.fault(fault="error", method="POST", path="/v1/webhook_endpoints", count=2)
    assert link(client).status_code == 201
    assert world.books()["webhook_endpoints"] == []
    jobs.register_webhooks()
    assert len(world.books()["webhook_endpoints"]) == 1
    jobs.register_webhooks()
    assert len(world.books()["webhook_endpoints"]) == 1


def test_an_address_that_stripe_does_not_take_links_all_the_same(client: Client, world: RunningFake) -> None:
    """Stripe wants https, which a developer's machine does not have."""
    world.fault(fault="error", method="POST", path="/v1/webhook_endpoints", status=400)
    assert link(client).status_code == 201
    assert rows("SELECT webhook_reference FROM stripe_authorizations") == [("",)]


def test_without_a_key_for_secrets_none_is_taken(
    client: Client, world: RunningFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from services.payments.vault import Vault

    monkeypatch.setattr(accounts, "_accounts", replace(accounts.accounts(), vault=Vault({})))
    assert code_of(link(client)) == (503, "secrets-not-configured")
    assert rows("SELECT 1 FROM stripe_authorizations") == []


@pytest.mark.parametrize(
    "text", ["k1", "k1:short", ":" + base64.b64encode(b"1" * 32).decode(), "a:!!", "k1:" + "A" * 44]
)
def test_unusable_keys_stop_the_start(text: str) -> None:
    from services.payments.vault import Vault

    with pytest.raises(SystemExit, match="SECRETS_KEYS"):
        Vault.parse(text)
