"""PayPal: created by us, approved by the payer, executed by us, once."""

import pytest

from chassis.errors import Unprocessable
from local.fakes.running import RunningFake
from proto.payments.payments_pb2 import PaymentCaptured, PaymentLine
from services.payments import jobs
from services.payments.tests.conftest import Shop, approve, make_due, rows, sales


def test_an_approved_payment_is_executed_with_the_payer_that_paypal_reports(
    shop: Shop, paypal_fake: RunningFake
) -> None:
    started = shop.start("paypal")
    assert started.payment_url.startswith(paypal_fake.url)
    approve(started)
    state = shop.charge_paypal()
    assert (state.status, state.amount_minor, state.payment_id) == ("captured", 10710, started.payment_id)
    assert sales(paypal_fake) == [("EUR", "107.10")]
    assert shop.last(PaymentCaptured).payment.transaction_id == paypal_fake.books()["sales"][0]["id"]


def test_starting_again_answers_the_same_page(shop: Shop, paypal_fake: RunningFake) -> None:
    assert shop.start("paypal").payment_url == shop.start("paypal").payment_url
    assert len(paypal_fake.books()["payments"]) == 1


def test_not_approved_yet_is_422_and_says_where_to_go(shop: Shop, paypal_fake: RunningFake) -> None:
    started = shop.start("paypal")
    with pytest.raises(Unprocessable) as refusal:
        shop.charge_paypal()
    assert (refusal.value.code, refusal.value.meta) == ("payment-not-approved", {"payment-url": started.payment_url})
    assert rows("SELECT status, call_until FROM payments") == [("open", None)]
    approve(started)
    assert shop.charge_paypal().status == "captured"


def test_charging_what_was_never_started_starts_it(shop: Shop, paypal_fake: RunningFake) -> None:
    with pytest.raises(Unprocessable) as refusal:
        shop.charge_paypal()
    assert refusal.value.meta["payment-url"].startswith(paypal_fake.url)


@pytest.mark.parametrize("claim", [{"paypal_payer_id": "SOMEBODYELSE1"}, {"paypal_payment_id": "PAYID-OFANOTHERORDER"}])
def test_ids_that_do_not_match_charge_nothing(shop: Shop, paypal_fake: RunningFake, claim: dict[str, str]) -> None:
    approve(shop.start("paypal"))
    with pytest.raises(Unprocessable) as refusal:
        shop.charge_paypal(**claim)
    assert refusal.value.code == "payment-mismatch"
    assert sales(paypal_fake) == []
    assert rows("SELECT status FROM payments") == [("open",)]


def test_ids_that_match_are_taken(shop: Shop, paypal_fake: RunningFake) -> None:
    started = shop.start("paypal")
    approve(started)
    payer = paypal_fake.books()["payments"][0]["payer"]["payer_info"]["payer_id"]
    state = shop.charge_paypal(paypal_payment_id=started.provider_reference, paypal_payer_id=payer)
    assert state.status == "captured"


def test_a_payment_of_another_amount_cannot_pay_the_order(shop: Shop, paypal_fake: RunningFake) -> None:
    cheap = shop.start("paypal", amount=100)
    approve(cheap)
    with pytest.raises(Unprocessable):
        shop.charge_paypal(amount=10710, paypal_payment_id=cheap.provider_reference)
    assert sales(paypal_fake) == []


def test_a_decline_ends_the_attempt_with_paypals_name_for_it(shop: Shop, paypal_fake: RunningFake) -> None:
    approve(shop.start("paypal"))
    paypal_fake.fault(fault="decline", method="POST", path="*/execute")
    with pytest.raises(Unprocessable) as refusal:
        shop.charge_paypal()
    assert refusal.value.code == "INSTRUMENT_DECLINED"
    assert rows("SELECT status FROM payments") == [("declined",)]


