"""The rules, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Conflict, Unprocessable
from chassis.money import exponent
from services.payments.domain import ledger
from services.payments.domain.attempts import LIVE, PAID, TABLE, News, Status, after, is_over
from services.payments.domain.currencies import from_paypal, from_stripe, to_paypal, to_stripe
from services.payments.domain.policy import may_link_stripe
from services.payments.domain.refunds import amount_to_refund

news = st.sampled_from(News)


def test_every_status_has_its_line_in_the_table() -> None:
    assert set(TABLE) == set(Status)


@given(st.lists(news))
def test_captured_money_is_never_forgotten(heard: list[News]) -> None:
    status, has_money = Status.OPEN, False
    for each in heard:
        status = after(status, each)
        has_money = has_money or each is News.CAPTURED
        assert (status in PAID) == has_money


@given(st.lists(news))
def test_an_attempt_that_is_over_comes_back_only_with_money(heard: list[News]) -> None:
    status, was_over = Status.OPEN, False
    for each in heard:
        status = after(status, each)
        was_over = was_over or is_over(status)
        assert not (was_over and status in LIVE)


@given(st.sampled_from(sorted(LIVE)), st.lists(news, min_size=1))
def test_the_order_of_repeated_news_about_money_does_not_matter(start: Status, heard: list[News]) -> None:
    if News.CAPTURED in heard and News.REFUNDED not in heard:
        for order in (heard, heard[::-1], heard * 2):
            status = start
            for each in order:
                status = after(status, each)
            assert status == Status.CAPTURED


@pytest.mark.parametrize(
    ("minor", "currency", "sent"),
    [(1999, "EUR", 1999), (1990, "JPY", 1990), (500, "MGA", 5), (5, "ISK", 500), (5, "UGX", 500), (5120, "KWD", 5120)],
)
def test_stripe_gets_amounts_as_it_counts_them(minor: int, currency: str, sent: int) -> None:
    assert to_stripe(minor, currency) == sent
    assert from_stripe(sent, currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "sent"),
    [(1999, "EUR", "19.99"), (5, "USD", "0.05"), (1990, "JPY", "1990"), (199000, "HUF", "1990")],
)
def test_paypal_gets_texts(minor: int, currency: str, sent: str) -> None:
    assert to_paypal(minor, currency) == sent
    assert from_paypal(sent, currency) == minor


@pytest.mark.parametrize(
    ("convert", "minor", "currency", "code"),
    [
        (to_stripe, 5124, "KWD", "amount-not-payable"),
        (to_stripe, 550, "MGA", "amount-not-payable"),
        (to_stripe, 5, "LYD", "currency-not-supported"),
        (to_paypal, 199050, "HUF", "amount-not-payable"),
        (to_paypal, 5, "KWD", "currency-not-supported"),
        (to_paypal, 5, "INR", "currency-not-supported"),
    ],
)
def test_what_a_provider_cannot_take_exactly_is_refused(convert: object, minor: int, currency: str, code: str) -> None:
    with pytest.raises(Unprocessable) as refusal:
        convert(minor, currency)  # type: ignore[operator]
    assert refusal.value.code == code


@pytest.mark.parametrize("text", ["1.999", "abc", "0.5 EUR"])
def test_what_paypal_would_never_say_is_no_amount(text: str) -> None:
    with pytest.raises(Unprocessable):
        from_paypal(text, "EUR")


@given(st.integers(1, 99_999_999), st.sampled_from(["EUR", "USD", "JPY", "KWD", "HUF", "ISK", "MGA", "TWD", "TND"]))
def test_no_amount_changes_on_its_way_to_a_provider_and_back(minor: int, currency: str) -> None:
    for there, back in ((to_stripe, from_stripe), (to_paypal, from_paypal)):
        try:
            sent = there(minor, currency)
        except Unprocessable:
            continue
        assert back(sent, currency) == minor  # type: ignore[arg-type]
    assert exponent(currency) >= 0


@given(st.integers(0, 10_000), st.lists(st.integers(0, 5_000), max_size=20))
def test_refunds_never_exceed_what_was_captured(captured: int, wishes: list[int]) -> None:
    promised = 0
    for wanted in wishes:
        if wanted > captured - promised:
            with pytest.raises(Conflict):
                amount_to_refund(captured, promised, wanted)
        else:
            promised += amount_to_refund(captured, promised, wanted)
        assert promised <= captured


def test_the_whole_remainder_is_what_is_left() -> None:
    assert amount_to_refund(10710, 3000, 0) == 7710
    assert amount_to_refund(10710, 10710, 0) == 0


amounts = st.integers(1, 100_000)
transfers = st.one_of(
    st.builds(
        ledger.charge,
        st.sampled_from(["stripe", "paypal"]),
        st.integers(1, 3),
        st.uuids().map(str),
        amounts,
        st.just("EUR"),
    ),
    st.builds(ledger.fee, st.sampled_from(["stripe", "paypal"]), st.uuids().map(str), amounts, st.just("EUR")),
    st.builds(ledger.refund, st.just("stripe"), st.integers(1, 3), st.uuids().map(str), amounts, st.just("JPY")),
    st.builds(
        ledger.refund_returned, st.just("stripe"), st.integers(1, 3), st.uuids().map(str), amounts, st.just("JPY")
    ),
)


@given(st.lists(transfers))
def test_accounts_add_up_to_nothing_in_every_currency(booked: list[ledger.Transfer]) -> None:
    totals: dict[str, int] = {}
    for (_, currency), amount in ledger.balances(booked).items():
        totals[currency] = totals.get(currency, 0) + amount
    assert set(totals.values()) <= {0}


def test_a_charge_a_fee_and_a_refund_leave_what_they_should() -> None:
    booked = [
        ledger.charge("paypal", 7, "p", 10000, "EUR"),
        ledger.fee("paypal", "p", 320, "EUR"),
        ledger.refund("paypal", 7, "r", 4000, "EUR"),
    ]
    assert ledger.balances(booked) == {
        ("held/paypal", "EUR"): 5680,
        ("event/7", "EUR"): -6000,
        ("fees/paypal", "EUR"): 320,
    }


@pytest.mark.parametrize(
    ("roles", "is_admin", "may"),
    [
        (["owner"], False, True),
        (["organizer"], False, True),
        (["coorganizer"], False, False),
        ([], False, False),
        ([], True, True),
    ],
)
def test_organizers_and_up_link_stripe_accounts(roles: list[str], is_admin: bool, may: bool) -> None:
    assert may_link_stripe(roles, is_admin=is_admin) is may
