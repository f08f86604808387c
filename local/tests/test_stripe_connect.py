"""Organizers' own accounts at the fake Stripe."""

import pytest
import requests
import stripe

from local.fakes.running import RunningFake
from local.tests.conftest import stripe_client
from local.tests.receiver import Receiver

CHARGE: stripe.params.ChargeCreateParams = {"amount": 1050, "currency": "eur", "source": "tok_visa"}


def connected(client: stripe.StripeClient, code: str = "ac_test_organizer") -> stripe.OAuth.OAuthToken:
    return client.oauth.token({"grant_type": "authorization_code", "code": code})


def test_a_code_is_exchanged_once(client: stripe.StripeClient) -> None:
    token = connected(client)
    assert token.stripe_user_id is not None
    assert token.stripe_user_id.startswith("acct_1")
    assert token.access_token is not None
    assert token.access_token.startswith("sk_test_")
    assert token.stripe_publishable_key is not None
    assert token.stripe_publishable_key.startswith("pk_test_")
    for code in ("ac_test_organizer", "ac_live_code", ""):
        with pytest.raises(stripe.oauth_error.InvalidGrantError):
            connected(client, code)
    renewed = client.oauth.token({"grant_type": "refresh_token", "refresh_token": str(token.refresh_token)})
    assert renewed.stripe_user_id == token.stripe_user_id
    assert renewed.access_token != token.access_token


def test_each_account_has_books_of_its_own(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    token = connected(client)
    for_organizer = stripe_client(stripe_fake, account=token.stripe_user_id)
    charge = for_organizer.v1.charges.create(CHARGE)
    assert client.v1.charges.list().data == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.charges.retrieve(charge.id)
    assert refused.value.http_status == 404
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"charge": charge.id})
    with_own_key = stripe_client(stripe_fake, str(token.access_token))
    assert [found.id for found in with_own_key.v1.charges.list().data] == [charge.id]
    assert stripe_fake.books()["charges"][0]["_account"] == token.stripe_user_id
    assert with_own_key.v1.accounts.retrieve_current().id == token.stripe_user_id


def test_the_same_idempotency_key_means_another_charge_in_another_account(
    client: stripe.StripeClient, stripe_fake: RunningFake
) -> None:
    other = stripe_client(stripe_fake, account=connected(client).stripe_user_id)
    first = client.v1.charges.create(CHARGE, {"idempotency_key": "order-7"})
    second = other.v1.charges.create(CHARGE, {"idempotency_key": "order-7"})
    assert first.id != second.id


def test_an_organizer_who_leaves_is_charged_no_more(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    account = str(connected(client).stripe_user_id)
    left = client.oauth.deauthorize({"client_id": "ca_platform", "stripe_user_id": account})
    assert left.stripe_user_id == account
    with pytest.raises(stripe.PermissionError) as refused:
        stripe_client(stripe_fake, account=account).v1.charges.create(CHARGE)
    assert refused.value.http_status == 403
    with pytest.raises(stripe.oauth_error.InvalidClientError):
        client.oauth.deauthorize({"client_id": "ca_platform", "stripe_user_id": account})


def test_the_consent_page_hands_out_a_code(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    query = {"client_id": "ca_platform", "redirect_uri": "http://shop.example/linked", "state": "s1"}
    back = requests.get(f"{stripe_fake.url}/oauth/authorize", query, allow_redirects=False, timeout=5)
    location = back.headers["location"]
    assert location.startswith("http://shop.example/linked?scope=read_write&code=ac_test_")
    assert location.endswith("&state=s1")
    code = location.split("code=")[1].split("&")[0]
    assert connected(client, code).scope == "read_write"


def test_an_accounts_own_endpoint_gets_its_own_events_with_its_own_secret(
    client: stripe.StripeClient, stripe_fake: RunningFake, receiver: Receiver
) -> None:
    organizer = stripe_client(stripe_fake, account=connected(client).stripe_user_id)
    url = receiver.url.replace("/hook", "/of-organizer")
    endpoint = organizer.v1.webhook_endpoints.create({"url": url, "enabled_events": ["charge.succeeded"]})
    assert endpoint.secret is not None
    assert organizer.v1.webhook_endpoints.retrieve(endpoint.id).to_dict().get("secret") is None
    client.v1.charges.create(CHARGE)
    organizer.v1.charges.create(CHARGE)
    receiver.wait(3)
    own = [webhook for webhook in receiver.received if webhook.path == "/of-organizer"]
    assert len(own) == 1
    event = stripe.Webhook.construct_event(own[0].body, own[0].headers["stripe-signature"], endpoint.secret)
    assert (event.type, event.account) == ("charge.succeeded", organizer.v1.accounts.retrieve_current().id)
    organizer.v1.webhook_endpoints.delete(endpoint.id)
    assert organizer.v1.webhook_endpoints.list().data == []
