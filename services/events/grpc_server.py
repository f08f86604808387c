"""What other services may ask of events. See proto/events/events.proto."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from chassis import rpc
from chassis.db import transaction
from chassis.errors import DomainError, NotFound
from proto.events import events_pb2 as pb
from services.events import messages, offers, telling
from services.events.models import AccessCode, DiscountCode, Event, Member, Tax, Ticket, UsersEventsRoles

MOST = 1000


class EventsServicer:
    """One method per RPC."""

    def GetOffer(self, request: pb.OfferRequest) -> pb.Offer:  # noqa: N802
        """Everything that an order needs to know."""
        return offers.get_offer(request)

    def GetOffers(self, request: pb.OffersRequest) -> pb.Offers:  # noqa: N802
        """Several at once."""
        return pb.Offers(
            answers=[
                pb.OfferAnswer(refusal=rpc.refusal(answer))
                if isinstance(answer, DomainError)
                else pb.OfferAnswer(offer=answer)
                for answer in offers.get_offers(request.requests)
            ]
        )

    def GetEvent(self, request: pb.GetEventRequest) -> pb.Event:  # noqa: N802
        """An event by number or identifier, also a deleted one (it says so)."""
        by = Event.id == int(request.key[:18]) if request.key.isdigit() else Event.identifier == request.key
        with transaction() as db:
            event = db.scalars(select(Event).where(by)).first()
            if event is None:
                raise NotFound("There is no such event.", code="event-not-found")
            return messages.of_event(event)

    def GetSeller(self, request: pb.GetSellerRequest) -> pb.Seller:  # noqa: N802
        """What an invoice says of the seller: from the event's tax, empty where there is none."""
        living = select(Tax).where(Tax.event_id == request.event_id, Tax.deleted_at.is_(None))
        with transaction() as db:
            tax = db.scalars(living).first()
            if tax is None:
                return pb.Seller()
            names = ("tax_id", "address", "city", "state", "zip", "country", "invoice_footer")
            return pb.Seller(company=tax.registered_company or "", **{name: getattr(tax, name) or "" for name in names})

    def GetTicket(self, request: pb.GetTicketRequest) -> pb.Ticket:  # noqa: N802
        """A ticket type, also a deleted one."""
        with transaction() as db:
            ticket = db.get(Ticket, request.id)
            if ticket is None:
                raise NotFound("There is no such ticket.", code="ticket-not-found")
            return _ticket(db, ticket)

    def GetEventRoles(self, request: pb.GetEventRolesRequest) -> pb.EventRolesReply:  # noqa: N802
        """The roles of a user in an event; an empty list when there are none."""
        with transaction() as db:
            found = select(Member).where(Member.event_id == request.event_id, Member.user_id == request.user_id)
            member = db.scalars(found).first()
            if member is None:
                return pb.EventRolesReply(role=pb.EventRole(event_id=request.event_id, user_id=request.user_id))
            return pb.EventRolesReply(role=messages.of_member(member, telling.role_ids(db, member)))

    def SnapshotEvents(self, request: pb.SnapshotRequest) -> pb.EventPage:  # noqa: N802
        """Events after an id, deleted ones too."""
        return pb.EventPage(events=_page(Event, request, lambda _, event: messages.of_event(event)))

    def SnapshotTickets(self, request: pb.SnapshotRequest) -> pb.TicketPage:  # noqa: N802
        """Ticket types after an id, deleted ones too."""
        return pb.TicketPage(tickets=_page(Ticket, request, _ticket))

    def SnapshotDiscountCodes(self, request: pb.SnapshotRequest) -> pb.DiscountCodePage:  # noqa: N802
        """Codes of both kinds after an id: they share their numbers."""
        limit = _limit(request)
        with transaction() as db:
            ids = union_all(
                *(select(model.id).where(model.id > request.after_id) for model in (DiscountCode, AccessCode))
            ).subquery()
            wanted = list(db.scalars(select(ids.c.id).order_by(ids.c.id).limit(limit)))
            rows: dict[int, Any] = {}
            for model in (DiscountCode, AccessCode):
                found: Any = db.scalars(select(model).where(model.id.in_(wanted)))
                rows.update({row.id: row for row in found})
            return pb.DiscountCodePage(
                discount_codes=[
                    messages.of_code(rows[code_id], telling.ticket_ids(db, rows[code_id])) for code_id in wanted
                ]
            )

    def SnapshotEventRoles(self, request: pb.SnapshotRequest) -> pb.EventRolePage:  # noqa: N802
        """Team members after an id, also those who left."""
        with transaction() as db:
            rows = db.execute(
                select(Member, func.array_remove(func.array_agg(UsersEventsRoles.role_id), None))
                .outerjoin(
                    UsersEventsRoles,
                    (UsersEventsRoles.event_id == Member.event_id) & (UsersEventsRoles.user_id == Member.user_id),
                )
                .where(Member.id > request.after_id)
                .group_by(Member.id)
                .order_by(Member.id)
                .limit(_limit(request))
            ).all()
            return pb.EventRolePage(event_roles=[messages.of_member(member, ids) for member, ids in rows])


def _page(model: Any, request: pb.SnapshotRequest, part: Callable[[Session, Any], Any]) -> list[Any]:
    with transaction() as db:
        rows = db.scalars(
            select(model).where(model.id > request.after_id).order_by(model.id).limit(_limit(request))
        ).all()
        return [part(db, row) for row in rows]


def _limit(request: pb.SnapshotRequest) -> int:
    return min(request.limit or MOST, MOST)


def _ticket(db: Session, ticket: Ticket) -> pb.Ticket:
    event = db.get_one(Event, ticket.event_id)
    return messages.of_ticket(ticket, event_is_on_sale=event.is_on_sale)