@pytest.mark.parametrize("fault", ["lose-answer", "reset"])
def test_a_lost_answer_never_charges_twice(shop: Shop, paypal_fake: RunningFake, fault: str) -> None:
    approve(shop.start("paypal"))
    paypal_fake.fault(fault=fault, method="POST", path="*/execute")
    shop.charge_paypal()
    make_due()
    jobs.settle_attempts()
    assert shop.charge_paypal().status == "captured"
    assert sales(paypal_fake) == [("EUR", "107.10")]
    assert shop.heard() == ["PaymentCaptured"]


def test_an_error_of_paypal_is_unknown_until_it_is_asked(shop: Shop, paypal_fake: RunningFake) -> None:
    approve(shop.start("paypal"))
    paypal_fake.fault(fault="error", method="POST", path="*/execute", status=503, when="before")
    assert shop.charge_paypal().status == "unknown"
    assert shop.verify().status == "open"
    assert shop.charge_paypal().status == "captured"


def test_a_lost_creation_is_found_again(shop: Shop, paypal_fake: RunningFake) -> None:
    paypal_fake.fault(fault="lose-answer", method="POST", path="/v1/payments/payment")
    with pytest.raises(Exception, match="does not answer"):
        shop.start("paypal")
    assert shop.start("paypal").payment_url
    assert len(paypal_fake.books()["payments"]) == 1


def test_lines_are_shown_when_they_add_up(shop: Shop, paypal_fake: RunningFake) -> None:
    shop.start("paypal", amount=4000, lines=[PaymentLine(name="Day", quantity=2, price_minor=2000)])
    transaction = paypal_fake.books()["payments"][0]["transactions"][0]
    assert transaction["item_list"]["items"] == [{"name": "Day", "quantity": "2", "price": "20.00", "currency": "EUR"}]


def test_lines_are_left_out_when_a_discount_makes_them_differ(shop: Shop, paypal_fake: RunningFake) -> None:
    shop.start("paypal", amount=3600, lines=[PaymentLine(name="Day", quantity=2, price_minor=2000)])
    assert "item_list" not in paypal_fake.books()["payments"][0]["transactions"][0]


def test_yen_are_whole(shop: Shop, paypal_fake: RunningFake) -> None:
    approve(shop.start("paypal", amount=1990, currency="JPY"))
    assert shop.charge_paypal(amount=1990, currency="JPY").amount_minor == 1990
    assert sales(paypal_fake) == [("JPY", "1990")]


@pytest.mark.parametrize(("currency", "code"), [("INR", "currency-not-supported"), ("HUF", "amount-not-payable")])
def test_what_paypal_does_not_take_is_refused(shop: Shop, paypal_fake: RunningFake, currency: str, code: str) -> None:
    with pytest.raises(Unprocessable) as refusal:
        shop.start("paypal", amount=199050, currency=currency)
    assert refusal.value.code == code
    assert rows("SELECT 1 FROM payments") == []


def test_a_token_that_paypal_no_longer_takes_is_replaced(shop: Shop, paypal_fake: RunningFake) -> None:
    from services.payments.clients.accounts import accounts

    paypal = accounts().paypal
    assert paypal is not None
    paypal._token, paypal._token_until = "A21AA0.stale", float("inf")
    assert shop.start("paypal").status == "open"


def test_wrong_credentials_are_503_and_leave_the_attempt_open(shop: Shop, paypal_fake: RunningFake) -> None:
    from services.payments.clients.accounts import accounts

    paypal = accounts().paypal
    assert paypal is not None
    right, paypal._credentials = paypal._credentials, ("the-client", "wrong")
    paypal.forget_token()
    try:
        with pytest.raises(Exception, match="PayPal does not work"):
            shop.start("paypal")
    finally:
        paypal._credentials = right
    assert rows("SELECT status, call_until FROM payments") == [("open", None)]


def test_the_fee_is_booked(shop: Shop, paypal_fake: RunningFake) -> None:
    approve(shop.start("paypal"))
    shop.charge_paypal()
    assert rows("SELECT kind, debit, credit, amount_minor FROM ledger_transfers ORDER BY id") == [
        ("charge", "held/paypal", "event/7", 10710),
        ("fee", "fees/paypal", "held/paypal", 341),
    ]
