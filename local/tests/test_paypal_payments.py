"""Payments, sales and refunds at the fake PayPal, through the real SDK."""

from typing import Any

import paypalrestsdk
import pytest
import requests

from local.fakes.running import RunningFake
from local.tests.conftest import paypal_api
from local.tests.paypal_steps import approved, created, link, opened, paid, sale_of, wish


def test_a_payment_waits_for_its_payer(api: paypalrestsdk.Api, paypal_fake: RunningFake) -> None:
    payment = created(api)
    assert payment.state == "created"
    assert payment.id.startswith("PAYID-")
    assert {found.rel: found.method for found in payment.links} == {
        "self": "GET",
        "execute": "POST",
        "approval_url": "REDIRECT",
    }
    assert link(payment, "approval_url").startswith(f"{paypal_fake.url}/cgi-bin/webscr?cmd=_express-checkout&token=EC-")
    found = paypalrestsdk.Payment.find(payment.id, api=api)
    assert found.to_dict() == payment.to_dict()
    assert found.payer.to_dict() == {"payment_method": "paypal"}
    assert paypal_fake.books()["sales"] == []


def test_opening_the_approval_link_approves_and_leads_back(api: paypalrestsdk.Api) -> None:
    payment = created(api)
    back = opened(payment)
    token = link(payment, "approval_url").partition("token=")[2]
    payer = paypalrestsdk.Payment.find(payment.id, api=api).payer
    assert back.status_code == 302
    assert back.headers["location"] == (
        f"http://shop.example/back?order=7&paymentId={payment.id}&token={token}&PayerID={payer.payer_info.payer_id}"
    )
    assert (payer.status, payer.payer_info.email) == ("VERIFIED", "buyer@example.com")
    assert paypalrestsdk.Payment.find(payment.id, api=api).state == "created"


def test_an_executed_payment_has_one_completed_sale(api: paypalrestsdk.Api, paypal_fake: RunningFake) -> None:
    payment = paid(api)
    assert payment.state == "approved"
    sale = paypalrestsdk.Sale.find(sale_of(payment).id, api=api)
    assert (sale.state, sale.amount.total, sale.amount.currency) == ("completed", "49.00", "EUR")
    assert (sale.parent_payment, sale.custom) == (payment.id, "order-7")
    assert paypalrestsdk.Payment.find(payment.id, api=api).to_dict() == payment.to_dict()
    assert [kept["id"] for kept in paypal_fake.books()["sales"]] == [sale.id]


def test_only_an_approved_payment_is_executed_by_its_own_payer_and_once(
    api: paypalrestsdk.Api, paypal_fake: RunningFake
) -> None:
    payment = created(api)
    assert payment.execute({"payer_id": "ANYBODY"}) is False
    assert payment.error["name"] == "PAYMENT_NOT_APPROVED_FOR_EXECUTION"
    payer_id = approved(payment)
    other_id = approved(created(api), "&buyer=somebody-else")
    assert other_id != payer_id
    assert payment.execute({"payer_id": other_id}) is False
    assert payment.error["name"] == "INVALID_PAYER_ID"
    assert payment.execute({}) is False
    assert payment.error["details"] == [{"field": "payer_id", "issue": "Required field is missing"}]
    assert paypal_fake.books()["sales"] == []
    assert payment.execute({"payer_id": payer_id}) is True
    assert payment.execute({"payer_id": payer_id}) is False
    assert payment.error["name"] == "PAYMENT_ALREADY_DONE"
    assert len(paypal_fake.books()["sales"]) == 1
    page = requests.get(f"{paypal_fake.url}/cgi-bin/webscr?token=EC-{payment.cart}", timeout=5)
    assert "Already paid" in page.text


