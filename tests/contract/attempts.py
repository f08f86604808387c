"""How each documented transaction is tried: by whom, on what, with which body. What is ordinary follows from the path."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from local.api import Api
from tests.contract.documented import Transaction
from tests.contract.scene import RECIPES, Scene, event_attributes
from tests.journey.stage import PASSWORD, eventually

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Attempt:
    """One request, ready to be sent."""

    who: Api
    path: str
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    item: str | None = None
    media_type: str | None = None

    def send(self, method: str) -> requests.Response:
        """Whatever the answer."""
        asked = {"params": self.query, "headers": self.headers}
        return self.who.send(method, self.path, json=self.body, media_type=self.media_type, **asked)


# Path parameters, and the part of the scene (and its attribute) that each names.
PARAMETERS: Mapping[str, tuple[str, str | None]] = {
    "event_identifier": ("event", "identifier"),
    "event_id": ("event", None),
    "order_identifier": ("order", "identifier"),
    "identifier": ("order", "identifier"),
    "user_id": ("organizer", None),
    "id": ("stripe-authorization", None),
}
# Calls whose parameters name something else than usual.
OTHER_PARAMETERS: Mapping[str, Mapping[str, tuple[str, str | None]]] = {
    "GET /v1/discount-codes/{discount_code_id}/events": {"discount_code_id": ("discount-code for an event", None)},
    "GET /v1/tickets/{ticket_id}/access-codes": {"ticket_id": ("hidden ticket", None)},
    "GET /v1/events/{event_id}/discount-codes/{code}": {"code": ("discount-code", "code")},
    "GET /v1/events/{event_id}/access-codes/{code}": {"code": ("access-code", "code")},
}
OTHER_ITEMS: Mapping[str, str] = {
    "GET /v1/access-codes/{access_code_id}/tickets": "hidden ticket",
    "GET /v1/discount-codes": "discount-code for an event",
    "GET /v1/users": "organizer",
}
# Who asks where it is not the organizer.
BUYERS = ("/v1/orders", "/v1/attendees")
ADMINS = {
    "GET /v1/users",
    "GET /v1/discount-codes",
    "GET /v1/discount-codes/{discount_code_id}/events",
    "GET /v1/events/{event_identifier}/discount-code",
    "DELETE /v1/orders/{identifier}",
    "PATCH /v1/modules",
}
ORGANIZERS = {"POST /v1/attendees/send-receipt"}
# What has to be there although neither path nor body names it.
ALSO_NEEDED: Mapping[str, str] = {
    "GET /v1/events/{event_identifier}/discount-code": "discount-code for an event",
    "GET /v1/events/{event_identifier}/stripe-authorization": "stripe-authorization",
    "GET /v1/events/{event_id}/attendees/search": "order",
}


def attempt(scene: Scene, documented: Transaction) -> Attempt:
    """The documented request with everything it needs made beforehand."""
    if special := SPECIAL.get(documented.call):
        return special(scene, documented)
    also = ALSO_NEEDED.get(documented.call)
    if also:
        scene.the(also)
    item = _item(scene, documented)
    return Attempt(_who(scene, documented), _path(scene, documented), _body(scene, documented), item=item)


def _who(scene: Scene, documented: Transaction) -> Api:
    if not documented.needs_login:
        return scene.people.nobody
    if documented.call in ADMINS:
        return scene.people.admin
    if documented.path.startswith(BUYERS) and documented.call not in ORGANIZERS:
        return scene.people.buyer
    return scene.people.organizer


def _path(scene: Scene, documented: Transaction) -> str:
    path = documented.path
    for name in documented.parameters:
        key, attribute = _part(documented, name)
        value = scene.attribute(key, attribute) if attribute else scene.id(key)
        path = path.replace(f"{{{name}}}", str(value))
    return path


def _part(documented: Transaction, parameter: str) -> tuple[str, str | None]:
    named = OTHER_PARAMETERS.get(documented.call, {})
    usual = PARAMETERS.get(parameter, (parameter.removesuffix("_id").replace("_", "-"), None))
    key, attribute = named.get(parameter, usual)
    if documented.path.startswith("/v1/stripe-authorization/"):
        key = "stripe-authorization by keys"
    return key, attribute


def _item(scene: Scene, documented: Transaction) -> str | None:
    if not documented.is_list or documented.resource is None:
        return None
    return scene.id(OTHER_ITEMS.get(documented.call, documented.resource.type))


def _body(scene: Scene, documented: Transaction) -> Any:
    if documented.type is None:
        return None
    if documented.method == "POST":
        return scene.document(_key_of(documented))
    key = _part(documented, documented.parameters[-1])[0]
    found = scene.the(key)
    attributes = RECIPES[key].attributes(int(found["id"]))
    return {"data": {"type": documented.type, "id": found["id"], "attributes": attributes}}


def _key_of(documented: Transaction) -> str:
    """The recipe that this path makes; the same type under another path is made the same way."""
    by_path = [key for key, recipe in RECIPES.items() if recipe.path == documented.path]
    return (by_path or [key for key, recipe in RECIPES.items() if recipe.type == documented.type])[0]


def _filtered(name: str, key: str, attribute: str) -> Callable[[Scene, Transaction], Attempt]:
    """A list of everything, narrowed to what the scene made."""

    def made(scene: Scene, documented: Transaction) -> Attempt:
        item = scene.id(key)
        if documented.resource is not None and documented.resource.type == "event":
            scene.published()
        value = scene.people.organizer.address if key == "organizer" else scene.attribute(key, attribute)
        query = {"filter": f'[{{"name": "{name}", "op": "eq", "val": "{value}"}}]'}
        return Attempt(_who(scene, documented), documented.path, query=query, item=item)

    return made


def _log_in(scene: Scene, documented: Transaction) -> Attempt:
    body = {"email": scene.people.organizer.address, "password": PASSWORD}
    if "remember-me" in documented.sends:
        body |= {"remember-me": True}  # type: ignore[dict-item]
    who = scene.people.organizer if documented.needs_login else scene.people.nobody
    return Attempt(who, documented.path, body)


def _session(scene: Scene) -> dict[str, Any]:
    """Tokens of a session of its own."""
    body = {"email": scene.people.organizer.address, "password": PASSWORD, "remember-me": True}
    return scene.people.nobody.call("POST", "/v1/auth/login", json={**body, "include-in-response": True})


def _refresh(scene: Scene, documented: Transaction) -> Attempt:
    tokens = _session(scene)
    headers = {"Authorization": f"Bearer {tokens['refresh_token']}"}
    if documented.needs_login:
        return Attempt(scene.people.nobody, documented.path, headers=headers)
    return Attempt(scene.people.nobody, documented.path, {"refresh_token": tokens["refresh_token"]})


def _log_out(scene: Scene, documented: Transaction) -> Attempt:
    return Attempt(scene.people.stage.person("leaver"), documented.path)


def _change_password(scene: Scene, documented: Transaction) -> Attempt:
    person = scene.people.stage.person("forgetful")
    return Attempt(person, documented.path, {"data": {"old-password": PASSWORD, "new-password": PASSWORD + "!"}})


def _ask_reset(scene: Scene, documented: Transaction) -> Attempt:
    body = {"data": {"email": scene.people.organizer.address}}
    return Attempt(scene.people.nobody, documented.path, body)


def _reset(scene: Scene, documented: Transaction) -> Attempt:
    stage, person = scene.people.stage, scene.people.stage.person("forgetful")
    stage.nobody.call("POST", documented.path, json={"data": {"email": person.address}})
    token = stage.token_in(stage.mail_to(person.address, "password"))
    return Attempt(stage.nobody, documented.path, {"data": {"token": token, "password": PASSWORD + "!"}})


def _sign_up(scene: Scene, documented: Transaction) -> Attempt:
    attributes = {
        "email": f"new-{scene.id('event')}@example.com",
        "password": PASSWORD,
        "first-name": "New",
        "last-name": "Person",
        "details": "Likes music.",
        "contact": "+49 30 123",
        "avatar_url": "https://example.com/me.png",
        "original-image-url": "https://example.com/me.png",
        "facebook-url": "https://facebook.com/new",
        "twitter-url": "https://twitter.com/new",
        "instagram-url": "https://instagram.com/new",
        "google-plus-url": "https://plus.google.com/new",
    }
    return Attempt(scene.people.nobody, documented.path, {"data": {"type": "user", "attributes": attributes}})


def _check_email(scene: Scene, documented: Transaction) -> Attempt:
    return Attempt(scene.people.nobody, documented.path, {"email": scene.people.organizer.address})


def _create_event(scene: Scene, documented: Transaction) -> Attempt:
    attributes = event_attributes(0)
    return Attempt(scene.people.organizer, documented.path, {"data": {"type": "event", "attributes": attributes}})


def _invited(scene: Scene, documented: Transaction) -> Attempt:
    stage = scene.people.stage
    token = stage.token_in(stage.mail_to(scene.attribute("role-invite", "email"), "invit"))
    return Attempt(scene.people.organizer, documented.path, {"data": {"token": token}})


def _cart(scene: Scene, documented: Transaction) -> Attempt:
    for needed in ("tax", "discount-code"):
        scene.the(needed)
    ticket = {"id": scene.published().id("ticket"), "quantity": 2}
    body = {"tickets": [ticket], "discount_code": scene.id("discount-code")}
    return Attempt(scene.people.buyer, documented.path, body)


def _charge(scene: Scene, documented: Transaction) -> Attempt:
    attributes = {"stripe": "tok_visa", "paypal_payer_id": None, "paypal_payment_id": None}
    body = {"data": {"type": "charge", "attributes": attributes}}
    return Attempt(scene.people.buyer, _path(scene, documented), body)


def _pay_by_paypal(scene: Scene, documented: Transaction) -> Attempt:
    path, order = _path(scene, documented), scene.the("order")
    number = order["attributes"]["identifier"]
    scene.people.buyer.change(f"/v1/orders/{number}", "order", order["id"], {"payment-mode": "paypal"})
    attributes = {"return_url": "https://example.com/back", "cancel_url": "https://example.com/away"}
    body = {"data": {"type": "paypal-payment", "attributes": attributes}}
    return Attempt(scene.people.buyer, path, body, media_type="application/json")


def _send_receipt(scene: Scene, documented: Transaction) -> Attempt:
    number = scene.attribute("order", "identifier")
    body = {"data": {"type": "charge", "attributes": {"stripe": "tok_visa"}}}
    scene.people.buyer.call("POST", f"/v1/orders/{number}/charge", json=body)
    return Attempt(scene.people.buyer, documented.path, {"order-identifier": number})


def _search(scene: Scene, documented: Transaction) -> Attempt:
    scene.the("order")
    return Attempt(scene.people.organizer, _path(scene, documented), query={"q": "Grace"})


def _event_of_stripe_authorization(scene: Scene, documented: Transaction) -> Attempt:
    path = _path(scene, documented)
    organizer = scene.people.organizer
    eventually(lambda: organizer.send("GET", path).ok, what="events knowing the authorization")
    return Attempt(organizer, path)


def _modules(scene: Scene, documented: Transaction) -> Attempt:
    attributes = {"ticket-include": True, "payment-include": True, "donation-include": True}
    return Attempt(
        scene.people.admin, documented.path, {"data": {"type": "module", "id": "1", "attributes": attributes}}
    )


SPECIAL: Mapping[str, Callable[[Scene, Transaction], Attempt]] = {
    "POST /v1/auth/login": _log_in,
    "POST /v1/auth/session": _log_in,
    "POST /v1/auth/fresh-login": _log_in,
    "POST /v1/auth/token/refresh": _refresh,
    "POST /v1/auth/logout": _log_out,
    "POST /v1/auth/blacklist": _log_out,
    "POST /v1/auth/change-password": _change_password,
    "POST /v1/auth/reset-password": _ask_reset,
    "PATCH /v1/auth/reset-password": _reset,
    "GET /v1/users": _filtered("email", "organizer", ""),
    "POST /v1/users": _sign_up,
    "POST /v1/users/checkEmail": _check_email,
    "GET /v1/events": _filtered("identifier", "event", "identifier"),
    "GET /v1/events/upcoming": _filtered("identifier", "event", "identifier"),
    "POST /v1/events": _create_event,
    "GET /v1/discount-codes": _filtered("code", "discount-code for an event", "code"),
    "POST /v1/role_invites/user": _invited,
    "POST /v1/orders/create-order": _cart,
    "POST /v1/orders/calculate-amount": _cart,
    "POST /v1/orders/{order_identifier}/charge": _charge,
    "POST /v1/orders/{order_identifier}/create-paypal-payment": _pay_by_paypal,
    "POST /v1/attendees/send-receipt": _send_receipt,
    "GET /v1/events/{event_id}/attendees/search": _search,
    "GET /v1/stripe-authorizations/{stripe_authorization_id}/event": _event_of_stripe_authorization,
    "PATCH /v1/modules": _modules,
}
