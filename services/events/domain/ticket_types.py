"""What a ticket type has to be like."""

from dataclasses import dataclass
from datetime import datetime

from chassis.errors import Unprocessable

TYPES = ("free", "paid", "donation", "freeRegistration", "paidRegistration", "donationRegistration")


@dataclass(frozen=True)
class Terms:
    """What is offered."""

    name: str
    type: str
    price_minor: int
    min_price_minor: int
    max_price_minor: int
    quantity: int
    min_order: int
    max_order: int
    sales_starts_at: datetime
    sales_ends_at: datetime

    @property
    def is_free(self) -> bool:
        """Costs nothing, whatever else is said."""
        return self.type.startswith("free")


def refused(code: str, sentence: str, attribute: str) -> Unprocessable:
    """A refusal that points at an attribute."""
    return Unprocessable(sentence, code=code, source={"pointer": f"/data/attributes/{attribute}"})


def check(terms: Terms, *, event_ends_at: datetime, has_payment_method: bool) -> None:
    """Raises Unprocessable (422) for terms that cannot be offered."""
    if not terms.name:
        raise refused("ticket-name-missing", "A ticket needs a name.", "name")
    _check_sale_window(terms, event_ends_at)
    _check_quantities(terms)
    _check_price(terms)
    if not terms.is_free and not has_payment_method:
        raise refused(
            "payment-method-missing",
            "Choose at least one way to pay for the event before you add tickets that cost something.",
            "type",
        )


def _check_sale_window(terms: Terms, event_ends_at: datetime) -> None:
    if terms.sales_starts_at >= terms.sales_ends_at:
        raise refused("sale-window-invalid", "The sale has to start before it ends.", "sales-ends-at")
    if terms.sales_ends_at > event_ends_at:
        raise refused("sale-window-invalid", "The sale cannot end after the event.", "sales-ends-at")


def _check_quantities(terms: Terms) -> None:
    if terms.quantity <= 0:
        raise refused("quantity-invalid", "There has to be at least one ticket.", "quantity")
    if terms.min_order > terms.max_order:
        raise refused("quantity-invalid", "The least per order cannot be more than the most per order.", "min-order")
    if terms.quantity < terms.min_order:
        raise refused("quantity-invalid", "There are fewer tickets than the least per order.", "quantity")
    if terms.quantity < terms.max_order:
        raise refused("quantity-invalid", "There are fewer tickets than the most per order.", "max-order")


def _check_price(terms: Terms) -> None:
    if terms.type.startswith("paid") and terms.price_minor <= 0:
        raise refused("price-invalid", "A paid ticket needs a price above 0.", "price")
    is_bounded = terms.type.startswith("donation") and terms.max_price_minor > 0
    if is_bounded and terms.min_price_minor > terms.max_price_minor:
        raise refused("price-invalid", "The least donation cannot be more than the highest.", "min-price")
