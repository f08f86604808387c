"""An event with everything that belongs to it, each part made through the API by whoever may, when it is first needed."""

import itertools
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from local.api import Api, ref
from tests.journey.stage import Stage, eventually, text

Attributes = Callable[[int], dict[str, Any]]
_numbers = itertools.count(1)


def days(count: float) -> str:
    """That many days from now."""
    return text(datetime.now(UTC).replace(microsecond=0) + timedelta(days=count))


class People:
    """Who acts: made once for all scenes, because signing up waits for a mail."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.nobody = stage.nobody

    @property
    def admin(self) -> Api:
        """The super admin."""
        return self.stage.admin

    @cached_property
    def organizer(self) -> Api:
        """Who owns every scene's event."""
        return self.stage.person("organizer")

    @cached_property
    def buyer(self) -> Api:
        """Who orders."""
        return self.stage.person("buyer")

    @cached_property
    def stranger(self) -> Api:
        """Who has nothing to do with any of it."""
        return self.stage.person("stranger")


@dataclass(frozen=True)
class Recipe:
    """How a part of a scene is made: which resource, by whom, with what, related to which other parts."""

    path: str
    type: str
    attributes: Attributes
    relations: Mapping[str, str | Sequence[str]] = field(default_factory=lambda: {"event": "event"})
    by: str = "organizer"


def _code(at: int) -> dict[str, Any]:
    return {
        "code": f"CODE{at}",
        "tickets-number": 50,
        "min-quantity": 1,
        "max-quantity": 5,
        "is-active": True,
        "valid-from": days(-1),
        "valid-till": days(20),
    }


def _discount(at: int) -> dict[str, Any]:
    return {**_code(at), "type": "percent", "value": 10, "discount-url": "https://example.com/discount"}


def _ticket(at: int) -> dict[str, Any]:
    return {
        "name": f"Seat {at}",
        "description": "On the balcony.",
        "type": "paid",
        "price": 20.5,
        "quantity": 100,
        "min-order": 1,
        "max-order": 10,
        "position": 1,
        "sales-starts-at": days(-1),
        "sales-ends-at": days(29),
    }


def event_attributes(at: int) -> dict[str, Any]:
    """Every attribute that a documented request carries."""
    return {
        "name": f"Fair {at}",
        "description": "Music and talks.",
        "starts-at": days(30),
        "ends-at": days(32),
        "timezone": "Europe/Berlin",
        "latitude": 52.52,
        "longitude": 13.4,
        "location-name": "Town Hall",
        "searchable-location-name": "Berlin",
        "logo-url": "https://example.com/logo.png",
        "original-image-url": "https://example.com/event.png",
        "external-event-url": "https://example.com/fair",
        "ticket-url": "https://example.com/tickets",
        "code-of-conduct": "Be kind.",
        "refund-policy": "Ask us.",
        "has-owner-info": True,
        "owner-name": "Ada",
        "owner-description": "Runs fairs.",
        "is-map-shown": True,
        "is-sessions-speakers-enabled": True,
        "is-sponsors-enabled": True,
        "is-tax-enabled": True,
        "online": False,
        "privacy": "public",
        "state": "draft",
        "payment-country": "DE",
        "payment-currency": "EUR",
        "can-pay-by-stripe": True,
        "can-pay-by-paypal": True,
        "can-pay-by-bank": True,
        "can-pay-by-cheque": True,
        "can-pay-by-omise": False,
        "can-pay-onsite": True,
        "paypal-email": "till@example.com",
        "bank-details": "IBAN DE02 1203 0000 0000 2020 51",
        "cheque-details": "To Ada.",
        "onsite-details": "Bring cash.",
    }


def attendee_attributes(at: int) -> dict[str, Any]:
    """Name, address and what else a documented request carries."""
    return {
        "firstname": "Grace",
        "lastname": f"Guest{at}",
        "email": f"guest{at}@example.com",
        "address": "Street 1",
        "city": "Berlin",
        "state": "Berlin",
        "country": "DE",
        "attendee-notes": None,
        "is-checked-in": False,
        "checkin-times": None,
        "pdf-url": None,
    }


def _topic(at: int) -> dict[str, Any]:
    return {"name": f"Topic {at} {uuid.uuid4().hex[:8]}"}


