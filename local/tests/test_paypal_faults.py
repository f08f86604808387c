"""Request ids, webhooks and faults at the fake PayPal, through the real SDK."""

import base64
import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import paypalrestsdk
import pytest
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from paypalrestsdk.exceptions import ResourceConflict, ServerError

from local.fakes.running import RunningFake
from local.tests.conftest import PAYPAL_OPTIONS, PAYPAL_WEBHOOK_ID, paypal_api
from local.tests.paypal_steps import approved, created, paid, sale_of, wish, with_key
from local.tests.receiver import Received, Receiver, wait_until


def refund(api: paypalrestsdk.Api, sale: str, key: str, document: dict[str, Any]) -> Any:
    return paypalrestsdk.Sale.find(sale, api=api).refund(with_key(api, key, document))


def verified(api: paypalrestsdk.Api, webhook: Received, **changes: Any) -> str:
    """What PayPal says of a webhook that the shop has parsed."""
    headers = webhook.headers
    question = {
        "auth_algo": headers["paypal-auth-algo"],
        "cert_url": headers["paypal-cert-url"],
        "transmission_id": headers["paypal-transmission-id"],
        "transmission_sig": headers["paypal-transmission-sig"],
        "transmission_time": headers["paypal-transmission-time"],
        "webhook_id": PAYPAL_WEBHOOK_ID,
        "webhook_event": json.loads(webhook.body),
    }
    answer = api.post("/v1/notifications/verify-webhook-signature", {**question, **changes})
    return str(answer["verification_status"])


def test_a_repeated_request_id_gets_the_first_answer_again(api: paypalrestsdk.Api, paypal_fake: RunningFake) -> None:
    answers = []
    for _ in range(2):
        payment = paypalrestsdk.Payment(wish(), api=api)
        payment.request_id = "create-7"
        assert payment.create()
        answers.append(payment)
    assert answers[0].to_dict() == answers[1].to_dict()
    execution = with_key(api, "execute-7", {"payer_id": approved(answers[0])})
    assert [answer.execute(execution) for answer in answers] == [True, True]
    assert sale_of(answers[0]).id == sale_of(answers[1]).id
    sale = sale_of(answers[0]).id
    refunds = [refund(api, sale, "refund-7", {"amount": {"total": "9.00", "currency": "EUR"}}) for _ in range(2)]
    assert refunds[0].id == refunds[1].id
    books = paypal_fake.books()
    assert [len(books[kind]) for kind in ("payments", "sales", "refunds")] == [1, 1, 1]


def test_a_request_id_is_bound_to_its_body(api: paypalrestsdk.Api, paypal_fake: RunningFake) -> None:
    sale = sale_of(paid(api)).id
    refund(api, sale, "refund-7", {"amount": {"total": "9.00", "currency": "EUR"}})
    again = refund(api, sale, "refund-7", {"amount": {"total": "8.00", "currency": "EUR"}})
    assert again.error["name"] == "DUPLICATE_REQUEST_ID"
    assert len(paypal_fake.books()["refunds"]) == 1


def test_a_refusal_does_not_use_a_request_id_up(api: paypalrestsdk.Api) -> None:
    payment = created(api)
    assert payment.execute(with_key(api, "execute-7", {"payer_id": "EARLY"})) is False
    assert payment.execute(with_key(api, "execute-7", {"payer_id": approved(payment)})) is True


def test_while_a_request_id_is_in_use_a_second_call_is_refused(
    api: paypalrestsdk.Api, paypal_fake: RunningFake
) -> None:
    sale = sale_of(paid(api)).id
    paypal_fake.fault(fault="delay", path="/v1/payments/sale/*/refund", seconds=0.5)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(refund, api, sale, "refund-7", {})
        wait_until(lambda: paypal_fake.faults() == [])
        with pytest.raises(ResourceConflict, match="PREVIOUS_REQUEST_IN_PROGRESS"):
            refund(api, sale, "refund-7", {})
    assert refund(api, sale, "refund-7", {}).id == first.result().id
    assert len(paypal_fake.books()["refunds"]) == 1


