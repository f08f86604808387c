"""What every Stripe answer has in common: lists, `expand`, metadata."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from local.fakes.answers import Answer
from local.fakes.books import Document
from local.fakes.stripe.caller import StripeCall
from local.fakes.stripe.currencies import read_integer
from local.fakes.stripe.errors import invalid, no_such

# Attributes that hold an id and can hold the whole thing instead.
EXPANDABLE = {
    "charge": "charge",
    "latest_charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
}
PAGING = frozenset({"limit", "starting_after", "ending_before", "created", "expand"})

Matches = Callable[[Document], bool]
Shown = Callable[[Document], Document]


def answer(call: StripeCall, thing: Document) -> Answer:
    """With the parts that the caller wants to see whole."""
    shown = thing
    for path in _wishes(call):
        shown = _expanded(call, shown, path.split("."))
    return Answer(200, shown)


def find(call: StripeCall, kind: str, *, identifier: str | None = None, param: str = "id") -> Document:
    """The thing in the URL, or the one that a parameter names. Another account's does not exist."""
    wanted = identifier or call.path["id"]
    thing = call.find(kind, wanted)
    if thing is None:
        raise no_such(kind, wanted, param, in_url=identifier is None)
    return thing


def listed(
    call: StripeCall, kind: str, url: str, matches: Matches = lambda _: True, *, shown: Shown = lambda thing: thing
) -> Answer:
    """A page, newest first, between the cursors."""
    limit = read_integer(call.params.get("limit", 10), "limit")
    if limit > 100:
        raise invalid(f"Invalid integer: {limit}", param="limit", code="parameter_invalid_integer")
    found = (thing for thing in call.books.listed(kind, call.account) if matches(thing) and _created_in(call, thing))
    if before := call.params.get("ending_before"):
        find(call, kind, identifier=before, param="ending_before")
        newer = list(_until(found, before))
        page, more = newer[-limit:], len(newer) > limit
    else:
        if after := call.params.get("starting_after"):
            find(call, kind, identifier=after, param="starting_after")
            for _ in _until(found, after):
                pass
        page = list(islice(found, limit))
        more = next(found, None) is not None
    for path in _wishes(call):
        page = [_expanded(call, thing, path.removeprefix("data.").split(".")) for thing in page]
    return Answer(200, {"object": "list", "url": url, "has_more": more, "data": [shown(thing) for thing in page]})


def _until(things: Iterator[Document], identifier: str) -> Iterator[Document]:
    for thing in things:
        if thing["id"] == identifier:
            return
        yield thing


def _created_in(call: StripeCall, thing: Document) -> bool:
    window = call.params.get("created", {})
    if isinstance(window, str):
        return bool(thing["created"] == read_integer(window, "created"))
    return all(_compare(name, thing["created"], read_integer(limit, "created")) for name, limit in window.items())


def _compare(name: str, created: int, limit: int) -> bool:
    tests: dict[str, Callable[[int, int], bool]] = {
        "gt": int.__gt__,
        "gte": int.__ge__,
        "lt": int.__lt__,
        "lte": int.__le__,
    }
    if name not in tests:
        raise invalid(f"Received unknown parameter: created[{name}]", param="created", code="parameter_unknown")
    return tests[name](created, limit)


def _wishes(call: StripeCall) -> list[str]:
    wishes = call.params.get("expand", [])
    return wishes if isinstance(wishes, list) else [wishes]


def _expanded(call: StripeCall, thing: Document, path: list[str]) -> Document:
    """A copy of the thing, with the attribute at the end of the path made whole."""
    name, *rest = path
    value = thing.get(name)
    if name == "refunds" and thing["object"] == "charge":
        refunds = call.books.children("refund", thing["id"])
        url = f"/v1/charges/{thing['id']}/refunds"
        value = {"object": "list", "url": url, "has_more": False, "data": refunds}
    elif name not in EXPANDABLE or name not in thing:
        raise invalid(f"This property cannot be expanded ({name}).", param="expand")
    elif isinstance(value, str):
        value = call.find(EXPANDABLE[name], value)
    if rest and isinstance(value, dict):
        value = _expanded(call, value, rest)
    return {**thing, name: value}


def read_hash(params: Document, name: str) -> Document:
    value = params.get(name, {})
    if not isinstance(value, dict):
        raise invalid("Invalid hash", param=name, code="parameter_invalid_hash")
    return value


def merge_metadata(old: Document, new: Any) -> Document:
    """An empty value removes a name, an empty string all of them."""
    if new == "":
        return {}
    if not isinstance(new, dict):
        raise invalid("Invalid hash", param="metadata", code="parameter_invalid_hash")
    merged = {name: value for name, value in {**old, **new}.items() if value != ""}
    for name, value in merged.items():
        if len(name) > 40 or len(value) > 500 or len(merged) > 50:
            message = "Metadata holds up to 50 keys of 40 characters with values of 500 characters."
            raise invalid(message, param=f"metadata[{name}]")
    return merged
