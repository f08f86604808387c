"""Giving money back: exactly once, never more than was paid, and visible when it fails."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from chassis import db as database
from local.fakes.running import RunningFake
from proto.orders.orders_pb2 import OrderCancelled, OrderExpired, OrderPaid, OrderState, RefundRequested
from proto.payments.payments_pb2 import PaymentRefunded
from services.payments import calls, consumers, jobs
from services.payments.tests.conftest import Shop, approve, make_due, rows
from services.payments.tests.steps import ask, at_once, calls_to, refund_ids


def refunds(fake: RunningFake) -> list[Any]:
    return [refund["amount"] for refund in fake.books()["refunds"] if refund.get("status") != "failed"]


def test_the_whole_remainder_goes_back_once(shop: Shop, stripe_fake: RunningFake) -> None:
    paid = shop.charge()
    ask(shop)
    ask(shop)
    jobs.carry_out_refunds()
    jobs.carry_out_refunds()
    assert refunds(stripe_fake) == [10710]
    said = shop.last(PaymentRefunded)
    assert (said.refund_key, said.status, said.amount_minor) == ("cancel-1", "succeeded", 10710)
    assert (said.payment.payment_id, said.payment.status) == (paid.payment_id, "refunded")
    assert rows("SELECT refunded_minor FROM payments") == [(10710,)]
    assert shop.heard() == ["PaymentCaptured", "PaymentRefunded"]


def test_the_consumer_only_writes_and_calls_no_provider(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge()
    stripe_fake.process.stop()
    ask(shop)
    assert rows("SELECT status, amount_minor FROM refunds") == [("pending", 10710)]
    stripe_fake.start()


def test_parts_go_back_until_nothing_is_left(shop: Shop, stripe_fake: RunningFake) -> None:
    paid = shop.charge()
    ask(shop, "part-1", amount=3000, payment=paid.payment_id)
    jobs.carry_out_refunds()
    assert shop.last(PaymentRefunded).payment.status == "captured"
    assert rows("SELECT refunded_minor FROM payments") == [(3000,)]
    ask(shop, "rest")
    jobs.carry_out_refunds()
    assert refunds(stripe_fake) == [3000, 7710]
    assert shop.verify().status == "refunded"


def test_more_than_was_paid_is_refused_and_said(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge()
    ask(shop, "part-1", amount=10000)
    ask(shop, "part-2", amount=1000)
    jobs.carry_out_refunds()
    assert refunds(stripe_fake) == [10000]
    failed = next(m for m in shop._published(PaymentRefunded) if m.refund_key == "part-2")
    assert (failed.status, failed.amount_minor) == ("failed", 1000)
    assert rows("SELECT status, code FROM refunds WHERE refund_key = 'part-2'") == [("failed", "refund-too-large")]


def test_two_decisions_at_once_share_the_money(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge()
    at_once(lambda: ask(shop, "a"), lambda: ask(shop, "b"), lambda: ask(shop, "c", amount=10710))
    jobs.carry_out_refunds()
    assert refunds(stripe_fake) == [10710]
    assert rows("SELECT sum(amount_minor) FROM refunds WHERE status = 'succeeded'") == [(10710,)]


@pytest.mark.parametrize("names_payment", [True, False])
def test_a_second_decision_waits_for_the_first_and_sees_what_it_took(
    shop: Shop, stripe_fake: RunningFake, names_payment: bool
) -> None:
    payment = shop.charge().payment_id if shop.charge() and names_payment else ""
    second = threading.Thread(target=lambda: ask(shop, "second", amount=6000, payment=payment))
    with database.transaction() as session:
        first = RefundRequested(refund_key="first", order_identifier=shop.order, payment_id=payment, amount_minor=6000)
        consumers.plan_refund(session, first)
        second.start()
        second.join(0.3)
        assert second.is_alive()
    second.join(5)
    assert rows("SELECT refund_key, status FROM refunds ORDER BY 1") == [("first", "pending"), ("second", "failed")]


def test_two_workers_at_once_carry_a_refund_out_once(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge()
    ask(shop)
    (refund_id,) = refund_ids()
    before = calls_to("stripe", "refund")
    stripe_fake.fault(fault="delay", method="POST", path="/v1/refunds", when="before", seconds=0.3)
    at_once(lambda: calls.refund(refund_id), lambda: calls.refund(refund_id))
    assert calls_to("stripe", "refund") - before == 1
    assert refunds(stripe_fake) == [10710]
    assert shop.heard() == ["PaymentCaptured", "PaymentRefunded"]


@pytest.mark.parametrize("fault", ["lose-answer", "reset"])
def test_a_lost_answer_is_asked_for_until_it_is_known(shop: Shop, stripe_fake: RunningFake, fault: str) -> None:
    shop.charge()
    ask(shop)
    stripe_fake.fault(fault=fault, method="POST", path="/v1/refunds", count=2)
    jobs.carry_out_refunds()
    assert rows("SELECT status FROM refunds") == [("pending",)]
    make_due()
    jobs.carry_out_refunds()
    assert refunds(stripe_fake) == [10710]
    assert shop.last(PaymentRefunded).status == "succeeded"


def test_a_refund_that_nobody_remembers_the_key_of_is_found_in_the_list(shop: Shop, stripe_fake: RunningFake) -> None:
    """Stripe keeps idempotency keys for a day."""
    shop.charge()
    ask(shop)
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/refunds", count=2)
    jobs.carry_out_refunds()
    stripe_fake.fault(fault="error", method="POST", path="/v1/refunds", count=None, status=500)
    make_due()
    jobs.carry_out_refunds()
    assert shop.last(PaymentRefunded).status == "succeeded"
    assert refunds(stripe_fake) == [10710]


def test_a_refund_that_stripe_finally_refuses_is_failed_and_visible(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge()
    ask(shop)
    stripe_fake.fault(fault="decline", method="POST", path="/v1/refunds", code="charge_disputed")
    jobs.carry_out_refunds()
    said = shop.last(PaymentRefunded)
    assert (said.status, said.payment.status) == ("failed", "captured")
    assert rows("SELECT refunded_minor FROM payments") == [(0,)]
    assert rows("SELECT status, code FROM refunds") == [("failed", "charge_disputed")]
    assert failed() == 1


def failed() -> float:
    """What the alert looks at."""
    jobs.measure()
    return float(jobs.refunds_failed._value.get())


@pytest.mark.parametrize("ends_by", ["a later refund", "a week", "nothing"])
def test_a_failed_refund_is_shown_until_it_is_made_up_for(shop: Shop, stripe_fake: RunningFake, ends_by: str) -> None:
    shop.charge()
    ask(shop, "first")
    stripe_fake.fault(fault="decline", method="POST", path="/v1/refunds")
    jobs.carry_out_refunds()
    ask(shop, "more than was paid", amount=999_999)
    if ends_by == "a later refund":
        ask(shop, "second")
        jobs.carry_out_refunds()
    elif ends_by == "a week":
        with database.engine().begin() as connection:
            connection.exec_driver_sql("UPDATE refunds SET settled_at = settled_at - interval '8 days'")
    assert failed() == (ends_by == "nothing")


def test_a_refund_that_no_provider_takes_is_seen_after_an_hour(shop: Shop, stripe_fake: RunningFake) -> None:
    def late() -> float:
        jobs.measure()
        return float(jobs.refunds_late._value.get())

    shop.charge()
    ask(shop)
    stripe_fake.fault(fault="error", status=401, path="/v1/refunds", count=10)
    jobs.carry_out_refunds()
    assert late() == 0
    with database.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE refunds SET created_at = created_at - interval '61 minutes', try_at = now()")
    assert late() == 1
    stripe_fake.clear_faults()
    jobs.carry_out_refunds()
    assert late() == 0


def test_after_a_failed_refund_another_decision_may_try_again(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge()
    ask(shop, "first")
    stripe_fake.fault(fault="decline", method="POST", path="/v1/refunds")
    jobs.carry_out_refunds()
    ask(shop, "second")
    jobs.carry_out_refunds()
    assert refunds(stripe_fake) == [10710]


def test_a_refund_through_a_busy_provider_waits(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge()
    ask(shop)
    stripe_fake.fault(fault="error", method="POST", path="/v1/refunds", status=429, count=2)
    jobs.carry_out_refunds()
    assert rows("SELECT status, call_until IS NULL FROM refunds") == [("pending", True)]
    stripe_fake.clear_faults()
    make_due()
    jobs.carry_out_refunds()
    assert refunds(stripe_fake) == [10710]


def test_nothing_paid_is_nothing_to_refund_and_said_so(shop: Shop, stripe_fake: RunningFake) -> None:
    ask(shop)
    said = shop.last(PaymentRefunded)
    assert (said.refund_key, said.status, said.payment.status) == ("cancel-1", "failed", "none")


def test_paypal_sales_are_refunded_in_parts(shop: Shop, paypal_fake: RunningFake) -> None:
    approve(shop.start("paypal"))
    shop.charge_paypal()
    ask(shop, "part", amount=3000)
    jobs.carry_out_refunds()
    ask(shop, "rest")
    jobs.carry_out_refunds()
    assert [refund["amount"]["total"] for refund in paypal_fake.books()["refunds"]] == ["30.00", "77.10"]
    assert shop.verify().status == "refunded"


@pytest.mark.parametrize("fault", ["lose-answer", "reset"])
def test_a_lost_answer_of_paypal_refunds_once(shop: Shop, paypal_fake: RunningFake, fault: str) -> None:
    approve(shop.start("paypal"))
    shop.charge_paypal()
    ask(shop)
    paypal_fake.fault(fault=fault, method="POST", path="*/refund")
    jobs.carry_out_refunds()
    make_due()
    jobs.carry_out_refunds()
    assert len(paypal_fake.books()["refunds"]) == 1
    assert shop.last(PaymentRefunded).status == "succeeded"


@pytest.mark.parametrize(
    ("consumer", "message"),
    [
        (consumers.close_attempt_of_cancelled_order, OrderCancelled),
        (consumers.close_attempt_of_expired_order, OrderExpired),
        (consumers.close_what_is_open_beside_the_payment, OrderPaid),
    ],
)
def test_an_order_that_is_over_leaves_no_attempt_open(
    shop: Shop, stripe_fake: RunningFake, consumer: Callable[..., None], message: Callable[..., Any]
) -> None:
    shop.start()
    with database.transaction() as session:
        consumer(session, message(order=OrderState(identifier=shop.order)))
    jobs.settle_attempts()
    assert rows("SELECT status FROM payments") == [("closed",)]
    assert [intent["status"] for intent in stripe_fake.books()["payment_intents"]] == ["canceled"]


def test_a_paid_order_keeps_its_payment_when_it_is_told_paid(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge()
    with database.transaction() as session:
        consumers.close_what_is_open_beside_the_payment(session, OrderPaid(order=OrderState(identifier=shop.order)))
    jobs.settle_attempts()
    assert shop.verify().status == "captured"
