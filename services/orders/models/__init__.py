"""Tables, one module per aggregate."""

from services.orders.models.attendees import Attendee, Tag
from services.orders.models.base import Base
from services.orders.models.ledgers import CodeUse, InvoiceCounter, Stock
from services.orders.models.orders import Order, OrderLine, Refund, Resend
from services.orders.models.replicas import DiscountCode, Event, EventRole, Fill, Ticket, User

__all__ = [
    "Attendee",
    "Base",
    "CodeUse",
    "DiscountCode",
    "Event",
    "EventRole",
    "Fill",
    "InvoiceCounter",
    "Order",
    "OrderLine",
    "Refund",
    "Resend",
    "Stock",
    "Tag",
    "Ticket",
    "User",
]
