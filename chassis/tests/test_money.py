"""Minor units: what people write is what is stored."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import money
from chassis.errors import Unprocessable


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        (19.99, "EUR", 1999),
        (0.1 + 0.2, "EUR", 30),
        (1.005, "EUR", 101),
        ("107.10", "USD", 10710),
        (500, "JPY", 500),
        (1.2345, "KWD", 1235),
        (Decimal("2.5"), "JPY", 3),
        (0, "", 0),
    ],
)
def test_amounts_become_minor_units(amount: float | str | Decimal, currency: str, minor: int) -> None:
    assert money.to_minor(amount, currency) == minor


@given(st.integers(0, money.MAX_MINOR), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_a_document_and_back_loses_nothing(minor: int, currency: str) -> None:
    assert money.to_minor(money.to_major(minor, currency), currency) == minor


@pytest.mark.parametrize("amount", ["abc", float("nan"), float("inf"), 1e30])
def test_nonsense_is_refused(amount: float | str) -> None:
    with pytest.raises(Unprocessable) as refusal:
        money.to_minor(amount, "EUR")
    assert refusal.value.code == "amount-invalid"


def test_text_shows_all_digits() -> None:
    assert [money.to_text(10710, "EUR"), money.to_text(1234567, "JPY"), money.to_text(0, "")] == [
        "107.10 EUR",
        "1,234,567 JPY",
        "0.00",
    ]
