"""Events: what people attend."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis import clock
from services.events.domain.roles import COORGANIZER, MODERATOR, ORGANIZER, REGISTRAR, TRACK_ORGANIZER
from services.events.models.base import Base, Json, Key, Long, SoftlyDeleted, Url, Versioned

if TYPE_CHECKING:
    from services.events.models.forms import CustomForm
    from services.events.models.groups import Group
    from services.events.models.offers import AccessCode, DiscountCode, Tax, Ticket, TicketTag
    from services.events.models.programme import (
        EventSession,
        Exhibitor,
        Faq,
        FaqType,
        Feedback,
        Microlocation,
        SessionType,
        Speaker,
        SpeakersCall,
        Sponsor,
        Track,
        VideoStream,
    )
    from services.events.models.publicity import EventCopyright, SocialLink
    from services.events.models.statistics import GeneralStatistics
    from services.events.models.stripe import StripeAuthorization
    from services.events.models.taxonomy import EventSubTopic, EventTopic, EventType
    from services.events.models.team import RoleInvite, UsersEventsRoles
    from services.events.models.users import User


def people(role_id: int) -> Any:
    """The users who hold a role in the event."""
    return relationship(
        "User",
        secondary="users_events_roles",
        primaryjoin=f"and_(Event.id == UsersEventsRoles.event_id, UsersEventsRoles.role_id == {role_id})",
        secondaryjoin="foreign(UsersEventsRoles.user_id) == User.id",
        viewonly=True,
        lazy="raise",
    )


class Event(Versioned, SoftlyDeleted, Base):
    """An event."""

    __tablename__ = "events"
    __table_args__ = (
        Index(
            "ix_events_listed", "starts_at", "id", postgresql_where=text("deleted_at IS NULL AND state = 'published'")
        ),
        CheckConstraint("state IN ('draft', 'published')", name="state"),
    )

    id: Mapped[Key]
    identifier: Mapped[str] = mapped_column(String(8), unique=True)
    owner_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    name: Mapped[str]
    description: Mapped[Long | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    timezone: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="draft")
    privacy: Mapped[str] = mapped_column(String(16), default="public")
    published_at: Mapped[datetime | None]

    online: Mapped[bool] = mapped_column(default=False)
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    location_name: Mapped[str | None]
    searchable_location_name: Mapped[str | None]
    is_map_shown: Mapped[bool] = mapped_column(default=False)
    public_stream_link: Mapped[Url | None]
    stream_loop: Mapped[bool] = mapped_column(default=False)
    stream_autoplay: Mapped[bool] = mapped_column(default=False)
    external_event_url: Mapped[Url | None]
    ticket_url: Mapped[Url | None]
    logo_url: Mapped[Url | None]
    original_image_url: Mapped[Url | None]
    document_links: Mapped[Json | None]
    code_of_conduct: Mapped[Long | None]
    schedule_published_on: Mapped[datetime | None]
    after_order_message: Mapped[Long | None]

    has_owner_info: Mapped[bool] = mapped_column(default=False)
    owner_name: Mapped[str | None]
    owner_description: Mapped[Long | None]

    is_featured: Mapped[bool] = mapped_column(default=False)
    is_promoted: Mapped[bool] = mapped_column(default=False)
    is_demoted: Mapped[bool] = mapped_column(default=False)
    is_announced: Mapped[bool] = mapped_column(default=False)
    is_oneclick_signup_enabled: Mapped[bool] = mapped_column(default=False)
    is_sessions_speakers_enabled: Mapped[bool] = mapped_column(default=False)
    is_cfs_enabled: Mapped[bool] = mapped_column(default=False)
    is_sponsors_enabled: Mapped[bool] = mapped_column(default=False)
    is_ticket_form_enabled: Mapped[bool] = mapped_column(default=True)
    is_badges_enabled: Mapped[bool] = mapped_column(default=True)
    is_chat_enabled: Mapped[bool] = mapped_column(default=False)
    is_videoroom_enabled: Mapped[bool] = mapped_column(default=False)
    is_document_enabled: Mapped[bool] = mapped_column(default=False)
    is_donation_enabled: Mapped[bool] = mapped_column(default=False)
    is_tax_enabled: Mapped[bool] = mapped_column(default=False)
    is_billing_info_mandatory: Mapped[bool] = mapped_column(default=False)
    show_remaining_tickets: Mapped[bool] = mapped_column(default=False)

    payment_country: Mapped[str | None] = mapped_column(String(64))
    payment_currency: Mapped[str] = mapped_column(String(3))
    paypal_email: Mapped[str | None]
    refund_policy: Mapped[Long | None]
    can_pay_by_paypal: Mapped[bool] = mapped_column(default=False)
    can_pay_by_stripe: Mapped[bool] = mapped_column(default=False)
    can_pay_by_cheque: Mapped[bool] = mapped_column(default=False)
    can_pay_by_bank: Mapped[bool] = mapped_column(default=False)
    can_pay_by_invoice: Mapped[bool] = mapped_column(default=False)
    can_pay_onsite: Mapped[bool] = mapped_column(default=False)
    can_pay_by_omise: Mapped[bool] = mapped_column(default=False)
    can_pay_by_alipay: Mapped[bool] = mapped_column(default=False)
    can_pay_by_paytm: Mapped[bool] = mapped_column(default=False)
    cheque_details: Mapped[Long | None]
    invoice_details: Mapped[Long | None]
    bank_details: Mapped[Long | None]
    onsite_details: Mapped[Long | None]
    is_stripe_linked: Mapped[bool] = mapped_column(default=False)

    event_type_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("event_types.id", ondelete="SET NULL"))
    event_topic_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("event_topics.id", ondelete="SET NULL"))
    event_sub_topic_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("event_sub_topics.id", ondelete="SET NULL")
    )
    group_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("groups.id", ondelete="SET NULL"), index=True)
    copied_from_id: Mapped[int | None] = mapped_column(BigInteger)

    completed_order_sales: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    completed_order_tickets: Mapped[int] = mapped_column(default=0, server_default="0")
    placed_order_sales: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    placed_order_tickets: Mapped[int] = mapped_column(default=0, server_default="0")

    event_type: Mapped[EventType | None] = relationship(lazy="raise", back_populates="events")
    event_topic: Mapped[EventTopic | None] = relationship(lazy="raise", back_populates="events")
    event_sub_topic: Mapped[EventSubTopic | None] = relationship(lazy="raise", back_populates="events")
    group: Mapped[Group | None] = relationship(lazy="raise", back_populates="events")

    tickets: Mapped[list[Ticket]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    ticket_tags: Mapped[list[TicketTag]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    discount_codes: Mapped[list[DiscountCode]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    access_codes: Mapped[list[AccessCode]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    tax: Mapped[Tax | None] = relationship(
        lazy="raise",
        viewonly=True,
        uselist=False,
        primaryjoin="and_(Tax.event_id == Event.id, Tax.deleted_at.is_(None))",
    )
    custom_forms: Mapped[list[CustomForm]] = relationship(lazy="raise", back_populates="event", viewonly=True)

    tracks: Mapped[list[Track]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    sessions: Mapped[list[EventSession]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    session_types: Mapped[list[SessionType]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    speakers: Mapped[list[Speaker]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    sponsors: Mapped[list[Sponsor]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    exhibitors: Mapped[list[Exhibitor]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    microlocations: Mapped[list[Microlocation]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    faqs: Mapped[list[Faq]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    faq_types: Mapped[list[FaqType]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    feedbacks: Mapped[list[Feedback]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    social_links: Mapped[list[SocialLink]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    speakers_call: Mapped[SpeakersCall | None] = relationship(
        lazy="raise",
        viewonly=True,
        uselist=False,
        primaryjoin="and_(SpeakersCall.event_id == Event.id, SpeakersCall.deleted_at.is_(None))",
    )
    video_stream: Mapped[VideoStream | None] = relationship(
        lazy="raise",
        viewonly=True,
        uselist=False,
        primaryjoin="and_(VideoStream.event_id == Event.id, VideoStream.microlocation_id.is_(None))",
    )
    event_copyright: Mapped[EventCopyright | None] = relationship(
        lazy="raise",
        viewonly=True,
        uselist=False,
        primaryjoin="and_(EventCopyright.event_id == Event.id, EventCopyright.deleted_at.is_(None))",
    )

    roles: Mapped[list[UsersEventsRoles]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    role_invites: Mapped[list[RoleInvite]] = relationship(lazy="raise", back_populates="event", viewonly=True)
    owner: Mapped[User | None] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Event.owner_id) == User.id"
    )
    organizers: Mapped[list[User]] = people(ORGANIZER)
    coorganizers: Mapped[list[User]] = people(COORGANIZER)
    track_organizers: Mapped[list[User]] = people(TRACK_ORGANIZER)
    moderators: Mapped[list[User]] = people(MODERATOR)
    registrars: Mapped[list[User]] = people(REGISTRAR)
    general_statistics: Mapped[GeneralStatistics | None] = relationship(
        lazy="raise", viewonly=True, uselist=False, primaryjoin="foreign(GeneralStatistics.id) == Event.id"
    )
    stripe_authorization: Mapped[StripeAuthorization | None] = relationship(
        lazy="raise",
        viewonly=True,
        uselist=False,
        primaryjoin=(
            "and_(foreign(StripeAuthorization.event_id) == Event.id, StripeAuthorization.is_linked.is_(True))"
        ),
    )

    @property
    def is_on_sale(self) -> bool:
        """Whether its tickets may be sold: alive and published."""
        return self.state == "published" and self.deleted_at is None


class OfferVersion(Base):
    """Grows with every commit that changes what an event offers: the event, its tickets, codes, tax and form.

    A row of its own, raised last, so that changes of tickets never wait for each other on the event (see `telling`).
    """

    __tablename__ = "offer_versions"

    event_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("events.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    version: Mapped[int] = mapped_column(BigInteger, default=1)