def test_twenty_at_once_with_one_request_id_are_one_refund(api: paypalrestsdk.Api, paypal_fake: RunningFake) -> None:
    sale = sale_of(paid(api)).id
    with ThreadPoolExecutor(20) as pool:
        ids = set(pool.map(lambda _: refund(api, sale, "refund-7", {}).id, range(20)))
    assert len(ids) == len(paypal_fake.books()["refunds"]) == 1


def test_a_lost_answer_to_an_execution_leaves_one_sale(api: paypalrestsdk.Api, paypal_fake: RunningFake) -> None:
    payment = created(api)
    execution = with_key(api, "execute-7", {"payer_id": approved(payment)})
    paypal_fake.fault(fault="lose-answer", path="/v1/payments/payment/*/execute")
    with pytest.raises(requests.ConnectionError):
        payment.execute(execution)
    assert paypalrestsdk.Payment.find(payment.id, api=api).state == "approved"
    assert payment.execute(execution) is True
    assert [sale["id"] for sale in paypal_fake.books()["sales"]] == [sale_of(payment).id]


def test_a_reset_connection_leaves_nothing_done(api: paypalrestsdk.Api, paypal_fake: RunningFake) -> None:
    payment = created(api)
    payer_id = approved(payment)
    paypal_fake.fault(fault="reset", path="/v1/payments/payment/*/execute")
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        payment.execute({"payer_id": payer_id})
    assert paypal_fake.books()["sales"] == []
    assert payment.execute({"payer_id": payer_id}) is True


@pytest.mark.parametrize(("when", "sales"), [("before", 0), ("after", 1)])
def test_an_error_comes_before_or_after_the_work(
    api: paypalrestsdk.Api, paypal_fake: RunningFake, when: str, sales: int
) -> None:
    payment = created(api)
    payer_id = approved(payment)
    paypal_fake.fault(fault="error", path="*/execute", when=when)
    with pytest.raises(ServerError):
        payment.execute({"payer_id": payer_id})
    assert len(paypal_fake.books()["sales"]) == sales


def test_executions_and_refunds_are_declined_on_demand(api: paypalrestsdk.Api, paypal_fake: RunningFake) -> None:
    payment = created(api)
    payer_id = approved(payment)
    paypal_fake.fault(fault="decline", path="*/execute")
    assert payment.execute({"payer_id": payer_id}) is False
    assert payment.error["name"] == "INSTRUMENT_DECLINED"
    assert payment.execute({"payer_id": payer_id}) is True
    paypal_fake.fault(fault="decline", path="*/refund", code="INSUFFICIENT_FUNDS")
    assert refund(api, sale_of(payment).id, "refund-7", {}).error["name"] == "INSUFFICIENT_FUNDS"
    assert paypal_fake.books()["refunds"] == []


def test_webhooks_are_signed_with_the_certificate_that_they_name(api: paypalrestsdk.Api, receiver: Receiver) -> None:
    payment = paid(api, transactions=[{"amount": {"total": "49.00", "currency": "EUR"}, "custom": "Zoë"}])
    webhooks = receiver.wait(2)
    assert sorted(receiver.types) == ["PAYMENT.SALE.COMPLETED", "PAYMENTS.PAYMENT.CREATED"]
    webhook = next(found for found in webhooks if found.type == "PAYMENT.SALE.COMPLETED")
    event = json.loads(webhook.body)
    assert event["resource_type"] == "sale"
    assert event["resource"] == sale_of(payment).to_dict()
    headers = webhook.headers
    certificate = x509.load_pem_x509_certificate(requests.get(headers["paypal-cert-url"], timeout=5).content)
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signature = base64.b64decode(headers["paypal-transmission-sig"])
    parts = (headers["paypal-transmission-id"], headers["paypal-transmission-time"], PAYPAL_WEBHOOK_ID)
    message = "|".join([*parts, str(zlib.crc32(webhook.body))]).encode()
    key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        key.verify(signature, message + b"0", padding.PKCS1v15(), hashes.SHA256())


