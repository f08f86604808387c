"""What carts cost: the worked numbers of the API, and properties that hold for every cart."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.domain import pricing
from services.orders.domain.pricing import Discount, Line, Tax, quote, quote_at

VAT_INCLUDED, VAT_ON_TOP = Tax("VAT", Decimal(18), True), Tax("VAT", Decimal(18), False)


def fair_cart(is_discounted: bool) -> list[Line]:
    return [
        Line(1, "a", 12350, 2),
        Line(2, "b", 45630, 4, is_discounted),
        Line(3, "donation", 78970, 3, is_discounted),
        Line(4, "free", 0, 3),
    ]


@pytest.mark.parametrize(
    ("is_discounted", "tax", "sub_total", "tax_minor", "total", "off"),
    [
        (False, VAT_INCLUDED, 444130, 67749, 444130, 0),
        (False, VAT_ON_TOP, 444130, 79943, 524073, 0),
        (True, VAT_INCLUDED, 402187, 61351, 402187, 41943),
        (True, VAT_ON_TOP, 402187, 72394, 474581, 41943),
    ],
)
def test_the_worked_numbers(is_discounted: Any, tax: Any, sub_total: Any, tax_minor: Any, total: Any, off: Any) -> None:
    found = quote(fair_cart(is_discounted), Discount("TEN", "percent", Decimal(10)), tax, "EUR")
    assert (found.sub_total_minor, found.tax_minor, found.total_minor, found.discount_minor) == (
        sub_total,
        tax_minor,
        total,
        off,
    )


def test_half_off_two_of_three_lines() -> None:
    lines = [Line(1, "a", 5000, 2, True), Line(2, "b", 49580, 3, True), Line(3, "c", 32130, 1)]
    found = quote(lines, Discount("HALF", "percent", Decimal(50)), None, "EUR")
    assert (found.total_minor, found.discount_minor, found.discounted_units) == (111500, 79370, 5)


def test_an_amount_code_takes_no_more_than_the_price() -> None:
    found = quote([Line(1, "a", 5000, 1, True)], Discount("BIG", "amount", Decimal(100)), None, "EUR")
    assert (found.total_minor, found.discount_minor) == (0, 5000)


@pytest.mark.parametrize(
    ("currency", "price", "total"), [("JPY", 999, 899), ("KWD", 12345, 11111), ("EUR", 1999, 1799)]
)
def test_each_currency_rounds_in_its_own_minor_units(currency: Any, price: Any, total: Any) -> None:
    found = quote([Line(1, "a", price, 1, True)], Discount("TEN", "percent", Decimal(10)), None, currency)
    assert found.total_minor == total


@pytest.mark.parametrize(("currency", "total"), [("JPY", 995), ("KWD", 7000), ("EUR", 9500)])
def test_an_amount_code_means_major_units(currency: Any, total: Any) -> None:
    price = {"JPY": 1000, "KWD": 12000, "EUR": 10000}[currency]
    found = quote([Line(1, "a", price, 1, True)], Discount("FIVE", "amount", Decimal(5)), None, currency)
    assert found.total_minor == total


def test_an_organizers_amount_is_final_also_with_a_tax_on_top() -> None:
    found = quote_at([Line(1, "a", 5000, 2), Line(2, "b", 0, 1)], 1234, VAT_ON_TOP, "EUR")
    assert found.total_minor == 1234
    assert [line.total_minor for line in found.lines] == [1234, 0]
    assert found.tax_minor == 188


def test_an_amount_for_free_tickets_is_shared_by_units() -> None:
    found = quote_at([Line(1, "a", 0, 1), Line(2, "b", 0, 3)], 1000, None, "EUR")
    assert [line.total_minor for line in found.lines] == [250, 750]


def test_a_donation_has_bounds() -> None:
    assert pricing.donation_price(500, 500, 0) == 500
    for sent in (None, 499, 1001):
        with pytest.raises(pricing.PriceInvalid):
            pricing.donation_price(sent, 500, 1000)


LINES = st.lists(
    st.builds(
        Line,
        ticket_id=st.integers(1, 9),
        name=st.just("t"),
        price_minor=st.integers(0, 10_000_000),
        quantity=st.integers(1, 50),
        is_discounted=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)
DISCOUNTS = st.none() | st.builds(
    Discount,
    code=st.just("C"),
    type=st.sampled_from(["percent", "amount"]),
    value=st.decimals(0, 100, allow_nan=False, places=3),
)
TAXES = st.none() | st.builds(Tax, name=st.just("T"), rate=st.decimals(0, 100, places=3), is_included=st.booleans())
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])


@given(LINES, DISCOUNTS, TAXES, CURRENCIES)
def test_units_and_lines_add_up_to_the_total_and_nobody_pays_more_than_the_list_price(
    lines: Any, discount: Any, tax: Any, currency: Any
) -> None:
    found = quote(lines, discount, tax, currency)
    on_top = found.tax_minor if tax and not tax.is_included else 0
    assert sum(sum(line.unit_minor) for line in found.lines) == found.total_minor
    assert sum(line.total_minor for line in found.lines) == found.sub_total_minor == found.total_minor - on_top
    assert sum(line.tax_minor for line in found.lines) == found.tax_minor
    for line, wished in zip(found.lines, lines, strict=True):
        assert 0 <= line.total_minor <= wished.list_minor
        assert len(line.unit_minor) == wished.quantity
        assert line.tax_minor >= 0
        if not (discount and wished.is_discounted):
            assert abs(line.total_minor - wished.list_minor) <= len(lines)
    assert found.discount_minor == sum(line.list_minor for line in lines) - found.sub_total_minor


@given(LINES, TAXES, CURRENCIES, st.integers(0, 99_999_999))
def test_an_own_amount_is_shared_exactly(lines: Any, tax: Any, currency: Any, amount: Any) -> None:
    found = quote_at(lines, amount, tax, currency)
    assert found.total_minor == amount == sum(sum(line.unit_minor) for line in found.lines)
    assert all(line.total_minor >= 0 for line in found.lines)
    assert 0 <= found.tax_minor <= amount


@given(LINES, st.booleans())
def test_percent_codes_never_raise_the_price_when_they_grow(lines: Any, on_top: Any) -> None:
    tax = Tax("T", Decimal("7.7"), not on_top)
    totals = [
        quote(lines, Discount("C", "percent", Decimal(each)), tax, "EUR").total_minor for each in (0, 10, 55, 100)
    ]
    assert totals == sorted(totals, reverse=True)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=9), st.data())
def test_settling_reaches_every_total_that_the_limits_allow(figures: Any, data: Any) -> None:
    limits = [figure + data.draw(st.integers(0, 50)) for figure in figures]
    total = data.draw(st.integers(0, sum(limits)))
    settled = pricing.settle(figures, total, limits)
    assert sum(settled) == total
    assert all(0 <= figure <= limit for figure, limit in zip(settled, limits, strict=True))
