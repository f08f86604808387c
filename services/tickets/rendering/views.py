"""What a page shows, as plain values: rendering knows neither tables nor messages. Texts come as people wrote them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class EventView:
    name: str
    starts_at: datetime
    ends_at: datetime | None
    timezone: str
    place: str = ""  # venue or address; empty when it is not announced
    is_online: bool = False
    organizer: str = ""
    message: str = ""  # the after-order message; may hold simple HTML, which is shown as plain text
    version: int = 0  # of what is known of it; 0 as it was when it was ordered


@dataclass(frozen=True)
class PlatformView:
    name: str = "Stagedoor"
    url: str = ""
    colour: str = "#23395d"


@dataclass(frozen=True)
class TicketView:
    event: EventView
    holder_name: str
    holder_email: str
    ticket_name: str
    order_number: str
    serial: str
    code: str  # the signed text of the QR code
    platform: PlatformView = field(default_factory=PlatformView)
    locale: str = "en"


@dataclass(frozen=True)
class LineView:
    """One kind of ticket on the order. `amount_minor` is what the line costs after its discount."""

    ticket_name: str
    quantity: int
    price_minor: int
    amount_minor: int
    discount_minor: int = 0


@dataclass(frozen=True)
class OrderView:
    event: EventView
    number: str
    buyer_name: str
    buyer_email: str
    ordered_at: datetime
    currency: str
    lines: Sequence[LineView]
    total_minor: int
    tickets: Sequence[TicketView]
    tax_name: str = ""
    tax_minor: int = 0
    is_tax_included: bool = False
    paid_with: str = ""  # `Card ending in 4242`, `Bank transfer`, or empty for free orders
    platform: PlatformView = field(default_factory=PlatformView)
    locale: str = "en"


@dataclass(frozen=True)
class InvoiceView:
    """What a buyer's bookkeeping needs. `buyer` and `seller` are written as on an envelope, line by line."""

    order: OrderView
    number: str
    issued_at: datetime
    seller: Sequence[str]
    buyer: Sequence[str]
    footer: str = ""
