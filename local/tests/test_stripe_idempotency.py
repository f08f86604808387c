"""The same key, the same answer; and what survives when the fake is stopped or killed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
import stripe

from local.fakes.running import RunningFake
from local.tests.conftest import stripe_client
from local.tests.receiver import Receiver, wait_until

CHARGE: stripe.params.ChargeCreateParams = {"amount": 1050, "currency": "eur", "source": "tok_visa"}
KEY: stripe.RequestOptions = {"idempotency_key": "order-7"}


def replayed(charge: stripe.Charge) -> bool:
    assert charge.last_response is not None
    return "idempotent-replayed" in charge.last_response.headers


def test_a_repeated_key_gets_the_first_answer_again(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    first = client.v1.charges.create(CHARGE, KEY)
    again = client.v1.charges.create(CHARGE, KEY)
    assert again.to_dict() == first.to_dict()
    assert [replayed(first), replayed(again)] == [False, True]
    assert len(stripe_fake.books()["charges"]) == 1


def test_a_decline_is_repeated_too(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refused:
            client.v1.charges.create({**CHARGE, "source": "tok_chargeDeclined"}, KEY)
        assert refused.value.code == "card_declined"
    assert len(stripe_fake.books()["charges"]) == 1


def test_a_key_is_bound_to_its_parameters_and_its_path(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    charge = client.v1.charges.create(CHARGE, KEY)
    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.charges.create({**CHARGE, "amount": 1051}, KEY)
    assert refused.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create({"charge": charge.id}, KEY)
    assert [len(stripe_fake.books()[kind]) for kind in ("charges", "refunds")] == [1, 0]


def test_refused_parameters_do_not_use_a_key_up(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.charges.create({**CHARGE, "amount": 1}, KEY)
    assert client.v1.charges.create(CHARGE, KEY).amount == 1050


def test_while_a_key_is_in_use_a_second_call_is_refused(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="delay", method="POST", path="/v1/charges", seconds=0.5)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(client.v1.charges.create, CHARGE, KEY)
        wait_until(lambda: stripe_fake.faults() == [])
        with pytest.raises(stripe.APIError) as refused:
            client.v1.charges.create(CHARGE, KEY)
        assert (refused.value.http_status, refused.value.json_body["error"]["code"]) == (409, "idempotency_key_in_use")  # type: ignore[index]
    assert client.v1.charges.create(CHARGE, KEY).id == first.result().id
    assert len(stripe_fake.books()["charges"]) == 1


def test_twenty_at_once_with_one_key_are_one_charge(stripe_fake: RunningFake) -> None:
    def charge(_: int) -> str:
        return stripe_client(stripe_fake).v1.charges.create(CHARGE, KEY).id

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(charge, range(20)))) == 1
    assert len(stripe_fake.books()["charges"]) == 1


def test_the_sdk_finds_out_by_itself_what_became_of_a_lost_answer(stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="lose-answer", path="/v1/charges")
    patient = stripe.StripeClient("sk_test_tests", base_addresses={"api": stripe_fake.url}, max_network_retries=2)
    charge = patient.v1.charges.create(CHARGE)
    assert replayed(charge)
    assert [kept["id"] for kept in stripe_fake.books()["charges"]] == [charge.id]


def test_books_faults_and_keys_survive_a_restart_and_a_kill(tmp_path: Path) -> None:
    with RunningFake("stripe", tmp_path, "--quiet") as fake:
        client = stripe_client(fake)
        charge = client.v1.charges.create(CHARGE, KEY)
        fake.fault(fault="decline", path="/v1/charges", skip=1)
        for end in (fake.process.stop, fake.process.kill):
            end()
            fake.start()
            client = stripe_client(fake)
            assert client.v1.charges.retrieve(charge.id).to_dict() == charge.to_dict()
            assert len(fake.faults()) == 1
        again = client.v1.charges.create(CHARGE, KEY)  # lets the fault's first match pass
        assert again.to_dict() == charge.to_dict()
        with pytest.raises(stripe.CardError):
            client.v1.charges.create(CHARGE)
    assert fake.log.read_text() == ""


def test_webhooks_not_yet_delivered_survive_a_kill(tmp_path: Path) -> None:
    with Receiver(statuses=[503]) as receiver, RunningFake("stripe", tmp_path, "--webhook-url", receiver.url) as fake:
        stripe_client(fake).v1.charges.create(CHARGE)
        receiver.wait(1)
        fake.process.kill()
        fake.start()
        receiver.wait(2)
        assert [webhook.body for webhook in receiver.received] == [receiver.received[0].body] * 2


def test_it_stops_within_a_second_also_while_a_call_hangs(tmp_path: Path) -> None:
    with RunningFake("stripe", tmp_path) as fake, ThreadPoolExecutor() as pool:
        fake.fault(fault="delay", path="/v1/charges", seconds=60)
        hanging = pool.submit(stripe_client(fake).v1.charges.create, CHARGE)
        wait_until(lambda: fake.faults() == [])
        fake.process.ask_to_stop()
        wait_until(lambda: fake.process.pid is None, within_seconds=1)
        with pytest.raises(stripe.APIConnectionError):
            hanging.result()
    assert fake.process.exit_code == 0


def test_one_line_is_logged_per_call(tmp_path: Path) -> None:
    with RunningFake("stripe", tmp_path) as fake:
        stripe_client(fake).v1.charges.create(CHARGE)
        requests.get(f"{fake.url}/v1/nowhere", timeout=5)
    (line,) = fake.log.read_text().splitlines()
    assert line.startswith('{"method":"POST","path":"/v1/charges","ms":')
    assert line.endswith(',"status":200}')
