"""How a cart is read."""

from typing import Any

import pytest

from services.orders.domain import carts


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (None, carts.Code()),
        ("", carts.Code()),
        (" SAVE ", carts.Code(text="SAVE")),
        ("9", carts.Code(9, "9")),
        (9, carts.Code(9, "9")),
        ("007", carts.Code(7, "007")),
        ("0", carts.Code(text="0")),
        ("9" * 30, carts.Code(text="9" * 30)),
        ("²", carts.Code(text="²")),
    ],
)
def test_digits_are_the_text_of_a_discount_code_and_its_number(sent: Any, code: carts.Code) -> None:
    assert carts.read_cart({"discount-code": sent}).discount == code


@pytest.mark.parametrize("sent", ["1", 1, " 1 "])
def test_an_access_code_is_its_text(sent: Any) -> None:
    assert carts.read_cart({"access_code": sent}).access == carts.Code(text="1")