def test_a_payer_may_cancel_and_come_back(api: paypalrestsdk.Api) -> None:
    payment = created(api)
    payer_id = approved(payment)
    cancelled = opened(payment, "&cancel=1")
    token = link(payment, "approval_url").partition("token=")[2]
    assert cancelled.headers["location"] == f"http://shop.example/cancelled?token={token}"
    assert payment.execute({"payer_id": payer_id}) is False
    assert payment.error["name"] == "PAYMENT_NOT_APPROVED_FOR_EXECUTION"
    assert approved(payment) == payer_id
    assert payment.execute({"payer_id": payer_id}) is True


def test_without_a_shop_to_return_to_paypal_says_so_itself(api: paypalrestsdk.Api) -> None:
    payment = created(api, redirect_urls={})
    assert "Approved" in opened(payment).text
    assert "Nothing was paid" in opened(payment, "&cancel=1").text
    unknown = requests.get(link(payment, "approval_url") + "x", timeout=5)
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"total": "49"}, None),
        ({"total": "49.5"}, None),
        ({"total": "1050", "currency": "JPY"}, None),
        ({"total": "1050.00", "currency": "JPY"}, "transactions[0].amount.total"),
        ({"total": "49.001"}, "transactions[0].amount.total"),
        ({"total": "-1.00"}, "transactions[0].amount.total"),
        ({"total": "0.00"}, "transactions[0].amount.total"),
        ({"total": 49}, "transactions[0].amount.total"),
        ({"total": "49,00"}, "transactions[0].amount.total"),
        ({"currency": "XYZ"}, "transactions[0].amount.currency"),
        ({"intent": "authorize"}, "intent"),
        ({"payer": {}}, "payer.payment_method"),
        ({"transactions": []}, "transactions"),
        ({"transactions": [{}]}, "transactions[0].amount"),
        ({"transactions": ["49.00"]}, "transactions[0]"),
        ({"transactions": [{"amount": "49.00"}]}, "transactions[0].amount"),
        ({"payer": "paypal"}, "payer"),
        ({"redirect_urls": "http://shop.example"}, "redirect_urls"),
    ],
)
def test_a_payment_is_taken_or_its_bad_field_is_named(
    api: paypalrestsdk.Api, paypal_fake: RunningFake, changes: dict[str, Any], field: str | None
) -> None:
    payment = paypalrestsdk.Payment(wish(**changes), api=api)
    assert payment.create() is (field is None)
    if field is not None:
        assert payment.error["name"] == "VALIDATION_ERROR"
        assert [detail["field"] for detail in payment.error["details"]] == [field]
        assert paypal_fake.books()["payments"] == []


def detailed(total: str, details: dict[str, str], *items: dict[str, str]) -> dict[str, Any]:
    amount = {"total": total, "currency": "EUR", "details": details}
    return wish(transactions=[{"amount": amount, "item_list": {"items": list(items)}}])


TICKET = {"name": "Ticket", "quantity": "2", "price": "24.50", "currency": "EUR"}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (detailed("54.00", {"subtotal": "49.00", "tax": "6.00", "shipping_discount": "1.00"}, TICKET), None),
        (detailed("54.00", {"subtotal": "49.00", "tax": "6.00"}, TICKET), "transactions[0].amount"),
        (detailed("55.00", {"subtotal": "50.00", "tax": "5.00"}, TICKET), "transactions[0].item_list"),
        (
            detailed("49.00", {"subtotal": "49.00"}, {**TICKET, "currency": "USD"}),
            "transactions[0].item_list.items[0].currency",
        ),
    ],
)
def test_details_and_items_add_up(api: paypalrestsdk.Api, document: dict[str, Any], field: str | None) -> None:
    payment = paypalrestsdk.Payment(document, api=api)
    assert payment.create() is (field is None)
    if field is not None:
        assert [detail["field"] for detail in payment.error["details"]] == [field]


def test_amounts_are_written_with_the_decimals_of_their_currency(api: paypalrestsdk.Api) -> None:
    assert sale_of(paid(api, total="49.5")).amount.total == "49.50"
    assert sale_of(paid(api, total="1050", currency="JPY")).amount.total == "1050"