def test_paypal_itself_says_whether_a_webhook_is_genuine(api: paypalrestsdk.Api, receiver: Receiver) -> None:
    paid(api, transactions=[{"amount": {"total": "49.00", "currency": "EUR"}, "custom": "Zoë"}])
    for webhook in receiver.wait(2):
        assert verified(api, webhook) == "SUCCESS"
        event = json.loads(webhook.body)
        forgeries: list[dict[str, Any]] = [
            {"webhook_event": {**event, "event_type": "PAYMENT.SALE.REFUNDED"}},
            {"webhook_id": "WH-OF-SOMEBODY-ELSE"},
            {"transmission_id": "another"},
            {"transmission_time": "2026-01-01T00:00:00Z"},
            {"transmission_sig": base64.b64encode(b"x" * 256).decode()},
            {"transmission_sig": "no base64!"},
            {"cert_url": "http://evil.example/cert"},
            {"auth_algo": "SHA1withRSA"},
        ]
        assert [verified(api, webhook, **forgery) for forgery in forgeries] == ["FAILURE"] * len(forgeries)


def test_a_refund_is_told(api: paypalrestsdk.Api, receiver: Receiver) -> None:
    sale = sale_of(paid(api)).id
    made = refund(api, sale, "refund-7", {"amount": {"total": "9.00", "currency": "EUR"}})
    webhook = next(found for found in receiver.wait(3) if found.type == "PAYMENT.SALE.REFUNDED")
    assert json.loads(webhook.body)["resource"] == made.to_dict()
    # Not with the SDK's WebhookEvent: since Python 3.7 it names every event twice in the URL.
    events = "/v1/notifications/webhooks-events"
    event = json.loads(webhook.body)
    assert api.get(f"{events}/{event['id']}") == event
    assert api.get(f"{events}?event_type=PAYMENT.SALE.REFUNDED")["events"] == [event]
    api.post(f"{events}/{event['id']}/resend")
    receiver.wait(4)
    assert receiver.received[3].body == webhook.body


def test_webhooks_are_dropped_duplicated_and_reordered_on_demand(
    api: paypalrestsdk.Api, paypal_fake: RunningFake, receiver: Receiver
) -> None:
    paypal_fake.fault(fault="drop", event="PAYMENTS.PAYMENT.CREATED")
    paypal_fake.fault(fault="reorder", event="PAYMENT.SALE.*", count=2)
    sale = sale_of(paid(api)).id
    refund(api, sale, "refund-7", {"amount": {"total": "9.00", "currency": "EUR"}})
    receiver.wait(2)
    assert receiver.types == ["PAYMENT.SALE.REFUNDED", "PAYMENT.SALE.COMPLETED"]
    paypal_fake.fault(fault="duplicate", event="PAYMENT.SALE.REFUNDED", times=1)
    refund(api, sale, "refund-8", {})
    assert len({webhook.body for webhook in receiver.wait(4)[2:]}) == 1


def test_books_tokens_and_certificate_survive_a_kill(tmp_path: Path) -> None:
    with (
        Receiver() as receiver,
        RunningFake("paypal", tmp_path, *PAYPAL_OPTIONS, "--webhook-url", receiver.url) as fake,
    ):
        api = paypal_api(fake)
        payment = paid(api)
        receiver.wait(2)
        fake.process.kill()
        fake.start()
        assert paypalrestsdk.Payment.find(payment.id, api=api).to_dict() == payment.to_dict()
        assert refund(api, sale_of(payment).id, "refund-7", {}).state == "completed"
        # A webhook that arrived in the moment of the kill comes again: at least once, as from the real one.
        wait_until(lambda: len({webhook.body for webhook in receiver.received}) == 3, within_seconds=5)
        assert {verified(api, webhook) for webhook in receiver.received} == {"SUCCESS"}
        fake.process.ask_to_stop()
        wait_until(lambda: fake.process.pid is None, within_seconds=1)
        assert fake.process.exit_code == 0


def test_browsers_may_reach_it_elsewhere_than_servers(tmp_path: Path) -> None:
    with RunningFake("paypal", tmp_path, *PAYPAL_OPTIONS, "--public-url", "http://pay.example") as fake:
        payment = created(paypal_api(fake))
        assert all(found.href.startswith("http://pay.example/") for found in payment.links)
