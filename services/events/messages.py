"""Our rows as other services may know them: the parts of `proto/events`, full state."""

from decimal import Decimal
from typing import Any

from chassis.messages import to_stamp
from proto.events import events_pb2 as pb
from services.events import config
from services.events.domain.roles import NAMES
from services.events.models import AccessCode, DiscountCode, Event, Member, Tax, Ticket

PAYMENT_MODES = {
    "stripe": "can_pay_by_stripe",
    "paypal": "can_pay_by_paypal",
    "bank": "can_pay_by_bank",
    "cheque": "can_pay_by_cheque",
    "onsite": "can_pay_onsite",
    "invoice": "can_pay_by_invoice",
}


def epoch() -> int:
    """Raised after a restore, so that what the database says now beats what it said before."""
    return config.current().data_epoch


def of_event(event: Event) -> pb.Event:
    """The event."""
    return pb.Event(
        id=event.id,
        epoch=epoch(),
        version=event.version,
        deleted=event.deleted_at is not None,
        identifier=event.identifier,
        name=event.name,
        starts_at=to_stamp(event.starts_at),
        ends_at=to_stamp(event.ends_at),
        timezone=event.timezone,
        online=event.online,
        location_name=event.location_name or "",
        state=event.state,
        currency=event.payment_currency,
        payment_country=event.payment_country or "",
        after_order_message=event.after_order_message or "",
        logo_url=event.logo_url or "",
        original_image_url=event.original_image_url or "",
        owner_name=event.owner_name or "",
        owner_id=event.owner_id or 0,
        is_billing_info_mandatory=event.is_billing_info_mandatory,
        is_ticket_form_enabled=event.is_ticket_form_enabled,
        bank_details=event.bank_details or "",
        cheque_details=event.cheque_details or "",
        onsite_details=event.onsite_details or "",
        invoice_details=event.invoice_details or "",
        refund_policy=event.refund_policy or "",
        privacy=event.privacy,
        payment_modes=payment_modes(event),
        is_stripe_linked=event.is_stripe_linked,
        created_at=to_stamp(event.created_at),
        deleted_at=to_stamp(event.deleted_at),
    )


def payment_modes(event: Event) -> list[str]:
    """How orders of this event may be paid."""
    return ["free", *(mode for mode, column in PAYMENT_MODES.items() if getattr(event, column))]


def of_ticket(ticket: Ticket, *, event_is_on_sale: bool) -> pb.Ticket:
    """The ticket type. What may be held of it depends on its event too."""
    return pb.Ticket(
        id=ticket.id,
        epoch=epoch(),
        version=ticket.version,
        deleted=ticket.deleted_at is not None,
        event_id=ticket.event_id,
        name=ticket.name,
        type=ticket.type,
        price_minor=ticket.price_minor,
        min_price_minor=ticket.min_price_minor,
        max_price_minor=ticket.max_price_minor,
        currency=ticket.currency,
        quantity=ticket.quantity,
        min_order=ticket.min_order,
        max_order=ticket.max_order,
        sales_starts_at=to_stamp(ticket.sales_starts_at),
        sales_ends_at=to_stamp(ticket.sales_ends_at),
        is_hidden=ticket.is_hidden,
        on_sale=event_is_on_sale and ticket.deleted_at is None,
        description=ticket.description or "",
        is_description_visible=ticket.is_description_visible,
        position=ticket.position or 0,
        is_fee_absorbed=ticket.is_fee_absorbed,
        is_checkin_restricted=ticket.is_checkin_restricted,
        auto_checkin_enabled=ticket.auto_checkin_enabled,
        form_id=ticket.form_id or "",
    )


def of_code(code: DiscountCode | AccessCode, ticket_ids: list[int]) -> pb.DiscountCode:
    """A code of either kind, as whoever counts its uses needs it."""
    message = pb.DiscountCode(
        id=code.id,
        epoch=epoch(),
        version=code.version,
        deleted=code.deleted_at is not None,
        event_id=code.event_id,
        code=code.code,
        is_active=code.is_active and code.deleted_at is None,
        tickets_number=code.tickets_number or 0,
        ticket_ids=ticket_ids,
        is_access_code=isinstance(code, AccessCode),
    )
    if isinstance(code, DiscountCode):
        message.used_for, message.type, message.value = code.used_for, code.type, decimal_text(code.value)
    return message


def of_discount(code: DiscountCode, ticket_ids: list[int]) -> pb.Discount:
    """A discount code in an offer."""
    return pb.Discount(
        id=code.id,
        code=code.code,
        type=code.type,
        value=decimal_text(code.value),
        epoch=epoch(),
        version=code.version,
        is_active=code.is_active,
        tickets_number=code.tickets_number or 0,
        min_quantity=max(code.min_quantity or 0, 0),
        max_quantity=max(code.max_quantity or 0, 0),
        ticket_ids=ticket_ids,
    )


def of_access_code(code: AccessCode, ticket_ids: list[int]) -> pb.AccessCode:
    """An access code in an offer."""
    return pb.AccessCode(
        id=code.id,
        code=code.code,
        epoch=epoch(),
        version=code.version,
        is_active=code.is_active,
        tickets_number=code.tickets_number or 0,
        min_quantity=max(code.min_quantity or 0, 0),
        max_quantity=max(code.max_quantity or 0, 0),
        ticket_ids=ticket_ids,
    )


def of_tax(tax: Tax) -> pb.Tax:
    """The tax in an offer."""
    return pb.Tax(name=tax.name or "", rate=decimal_text(tax.rate), is_included=tax.is_tax_included_in_price)


def of_member(member: Member, role_ids: list[int]) -> pb.EventRole:
    """What one user may do in one event."""
    return pb.EventRole(
        id=member.id,
        epoch=epoch(),
        version=member.version,
        event_id=member.event_id,
        user_id=member.user_id,
        roles=[NAMES[role_id] for role_id in sorted(role_ids) if role_id in NAMES],
    )


def decimal_text(value: Decimal | Any) -> str:
    """An exact decimal without trailing zeros: 12.5, 100."""
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