def _session(at: int) -> dict[str, Any]:
    return {
        "title": f"Talk {at}",
        "subtitle": "For all",
        "level": "beginner",
        "short-abstract": "Short.",
        "long-abstract": "Long.",
        "comments": "None yet.",
        "language": "English",
        "starts-at": days(30.5),
        "ends-at": days(30.6),
        "slides-url": "https://example.com/slides",
        "video-url": "https://example.com/video",
        "audio-url": "https://example.com/audio",
        "signup-url": "https://example.com/signup",
        "state": "accepted",
        "created-at": days(0),
        "is-mail-sent": False,
    }


def _speaker(at: int) -> dict[str, Any]:
    return {
        "name": f"Speaker {at}",
        "website": "https://example.com/speaker",
        "city": "Berlin",
        "country": "DE",
        "gender": "female",
        "short-biography": "Short.",
        "long-biography": "Long.",
        "speaking-experience": "Ten years.",
        "sponsorship-required": "No.",
    }


def _tax(_at: int) -> dict[str, Any]:
    return {
        "name": "VAT",
        "rate": 19,
        "tax-id": "DE123456789",
        "registered-company": "Fair Ltd",
        "address": "Street 1",
        "city": "Berlin",
        "state": "Berlin",
        "zip": "10115",
        "country": "DE",
        "invoice-footer": "Thank you.",
        "is-tax-included-in-price": True,
        "should-send-invoice": True,
        "is-invoice-sent": False,
    }


def _stripe_keys(at: int) -> dict[str, Any]:
    return {
        "stripe-secret-key": f"sk_test_contract{at}",
        "stripe-publishable-key": f"pk_test_contract{at}",
        "stripe-refresh-token": f"rt_contract{at}",
        "stripe-user-id": f"acct_contract{at}",
        "stripe-email": "till@example.com",
    }


RECIPES: dict[str, Recipe] = {
    "event": Recipe("/v1/events", "event", event_attributes, {"event-topic": "event-topic"}),
    "event-topic": Recipe("/v1/event-topics", "event-topic", _topic, {}, "admin"),
    "ticket": Recipe("/v1/tickets", "ticket", _ticket),
    "hidden ticket": Recipe("/v1/tickets", "ticket", lambda at: {**_ticket(at), "is-hidden": True}),
    "ticket-tag": Recipe(
        "/v1/ticket-tags", "ticket-tag", lambda at: {"name": f"Tag {at}"}, {"event": "event", "tickets": ["ticket"]}
    ),
    "microlocation": Recipe(
        "/v1/microlocations",
        "microlocation",
        lambda at: {"name": f"Room {at}", "latitude": 52, "longitude": 13, "floor": 2, "room": "2.01"},
    ),
    "track": Recipe(
        "/v1/tracks", "track", lambda at: {"name": f"Track {at}", "description": "Main.", "color": "#336699"}
    ),
    "session-type": Recipe("/v1/session-types", "session-type", lambda at: {"name": f"Talk {at}", "length": "00:30"}),
    "session": Recipe(
        "/v1/sessions",
        "session",
        _session,
        {"event": "event", "track": "track", "microlocation": "microlocation", "session-type": "session-type"},
    ),
    "speaker": Recipe(
        "/v1/speakers", "speaker", _speaker, {"event": "event", "sessions": ["session"], "user": "organizer"}
    ),
    "speakers-call": Recipe(
        "/v1/speakers-calls",
        "speakers-call",
        lambda _: {"announcement": "Come!", "starts-at": days(-1), "ends-at": days(9), "privacy": "public"},
    ),
    "sponsor": Recipe(
        "/v1/sponsors",
        "sponsor",
        lambda at: {
            "name": f"Sponsor {at}",
            "description": "Gives.",
            "url": "https://example.com",
            "level": 1,
            "type": "gold",
            "logo-url": "https://example.com/logo.png",
        },
    ),
    "social-link": Recipe(
        "/v1/social-links", "social-link", lambda _: {"name": "site", "link": "https://example.com/social"}
    ),
    "event-copyright": Recipe("/v1/event-copyrights", "event-copyright", lambda _: {"licence": "CC BY", "year": 2020}),
    "tax": Recipe("/v1/taxes", "tax", _tax),
    "discount-code": Recipe(
        "/v1/discount-codes",
        "discount-code",
        lambda at: {**_discount(at), "used-for": "ticket"},
        {"event": "event", "tickets": ["ticket"], "marketer": "organizer"},
    ),
    "discount-code for an event": Recipe(
        "/v1/discount-codes",
        "discount-code",
        lambda at: {**_discount(at), "used-for": "event"},
        {"event": "event", "events": ["event"]},
        "admin",
    ),
    "access-code": Recipe(
        "/v1/access-codes",
        "access-code",
        lambda at: {**_code(at), "access-url": "https://example.com/access"},
        {"event": "event", "tickets": ["hidden ticket"], "marketer": "organizer"},
    ),
    "role-invite": Recipe(
        "/v1/role-invites",
        "role-invite",
        lambda at: {
            "email": f"invited{at}@example.com",
            "role-name": "coorganizer",
            "status": "pending",
            "created-at": days(0),
        },
        {"event": "event", "role": "coorganizer's role"},
    ),
    "stripe-authorization": Recipe(
        "/v1/stripe-authorizations",
        "stripe-authorization",
        lambda _: {"stripe-auth-code": f"ac_test_{uuid.uuid4().hex}"},
    ),
    "stripe-authorization by keys": Recipe("/v1/stripe-authorization", "stripe-authorization", _stripe_keys),
    "attendee": Recipe(
        "/v1/attendees", "attendee", attendee_attributes, {"event": "event", "ticket": "ticket"}, "buyer"
    ),
    "order": Recipe(
        "/v1/orders",
        "order",
        lambda _: {
            "payment-mode": "stripe",
            "country": "DE",
            "status": "pending",
            "amount": 1,
            "order-notes": "By the window, please.",
        },
        {"event": "event", "attendees": ["attendee"]},
        "buyer",
    ),
}
NEEDS_PUBLISHED = {"attendee", "order", "speaker"}