def test_refunds_in_parts_never_exceed_the_sale(api: paypalrestsdk.Api, paypal_fake: RunningFake) -> None:
    payment = paid(api)
    sale = paypalrestsdk.Sale.find(sale_of(payment).id, api=api)
    first = sale.refund({"amount": {"total": "9.00", "currency": "EUR"}})
    assert (first.success(), first.state, first.amount.total, first.sale_id) == (True, "completed", "9.00", sale.id)
    assert paypalrestsdk.Sale.find(sale.id, api=api).state == "partially_refunded"
    too_much = sale.refund({"amount": {"total": "40.01", "currency": "EUR"}})
    assert too_much.error["name"] == "REFUND_EXCEEDED_TRANSACTION_AMOUNT"
    foreign = sale.refund({"amount": {"total": "1.00", "currency": "USD"}})
    assert foreign.error["name"] == "CURRENCY_MISMATCH"
    rest = sale.refund({})
    assert (rest.amount.total, rest.total_refunded_amount.value) == ("40.00", "49.00")
    assert paypalrestsdk.Sale.find(sale.id, api=api).state == "refunded"
    assert paypalrestsdk.Refund.find(first.id, api=api).to_dict() == first.to_dict()
    shown = paypalrestsdk.Payment.find(payment.id, api=api).transactions[0].related_resources
    assert [found.refund.id for found in shown[1:]] == [first.id, rest.id]
    assert [refund["amount"]["total"] for refund in paypal_fake.books()["refunds"]] == ["9.00", "40.00"]


def test_a_second_full_refund_is_refused(api: paypalrestsdk.Api, paypal_fake: RunningFake) -> None:
    sale = paypalrestsdk.Sale.find(sale_of(paid(api)).id, api=api)
    assert sale.refund({}).amount.total == "49.00"
    assert sale.refund({}).error["name"] == "TRANSACTION_ALREADY_REFUNDED"
    assert len(paypal_fake.books()["refunds"]) == 1


def test_payments_are_listed_newest_first(api: paypalrestsdk.Api) -> None:
    ids = [created(api).id for _ in range(4)]
    page = paypalrestsdk.Payment.all({"count": 3}, api=api)
    assert [payment.id for payment in page.payments] == ids[:0:-1]
    assert (page.count, page.next_id) == (3, ids[0])
    rest = paypalrestsdk.Payment.all({"count": 3, "start_id": page.next_id}, api=api)
    assert ([payment.id for payment in rest.payments], rest.next_id) == ([ids[0]], None)
    assert paypalrestsdk.Payment.all({"end_time": "2020-01-01T00:00:00Z"}, api=api).count == 0


def test_unknown_things_are_not_found(api: paypalrestsdk.Api, paypal_fake: RunningFake) -> None:
    for kind in (paypalrestsdk.Payment, paypalrestsdk.Sale, paypalrestsdk.Refund):
        with pytest.raises(paypalrestsdk.ResourceNotFound) as refused:
            kind.find("NOTHING", api=api)
        assert '"name":"INVALID_RESOURCE_ID"' in refused.value.content


def test_nobody_enters_with_wrong_credentials_or_a_forged_token(paypal_fake: RunningFake) -> None:
    with pytest.raises(paypalrestsdk.UnauthorizedAccess):
        created(paypal_api(paypal_fake, client_secret="guessed"))
    for authorization in ("", "Bearer A21AA9999999999.00", "Basic dGhlLWNsaWVudDp0aGUtc2VjcmV0"):
        answer = requests.post(
            f"{paypal_fake.url}/v1/payments/payment", json=wish(), headers={"authorization": authorization}, timeout=5
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert paypal_fake.books()["payments"] == []


def test_a_body_that_is_no_json_object_is_refused(api: paypalrestsdk.Api, paypal_fake: RunningFake) -> None:
    headers = {"authorization": f"Bearer {api.get_access_token()}"}
    for body in ("{", "[]"):
        answer = requests.post(f"{paypal_fake.url}/v1/payments/payment", body, headers=headers, timeout=5)
        assert (answer.status_code, answer.json()["name"]) == (400, "MALFORMED_REQUEST")
