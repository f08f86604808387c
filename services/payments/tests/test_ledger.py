"""The ledger against the payments and the providers' books, over random sequences of what can happen."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis import db as database
from chassis.testing import empty_tables
from proto.orders.orders_pb2 import RefundRequested
from services.payments.commands import attempts, refunds
from services.payments.commands.attempts import Wish
from services.payments.commands.settling import settle
from services.payments.domain.attempts import News
from services.payments.domain.reports import RefundReport, Report
from services.payments.main import SERVICE
from services.payments.models.refunds import Refund
from services.payments.tests.conftest import rows

ORDER = "an-order"
NEWS = [
    Report(News.CAPTURED, reference="pi_1", transaction_id="ch_1", amount_minor=1000, currency="EUR", fee_minor=30),
    Report(News.CAPTURED, reference="pi_1", transaction_id="ch_1", amount_minor=1000, currency="EUR"),
    Report(News.DECLINED, code="card_declined"),
    Report(News.CANCELLED),
    Report(News.LOST),
    Report(News.WAITS),
]
steps = st.one_of(
    st.tuples(st.just("news"), st.sampled_from(NEWS)),
    st.tuples(st.just("ask"), st.tuples(st.sampled_from("abcd"), st.sampled_from([0, 1, 400, 1000, 2000]))),
    st.tuples(st.just("refund"), st.sampled_from(["succeeded", "failed", "pending", "lost"])),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=14))
def test_the_books_agree_whatever_happens(app: Any, sequence: list[tuple[str, Any]]) -> None:
    empty_tables(SERVICE)
    with database.transaction() as session:
        taken = attempts.take_turn(session, Wish(ORDER, 7, "stripe", 1000, "EUR"), charging=True)
        assert taken.payment is not None
        payment_id = taken.payment.id
    for kind, what in sequence:
        with database.transaction() as session:
            if kind == "news":
                settle(session, payment_id, what, ends_call=False)
            elif kind == "ask":
                key, amount = what
                refunds.request_refunds(
                    session,
                    RefundRequested(
                        refund_key=key, payment_id=str(payment_id), order_identifier=ORDER, amount_minor=amount
                    ),
                )
            else:
                for refund in session.query(Refund).all():
                    refunds.settle_refund(session, refund.id, RefundReport(what, reference=f"re_{uuid4()}"))
        agree()


def agree() -> None:
    ((status, captured, refunded),) = rows("SELECT status, captured_minor, refunded_minor FROM payments")
    ((promised, given_back),) = rows(
        "SELECT coalesce(sum(amount_minor) FILTER (WHERE status <> 'failed'), 0),"
        " coalesce(sum(amount_minor) FILTER (WHERE status = 'succeeded'), 0) FROM refunds"
    )
    assert promised <= captured
    assert given_back == refunded
    assert (status == "refunded") == (captured > 0 and refunded == captured)
    balances = {
        account: int(balance)
        for account, balance in rows(
            "SELECT account, sum(amount) FROM (SELECT debit AS account, amount_minor AS amount FROM ledger_transfers"
            " UNION ALL SELECT credit, -amount_minor FROM ledger_transfers) AS lines GROUP BY account"
        )
    }
    assert sum(balances.values()) == 0
    fees = balances.get("fees/stripe", 0)
    assert balances.get("held/stripe", 0) == captured - refunded - fees
    assert balances.get("event/7", 0) == -(captured - refunded)


def test_a_transfer_needs_two_accounts_and_an_amount(app: Any) -> None:
    with pytest.raises(Exception, match="ck_ledger_transfers"), database.engine().begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO ledger_accounts VALUES ('x'); INSERT INTO ledger_transfers"
            " (kind, debit, credit, amount_minor, currency, reference, payment_id, booked_at)"
            " VALUES ('charge', 'x', 'x', 1, 'EUR', 'r', gen_random_uuid(), now())"
        )