class Scene:
    """One event of its own and what belongs to it."""

    def __init__(self, people: People) -> None:
        self.people = people
        self._made: dict[str, dict[str, Any]] = {}
        self._is_public = False

    def the(self, key: str) -> dict[str, Any]:
        """A part of the scene, made when it is first asked for: the resource as the API answered it."""
        if key not in self._made:
            self._made[key] = self._make(key)
        return self._made[key]

    def id(self, key: str) -> str:
        """Its number."""
        return str(self.the(key)["id"])

    def attribute(self, key: str, name: str) -> Any:
        """One of its attributes."""
        return self.the(key)["attributes"][name]

    def who(self, name: str) -> Api:
        """An actor by name."""
        found: Api = getattr(self.people, name)
        return found

    def document(self, key: str) -> dict[str, Any]:
        """The request that makes this part."""
        recipe = RECIPES[key]
        relations = {name: {"data": self._linkage(target)} for name, target in recipe.relations.items()}
        attributes = recipe.attributes(next(_numbers))
        if key == "speaker":
            attributes["email"] = self.people.organizer.address
        return {"data": {"type": recipe.type, "attributes": attributes, "relationships": relations}}

    def published(self) -> "Scene":
        """The event can be seen and its ticket bought by everybody."""
        if not self._is_public:
            self.the("ticket")
            event = self.id("event")
            self.people.organizer.change(f"/v1/events/{event}", "event", event, {"state": "published"})
            self._is_public = True
        return self

    def _make(self, key: str) -> dict[str, Any]:
        if key == "organizer":
            return ref("user", str(self.people.organizer.user_id))
        if key == "coorganizer's role":
            roles = self.people.organizer.get("/v1/roles")["data"]
            return next(each for each in roles if each["attributes"]["name"] == "coorganizer")
        if key in NEEDS_PUBLISHED:
            self.published()
        if key == "email-notification":  # made by accounts as soon as it hears of the new role
            return eventually(self._notification, what="accounts hearing who runs the event")
        recipe = RECIPES[key]
        made: dict[str, Any] = self.who(recipe.by).call("POST", recipe.path, json=self.document(key))["data"]
        return made

    def _notification(self) -> dict[str, Any] | None:
        organizer, event = self.people.organizer, int(self.id("event"))
        found = organizer.get(f"/v1/users/{organizer.user_id}/email-notifications?sort=-id")["data"]
        return next((each for each in found if each["attributes"]["event-id"] == event), None)

    def _linkage(self, target: str | Sequence[str]) -> Any:
        if not isinstance(target, str):
            return [self._linkage(each) for each in target]
        found = self.the(target)
        return ref(found["type"], found["id"])
