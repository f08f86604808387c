"""The tables of events, one module per aggregate."""

from services.events.models.base import Base
from services.events.models.events import Event, OfferVersion
from services.events.models.forms import CustomForm, CustomFormOption
from services.events.models.groups import Group, UserFollowGroup
from services.events.models.media import Medium
from services.events.models.offers import (
    AccessCode,
    DiscountCode,
    Restriction,
    Tax,
    Ticket,
    TicketTag,
    access_code_tickets,
    discount_code_tickets,
    ticket_tag_tickets,
)
from services.events.models.platform import Module, Page, Setting
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
    UserFavouriteSession,
    VideoStream,
    session_speakers,
)
from services.events.models.publicity import EventCopyright, SocialLink
from services.events.models.sales import OrderSale
from services.events.models.statistics import GeneralStatistics
from services.events.models.stripe import StripeAuthorization
from services.events.models.taxonomy import CustomPlaceholder, EventSubTopic, EventTopic, EventType
from services.events.models.team import Inquiry, Member, Role, RoleInvite, UsersEventsRoles
from services.events.models.users import User

__all__ = [
    "AccessCode",
    "Base",
    "CustomForm",
    "CustomFormOption",
    "CustomPlaceholder",
    "DiscountCode",
    "Event",
    "EventCopyright",
    "EventSession",
    "EventSubTopic",
    "EventTopic",
    "EventType",
    "Exhibitor",
    "Faq",
    "FaqType",
    "Feedback",
    "GeneralStatistics",
    "Group",
    "Inquiry",
    "Medium",
    "Member",
    "Microlocation",
    "Module",
    "OfferVersion",
    "OrderSale",
    "Page",
    "Restriction",
    "Role",
    "RoleInvite",
    "SessionType",
    "Setting",
    "SocialLink",
    "Speaker",
    "SpeakersCall",
    "Sponsor",
    "StripeAuthorization",
    "Tax",
    "Ticket",
    "TicketTag",
    "Track",
    "User",
    "UserFavouriteSession",
    "UserFollowGroup",
    "UsersEventsRoles",
    "VideoStream",
    "access_code_tickets",
    "discount_code_tickets",
    "session_speakers",
    "ticket_tag_tickets",
]
